package power

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/plan"
)

// RecoverPlanner plans how a failing worker is brought back: one rung of the ladder after the other, each only if the node is still not
// Ready.
type RecoverPlanner struct{ base }

// rungs of the ladder, gentlest first.
var rungs = []v1alpha1.RestartWhat{v1alpha1.RestartKubelet, v1alpha1.RestartRuntime, v1alpha1.RestartReboot}

func (p *RecoverPlanner) gather(ctx context.Context, op *v1alpha1.Operation) (*Facts, error) {
	c, err := p.Connect(ctx, op.Namespace)
	if err != nil {
		return nil, err
	}
	nodes, err := c.Nodes().List(labels.Everything())
	if err != nil {
		return nil, err
	}
	f, err := p.machines(ctx, op.Namespace, nodes)
	if err != nil {
		return nil, err
	}
	name := op.Spec.Recover.Node
	if !slices.ContainsFunc(f.Machines, func(m Machine) bool { return m.Node == name }) && !slices.Contains(f.Unhosted, name) {
		return nil, plan.Refuse(v1alpha1.ReasonNotFound, "NodeUnknown", name, "cluster", op.Namespace)
	}
	f.Unhosted = slices.DeleteFunc(f.Unhosted, func(n string) bool { return n != name })
	f.Machines = slices.DeleteFunc(f.Machines, func(m Machine) bool { return m.Node != name })
	return f, nil
}

// Plan implements plan.Planner.
func (p *RecoverPlanner) Plan(ctx context.Context, op *v1alpha1.Operation) (*plan.Draft, error) {
	f, err := p.gather(ctx, op)
	if err != nil {
		return nil, err
	}
	if err := p.engage(ctx, op, f); err != nil {
		return nil, err
	}
	facts := *f
	facts.Machines = slices.Clone(f.Machines)
	p.probe(ctx, f, func(ctx context.Context, machine *hosts.Machine, m *Machine) error {
		_, err := machine.Facts(ctx)
		return err
	})
	d, err := ComposeRecover(f, op.Spec.Recover)
	if d != nil {
		d.Facts = &facts
	}
	return d, err
}

// Facts implements plan.Planner.
func (p *RecoverPlanner) Facts(ctx context.Context, op *v1alpha1.Operation) (any, error) {
	return p.gather(ctx, op)
}

// ComposeRecover makes the plan.
func ComposeRecover(f *Facts, o *v1alpha1.RecoverSpec) (*plan.Draft, error) {
	c := &composer{f: f, draft: &plan.Draft{}}
	for _, n := range f.Unhosted {
		c.find(v1alpha1.SeverityBlocker, "NoHost", "Node", n, nil)
	}
	for _, m := range f.Machines {
		if m.ControlPlane {
			c.find(v1alpha1.SeverityBlocker, "NeverControlPlanes", "Node", m.Node, nil)
		}
		if m.Ready {
			c.find(v1alpha1.SeverityInfo, "ReadyAlready", "Node", m.Node, nil)
		}
		if m.State != v1alpha1.HostReachable && !m.Power {
			c.find(v1alpha1.SeverityBlocker, "HostNotUsable", "Host", m.Host, nil, "why", m.StateText)
		}
		if by := f.Engaged[m.Node]; by != "" {
			c.find(v1alpha1.SeverityBlocker, "NodeBusy", "Node", m.Node, nil, "operation", by)
		}
		for _, what := range rungs {
			if what == v1alpha1.RestartReboot && !o.Reboot {
				continue
			}
			c.add(v1alpha1.Step{ID: "try-" + string(what), Kind: KindRecover, Targets: []string{m.Node}, ForecastSeconds: 30, TimeoutSeconds: bootTime},
				hostArgs{Host: m.Host, Node: m.Node, Runtime: m.Runtime, What: what}, "host", m.Host, "what", string(what))
		}
		c.add(v1alpha1.Step{ID: "recovered", Kind: KindRecovered, Targets: []string{m.Node}, ForecastSeconds: 1, TimeoutSeconds: quick},
			hostArgs{Host: m.Host, Node: m.Node}, "node", m.Node)
	}
	return c.done(o.Node)
}

// Report implements plan.Planner.
func (p *RecoverPlanner) Report(_ context.Context, op *v1alpha1.Operation, _ []v1alpha1.Member) ([]v1alpha1.Line, map[string]int64, error) {
	for _, s := range op.Status.Steps {
		if s.State == v1alpha1.StepDone && s.Measures[MeasureHelped] == 1 {
			return []v1alpha1.Line{line("report", "RecoveredBy", "node", op.Spec.Recover.Node, "what", string(s.ID[len("try-"):]))}, map[string]int64{}, nil
		}
	}
	return []v1alpha1.Line{line("report", "RecoveredItself", "node", op.Spec.Recover.Node)}, nil, nil
}

// MeasureHelped is 1 of the rung after which the node was Ready.
const MeasureHelped = "helped"

func addPlanners(r *plan.Registry, b base) {
	r.AddPlanner(v1alpha1.OperationStop, &StopPlanner{b})
	r.AddPlanner(v1alpha1.OperationStart, &StartPlanner{b})
	r.AddPlanner(v1alpha1.OperationRestart, &RestartPlanner{b})
	r.AddPlanner(v1alpha1.OperationRecover, &RecoverPlanner{b})
}
