package power

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/ops/drain"
	"kanrin.dev/kanrin/internal/plan"
)

// RestartPlanner plans rolling restarts of nodes.
type RestartPlanner struct{ base }

func (p *RestartPlanner) gather(ctx context.Context, op *v1alpha1.Operation) (*Facts, error) {
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
	asked := func(m Machine) bool { return slices.Contains(op.Spec.Restart.Nodes, m.Node) }
	for _, n := range op.Spec.Restart.Nodes {
		if !slices.ContainsFunc(f.Machines, func(m Machine) bool { return m.Node == n }) && !slices.Contains(f.Unhosted, n) {
			return nil, plan.Refuse(v1alpha1.ReasonNotFound, "NodeUnknown", n, "cluster", op.Namespace)
		}
	}
	f.Unhosted = slices.DeleteFunc(f.Unhosted, func(n string) bool { return !slices.Contains(op.Spec.Restart.Nodes, n) })
	p.probe(ctx, f, func(ctx context.Context, machine *hosts.Machine, m *Machine) (err error) {
		if asked(*m) {
			m.Mark, err = mark(ctx, machine, op.Spec.Restart.What, m.Runtime)
		}
		return err
	})
	for i := range f.Machines {
		if m := &f.Machines[i]; asked(*m) {
			m.Pods = len(c.Pods().ByNode(m.Node))
		}
	}
	return f, nil
}

// mark identifies the present run of what is to be restarted: another one means that it was restarted.
func mark(ctx context.Context, machine *hosts.Machine, what v1alpha1.RestartWhat, runtime string) (string, error) {
	switch what {
	case v1alpha1.RestartKubelet, v1alpha1.RestartRuntime:
		unit := "kubelet"
		if what == v1alpha1.RestartRuntime {
			unit = runtime
		}
		r, err := machine.Run(ctx, hosts.Command{Args: []string{"systemctl", "show", "-p", "InvocationID", "--value", unit}})
		if err != nil {
			return "", err
		}
		return strings.TrimSpace(string(r.Stdout)), nil
	}
	facts, err := machine.Facts(ctx)
	if err != nil {
		return "", err
	}
	return facts.BootID, nil
}

// Plan implements plan.Planner.
func (p *RestartPlanner) Plan(ctx context.Context, op *v1alpha1.Operation) (*plan.Draft, error) {
	f, err := p.gather(ctx, op)
	if err != nil {
		return nil, err
	}
	if err := p.engage(ctx, op, f); err != nil {
		return nil, err
	}
	return ComposeRestart(f, op.Spec.Restart)
}

// Facts implements plan.Planner.
func (p *RestartPlanner) Facts(ctx context.Context, op *v1alpha1.Operation) (any, error) {
	return p.gather(ctx, op)
}

// stepsPerBatch of a restart, to keep the plan within its bounds.
const (
	stepsPerBatch = 4
	maxSteps      = 380
)

// ComposeRestart makes the plan of a rolling restart: control planes one by one, workers in batches.
func ComposeRestart(f *Facts, o *v1alpha1.RestartSpec) (*plan.Draft, error) {
	c := &composer{f: f, draft: &plan.Draft{}}
	asked := func(ms []Machine) []Machine {
		return slices.DeleteFunc(slices.Clone(ms), func(m Machine) bool { return !slices.Contains(o.Nodes, m.Node) })
	}
	planes, workers := asked(f.controlPlanes()), asked(f.workers())
	for _, n := range f.Unhosted {
		c.find(v1alpha1.SeverityBlocker, "NoHost", "Node", n, nil)
	}
	for _, m := range append(slices.Clone(planes), workers...) {
		if m.State != v1alpha1.HostReachable {
			c.find(v1alpha1.SeverityBlocker, "HostNotUsable", "Host", m.Host, nil, "why", m.StateText)
		}
		if by := f.Engaged[m.Node]; by != "" {
			c.find(v1alpha1.SeverityBlocker, "NodeBusy", "Node", m.Node, nil, "operation", by)
		}
	}
	c.checkQuorum(planes)
	batch := max(1, int(o.MaxUnavailable))
	if out := outOf(f.workers(), workers); len(out) > 0 && len(workers) > 0 {
		c.find(v1alpha1.SeverityWarning, "WorkersOut", "Node", out[0], nil, "count", len(out))
	}
	var batches [][]Machine
	for _, m := range planes {
		batches = append(batches, []Machine{m})
	}
	for ms := range slices.Chunk(workers, batch) {
		batches = append(batches, ms)
	}
	if n := len(batches)*stepsPerBatch + len(planes) + len(workers); n > maxSteps {
		return nil, plan.Refuse(v1alpha1.ReasonInvalidInput, "TooManyNodes", f.Cluster, "count", len(o.Nodes))
	}
	for i, ms := range batches {
		c.batch(i+1, ms, o)
	}
	c.say("RestartOrder", "what", string(what(o)), "controlPlanes", list(planes), "workers", list(workers), "batch", batch)
	if all := f.controlPlanes(); len(planes) > 0 {
		c.say("QuorumWhile", "members", len(all), "left", len(all)-1-len(outOf(all, planes)), "need", len(all)/2+1)
	}
	return c.done(strings.Join(o.Nodes, ", "))
}

