package drain_test

import (
	"context"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/ops/drain"
	"kanrin.dev/kanrin/internal/plan"
	"kanrin.dev/kanrin/internal/plan/plantest"
)

// A drain is killed before and after each durable write. Whatever the moment: every pod is evicted once, the budgets hold, the node
// that somebody else had cordoned stays as it was, and the surged workload is back at its size.
func TestDrainSurvivesBeingKilled(t *testing.T) {
	plantest.Run(t, plantest.Subject{
		Registry: registry(t), Client: management, Parallel: 6,
		Prepare: func(t *testing.T, name string) plantest.World {
			w, cart, op := prepared(t, "kill-"+name)
			before := map[string]bool{}
			for _, p := range w.podsOn("a") {
				before[p.Name] = true
			}
			return plantest.World{
				Operation: op, Want: v1alpha1.PhaseSucceeded,
				Check: func(t *testing.T, op *v1alpha1.Operation) {
					if low := cart.end(); low < 3 {
						t.Errorf("budget cart was broken: %d healthy, 3 needed", low)
					}
					w.whole(t)
					a := w.theNode("a")
					if !a.Spec.Unschedulable || a.Annotations[drain.MarkCordonedBy] != w.name+"/drain" {
						t.Errorf("node a is not cordoned by the drain: %v %v", a.Spec.Unschedulable, a.Annotations)
					}
					if left := w.podsOn("a"); len(left) > 0 {
						t.Errorf("%d pods left on the drained node", len(left))
					}
					times := api.Evictions(t, w.name)
					for name := range before {
						if times[name] != 1 {
							t.Errorf("pod %s was evicted %d times", name, times[name])
						}
					}
					if len(times) != len(before) {
						t.Errorf("%d pods were evicted, %d were in the plan", len(times), len(before))
					}
				},
			}
		},
	})
}

// The same for a drain that is cancelled on its way: what it changed is taken back, and nothing else.
func TestCancelSurvivesBeingKilled(t *testing.T) {
	plantest.Run(t, plantest.Subject{
		Registry: registry(t), Client: management, Parallel: 6,
		Prepare: func(t *testing.T, name string) plantest.World {
			w, cart, op := prepared(t, "undo-"+name)
			return plantest.World{
				Operation: op, Want: v1alpha1.PhaseCancelled,
				Drive: func(ctx context.Context, op *v1alpha1.Operation) {
					for _, s := range op.Status.Steps {
						// As soon as the first round has begun.
						if s.ID == "evict-1" && s.State != v1alpha1.StepPending && !op.Spec.Cancelled {
							op.Spec.Cancelled = true
							_ = management.Update(ctx, op) // a conflict is tried again in the next turn
						}
					}
				},
				Check: func(t *testing.T, op *v1alpha1.Operation) {
					if low := cart.end(); low < 3 {
						t.Errorf("budget cart was broken: %d healthy, 3 needed", low)
					}
					w.whole(t)
					if a := w.theNode("a"); a.Spec.Unschedulable || a.Annotations[drain.MarkCordonedBy] != "" {
						t.Errorf("node a is still cordoned: %v", a.Annotations)
					}
					for name, n := range api.Evictions(t, w.name) {
						if n != 1 {
							t.Errorf("pod %s was evicted %d times", name, n)
						}
					}
				},
			}
		},
	})
}

// prepared is a world with two deployments on node a, one of which must be surged, and a node c that somebody has cordoned.
func prepared(t *testing.T, name string) (*world, *guardian, *v1alpha1.Operation) {
	w := newWorld(t, name)
	w.deployment("cart", 4, 3)
	w.deployment("web", 2, 2)
	w.node("b", false)
	w.node("c", true)
	w.eventually("nodes in the cache", func() bool {
		b, err := connection.Nodes().Get(w.name + "-b")
		if err != nil {
			return false
		}
		_, err = connection.Nodes().Get(w.name + "-c")
		return err == nil && len(b.Spec.Taints) == 0 // the taint of a node that is not ready goes a moment after it is
	})
	op := w.operation(v1alpha1.DrainSpec{Nodes: []string{w.name + "-a", w.name + "-c"}, Surge: []string{w.name + "/web"}})
	return w, w.guard("cart"), op
}

// whole checks what must be true after every end.
func (w *world) whole(t *testing.T) {
	t.Helper()
	c := w.theNode("c")
	if !c.Spec.Unschedulable || c.Annotations[drain.MarkCordonedBy] != "" {
		t.Errorf("the node that somebody else cordoned was touched: %v %v", c.Spec.Unschedulable, c.Annotations)
	}
	var d appsv1.Deployment
	if err := management.Get(t.Context(), client.ObjectKey{Namespace: w.name, Name: "web"}, &d); err != nil {
		t.Fatal(err)
	}
	if *d.Spec.Replicas != 2 || d.Annotations[drain.MarkSurgedBy] != "" {
		t.Errorf("the surged deployment is not back: %d replicas, %v", *d.Spec.Replicas, d.Annotations)
	}
	var lock coordinationv1.Lease
	if err := management.Get(t.Context(), client.ObjectKey{Namespace: w.name, Name: plan.LockName}, &lock); err != nil {
		t.Fatal(err)
	}
}
