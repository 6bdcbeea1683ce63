package drain

import (
	"context"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
	"kanrin.dev/kanrin/internal/plan"
)

// CordonPlanner plans cordons and uncordons.
type CordonPlanner struct{ d Dependencies }

// Plan implements plan.Planner.
func (p *CordonPlanner) Plan(ctx context.Context, op *v1alpha1.Operation) (*plan.Draft, error) {
	o, f, err := p.gather(ctx, op)
	if err != nil {
		return nil, err
	}
	if err := engage(ctx, p.d.History, op, f); err != nil {
		return nil, err
	}
	return composeCordon(f, o, op.Spec.Type)
}

func (p *CordonPlanner) gather(ctx context.Context, op *v1alpha1.Operation) (Options, *Facts, error) {
	o := Options{Nodes: unique(plan.Nodes(op))}
	c, err := connect(ctx, p.d.Fleet, op.Namespace)
	if err != nil {
		return o, nil, err
	}
	f, err := Gather(ctx, c, o)
	if err != nil {
		return o, nil, err
	}
	f.Pods, f.Budgets, f.Workloads = nil, nil, nil // a cordon does not look at pods; nor may they make its plan stale
	return o, f, nil
}

// Facts implements plan.Planner.
func (p *CordonPlanner) Facts(ctx context.Context, op *v1alpha1.Operation) (any, error) {
	o, f, err := p.gather(ctx, op)
	return factsOf(f, o), err
}

func composeCordon(f *Facts, o Options, t v1alpha1.OperationType) (*plan.Draft, error) {
	x := &findings{f: f, o: o, s: &Schedule{}}
	found := cordonArgs{Cordoned: map[string]string{}}
	for _, n := range f.Nodes {
		if n.Unschedulable {
			found.Cordoned[n.Name] = n.CordonedBy
		}
		if n.Unschedulable == (t == v1alpha1.OperationCordon) {
			x.add(v1alpha1.SeverityInfo, "NothingToDo", "Node", n.Name, nil)
		}
		if by := f.Engaged[n.Name]; by != "" {
			x.add(v1alpha1.SeverityBlocker, "NodeBusy", "Node", n.Name, nil, "operation", by)
		}
	}
	d := &plan.Draft{Facts: factsOf(f, o), Target: strings.Join(o.Nodes, ", ")}
	c := &composer{f: f, o: o, s: x.s, draft: d}
	d.Plan.Findings = x.list
	kind, undo := KindCordon, KindUncordon
	if t == v1alpha1.OperationUncordon {
		kind, undo = KindUncordon, KindCordon
	}
	err := c.add(v1alpha1.Step{
		ID: kind, Kind: kind, Targets: o.Nodes, TimeoutSeconds: quickTimeout, ForecastSeconds: 1, Undo: undo,
	}, found, "nodes", strings.Join(o.Nodes, ", "), "count", len(o.Nodes))
	if err != nil {
		return nil, err
	}
	d.Plan.Forecast = v1alpha1.Forecast{Seconds: 1, AtMostSeconds: quickTimeout, Basis: "defaults"}
	d.Plan.Summary = []v1alpha1.Line{*line("summary", "Nodes", "count", len(o.Nodes))}
	return d, nil
}

// Report implements plan.Planner.
func (p *CordonPlanner) Report(_ context.Context, op *v1alpha1.Operation, _ []v1alpha1.Member) ([]v1alpha1.Line, map[string]int64, error) {
	code := "NodesCordoned"
	if op.Spec.Type == v1alpha1.OperationUncordon {
		code = "NodesUncordoned"
	}
	params := lang.P("nodes", strings.Join(plan.Nodes(op), " "))
	return []v1alpha1.Line{{Code: code, Params: params, Message: lang.English.Text("report."+code, params)}}, nil, nil
}
