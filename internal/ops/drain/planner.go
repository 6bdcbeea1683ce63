package drain

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/plan"
	"kanrin.dev/kanrin/internal/rehearse"
)

// Connections gives the connection to a cluster.
type Connections interface {
	Connection(cluster string) (*fleet.Connection, error)
}

// Rehearser plays scenarios on a snapshot.
type Rehearser interface {
	Run(ctx context.Context, snapshot rehearse.Snapshot, scenarios []rehearse.Scenario) (*rehearse.Result, error)
}

// History lists the operations of a cluster.
type History interface {
	Operations(ctx context.Context, cluster string) ([]v1alpha1.Operation, error)
}

// Dependencies of the planners and steps of this package.
type Dependencies struct {
	Fleet     Connections
	Rehearser Rehearser
	History   History
}

// Register makes drain, cordon and uncordon known to the engine.
func Register(r *plan.Registry, d Dependencies) {
	b := base{fleet: d.Fleet}
	r.AddPlanner(v1alpha1.OperationDrain, &Planner{d})
	r.AddPlanner(v1alpha1.OperationCordon, &CordonPlanner{d})
	r.AddPlanner(v1alpha1.OperationUncordon, &CordonPlanner{d})
	r.AddBehaviour(KindSurge, surge{b})
	r.AddBehaviour(KindCordon, cordon{b})
	r.AddBehaviour(KindUncordon, uncordon{b})
	r.AddBehaviour(KindEvict, evict{b})
	r.AddBehaviour(KindEvictLive, evict{b})
	r.AddBehaviour(KindVerify, verify{b})
	r.AddBehaviour(KindSettle, settle{b})
	r.AddBehaviour(KindUnsurge, unsurge{b})
}

// Planner plans drains.
type Planner struct{ d Dependencies }

// syncTimeout is how long a plan waits for a cluster that has just been connected.
const syncTimeout = 30 * time.Second

// connect returns the connection with fresh caches.
func connect(ctx context.Context, f Connections, cluster string) (*fleet.Connection, error) {
	c, err := f.Connection(cluster)
	if err != nil {
		return nil, plan.Fail("ClusterUnknown", cluster, err)
	}
	limited, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	if err := c.WaitSynced(limited); err != nil {
		return nil, plan.Fail("ClusterUnreachable", cluster, err)
	}
	return c, nil
}

// Plan implements plan.Planner.
func (p *Planner) Plan(ctx context.Context, op *v1alpha1.Operation) (*plan.Draft, error) {
	c, o, f, err := p.gather(ctx, op)
	if err != nil {
		return nil, err
	}
	if err := engage(ctx, p.d.History, op, f); err != nil {
		return nil, err
	}
	s := NewSchedule(f, o)
	var places *rehearse.ScenarioResult
	var r *v1alpha1.Rehearsal
	if len(s.Jobs) > 0 {
		began := time.Now()
		res, err := p.d.Rehearser.Run(ctx, rehearse.Snapshot(c.Snapshot()), []rehearse.Scenario{s.Scenario(f)})
		if err != nil {
			return nil, plan.Fail("RehearsalFailed", op.Namespace, err)
		}
		places = &res.Scenarios[0]
		r = &v1alpha1.Rehearsal{
			At: metav1.NowMicro(), Engine: "kube-scheduler " + res.Kubernetes, Nodes: int32(res.Objects.Nodes), Pods: int32(res.Objects.Pods),
			Milliseconds: time.Since(began).Milliseconds(),
		}
	}
	d, err := Compose(f, o, s, places, Findings(f, o, s, places))
	if err != nil {
		return nil, err
	}
	d.Plan.Rehearsal = r
	return d, nil
}

func (p *Planner) gather(ctx context.Context, op *v1alpha1.Operation) (*fleet.Connection, Options, *Facts, error) {
	o := OptionsOf(op.Spec.Drain)
	c, err := connect(ctx, p.d.Fleet, op.Namespace)
	if err != nil {
		return nil, o, nil, err
	}
	f, err := Gather(ctx, c, o)
	return c, o, f, err
}

// Facts implements plan.Planner.
func (p *Planner) Facts(ctx context.Context, op *v1alpha1.Operation) (any, error) {
	_, o, f, err := p.gather(ctx, op)
	return factsOf(f, o), err
}

// factsOf is what the digest of facts is made of.
func factsOf(f *Facts, o Options) any {
	return struct {
		Facts   *Facts
		Options Options
	}{f, o}
}

// engage adds what the operations of the cluster say: who is at work, and how long things took before.
func engage(ctx context.Context, h History, op *v1alpha1.Operation, f *Facts) error {
	ops, err := h.Operations(ctx, op.Namespace)
	if err != nil {
		return fmt.Errorf("reading the operations of cluster %s: %w", op.Namespace, err)
	}
	f.Timing.Gone, f.Timing.Ready = history(ops)
	for _, other := range ops {
		if other.Name == op.Name || !plan.AtWork(other.Status.Phase) {
			continue
		}
		for _, n := range plan.Nodes(&other) {
			f.Engaged[n] = other.Name
		}
	}
	return nil
}