func what(o *v1alpha1.RestartSpec) v1alpha1.RestartWhat {
	if o.What == "" {
		return v1alpha1.RestartReboot
	}
	return o.What
}

// checkQuorum: of N control planes at most (N−1)/2 may be out, and those that are out already count.
func (c *composer) checkQuorum(planes []Machine) {
	if len(planes) == 0 {
		return
	}
	all := c.f.controlPlanes()
	for _, m := range planes {
		out := outOf(all, []Machine{m})
		if may := (len(all) - 1) / 2; len(out)+1 > may {
			if len(all) == 1 {
				c.find(v1alpha1.SeverityWarning, "OnlyControlPlane", "Node", m.Node, nil)
				continue
			}
			c.find(v1alpha1.SeverityBlocker, "QuorumAtRisk", "Node", m.Node, nil, "count", len(out)+1, "members", len(all), "may", may)
		}
	}
}

// outOf names those that are not Ready, other than the given ones.
func outOf(all, except []Machine) []string {
	var out []string
	for _, m := range all {
		if !m.Ready && !slices.ContainsFunc(except, func(e Machine) bool { return e.Node == m.Node }) {
			out = append(out, m.Node)
		}
	}
	return out
}

func (c *composer) batch(n int, ms []Machine, o *v1alpha1.RestartSpec) {
	var open []string
	found := map[string]string{}
	pods := 0
	for _, m := range ms {
		pods += m.Pods
		if m.Cordoned {
			found[m.Node] = m.CordonedBy
		} else {
			open = append(open, m.Node)
		}
	}
	drained := !o.SkipDrain && what(o) == v1alpha1.RestartReboot
	if drained {
		c.take(drain.CordonStep(fmt.Sprintf("cordon-%d", n), names(ms), found))
		c.take(drain.Live{ID: fmt.Sprintf("evict-%d", n), Nodes: names(ms), ForecastSeconds: min(60, 5+int64(pods)/5), TimeoutSeconds: 3600}.Step())
	}
	forecast := map[v1alpha1.RestartWhat]int64{v1alpha1.RestartReboot: 40, v1alpha1.RestartRuntime: 10, v1alpha1.RestartKubelet: 5}[what(o)]
	for _, m := range ms {
		c.add(v1alpha1.Step{
			ID: "restart-" + m.Host, Kind: KindRestart, Group: fmt.Sprintf("restart-%d", n), Targets: []string{m.Node}, ForecastSeconds: forecast, TimeoutSeconds: bootTime,
		}, hostArgs{Host: m.Host, Node: m.Node, Runtime: m.Runtime, ControlPlane: m.ControlPlane, What: what(o), Mark: m.Mark}, "host", m.Host, "what", string(what(o)))
	}
	if drained && len(open) > 0 {
		c.add(v1alpha1.Step{ID: fmt.Sprintf("uncordon-%d", n), Kind: drain.KindUncordon, Targets: open, ForecastSeconds: 1, TimeoutSeconds: quick},
			map[string]any{}, "nodes", strings.Join(open, ", "), "count", len(open))
	}
}

// Report implements plan.Planner.
func (p *RestartPlanner) Report(_ context.Context, op *v1alpha1.Operation, _ []v1alpha1.Member) ([]v1alpha1.Line, map[string]int64, error) {
	lines, m := share(op)
	return append([]v1alpha1.Line{line("report", "Restarted", "nodes", strings.Join(op.Spec.Restart.Nodes, ", "))}, lines...), m, nil
}
