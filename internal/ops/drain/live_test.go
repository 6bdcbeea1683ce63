package drain_test

import (
	"context"
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/ops/drain"
	"kanrin.dev/kanrin/internal/plan"
	"kanrin.dev/kanrin/internal/plan/plantest"
)

// livePlanner plans a cordon and a live round, as operations do that empty a node on their way.
type livePlanner struct {
	node      string
	unmanaged bool
}

func (p livePlanner) Facts(context.Context, *v1alpha1.Operation) (any, error) { return p.node, nil }

func (p livePlanner) Plan(context.Context, *v1alpha1.Operation) (*plan.Draft, error) {
	d := &plan.Draft{Facts: p.node, Target: p.node}
	c, err := drain.CordonStep("cordon", []string{p.node}, nil)
	if err != nil {
		return nil, err
	}
	e, err := drain.Live{ID: "evict", Nodes: []string{p.node}, Unmanaged: p.unmanaged, TimeoutSeconds: 240}.Step()
	if err != nil {
		return nil, err
	}
	d.Plan.Steps = []v1alpha1.Step{c, e}
	return d, nil
}

func (livePlanner) Report(context.Context, *v1alpha1.Operation, []v1alpha1.Member) ([]v1alpha1.Line, map[string]int64, error) {
	return nil, nil, nil
}

// nodePlanner plans for the first node of the operation.
type nodePlanner struct{ livePlanner }

func (nodePlanner) of(op *v1alpha1.Operation) livePlanner {
	return livePlanner{op.Spec.RemoveNode.Node, op.Spec.RemoveNode.KeepHost}
}

func (p nodePlanner) Facts(ctx context.Context, op *v1alpha1.Operation) (any, error) {
	return p.of(op).Facts(ctx, op)
}

func (p nodePlanner) Plan(ctx context.Context, op *v1alpha1.Operation) (*plan.Draft, error) {
	return p.of(op).Plan(ctx, op)
}

func (w *world) bare(name string, change func(*corev1.Pod)) {
	w.t.Helper()
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.name, Name: name},
		Spec: corev1.PodSpec{
			NodeName: w.name + "-a", TerminationGracePeriodSeconds: ptr.To[int64](1),
			Containers: []corev1.Container{{Name: "c", Image: "i"}},
		},
	}
	if change != nil {
		change(p)
	}
	w.create(p)
	// The step looks at the cache.
	w.eventually("pod "+name+" seen", func() bool { _, ok := connection.Pods().Get(w.name, name); return ok })
}

func live(t *testing.T, parallel int, prefix string, unmanaged bool, left ...string) plantest.Subject {
	r := registry(t)
	r.AddPlanner(v1alpha1.OperationRemoveNode, nodePlanner{})
	return plantest.Subject{
		Registry: r, Client: management, Parallel: parallel,
		Prepare: func(t *testing.T, name string) plantest.World {
			w := newWorld(t, prefix+name)
			w.deployment("cart", 4, 3)
			w.node("b", false)
			w.eventually("node b in the cache", func() bool {
				b, err := connection.Nodes().Get(w.name + "-b")
				return err == nil && len(b.Spec.Taints) == 0
			})
			w.bare("alone", nil)
			w.bare("finished", func(p *corev1.Pod) { p.Spec.RestartPolicy = corev1.RestartPolicyNever })
			w.finish("finished")
			before := map[string]bool{}
			for _, p := range w.podsOn("a") {
				if p.Name != "finished" && (unmanaged || p.Name != "alone") {
					before[p.Name] = true
				}
			}
			cart := w.guard("cart")
			return plantest.World{
				Operation: &v1alpha1.Operation{
					ObjectMeta: metav1.ObjectMeta{Namespace: w.name, Name: "drain"},
					Spec: v1alpha1.OperationSpec{
						Type:       v1alpha1.OperationRemoveNode,
						RemoveNode: &v1alpha1.RemoveNodeSpec{Node: w.name + "-a", KeepHost: unmanaged},
					},
				},
				Want: v1alpha1.PhaseSucceeded,
				Check: func(t *testing.T, _ *v1alpha1.Operation) {
					if low := cart.end(); low < 3 {
						t.Errorf("budget cart was broken: %d healthy, 3 needed", low)
					}
					var names []string
					for _, p := range w.podsOn("a") {
						names = append(names, p.Name)
					}
					if a, b := asJSON(names), asJSON(left); a != b {
						t.Errorf("left on the node: %s, want %s", a, b)
					}
					times := api.Evictions(t, w.name)
					if len(times) != len(before) {
						t.Errorf("%d pods were evicted, want %d: %v", len(times), len(before), times)
					}
					for name := range before {
						if times[name] != 1 {
							t.Errorf("pod %s was evicted %d times", name, times[name])
						}
					}
				},
			}
		},
	}
}

func asJSON(v []string) string {
	if v == nil {
		v = []string{}
	}
	b, _ := json.Marshal(v)
	return string(b)
}

func (w *world) finish(name string) {
	w.t.Helper()
	w.eventually("pod "+name+" finished", func() bool {
		var p corev1.Pod
		if err := management.Get(w.t.Context(), client.ObjectKey{Namespace: w.name, Name: name}, &p); err != nil {
			w.t.Fatal(err)
		}
		if p.Status.Phase == corev1.PodSucceeded {
			c, ok := connection.Pods().Get(w.name, name)
			return ok && c.Status.Phase == corev1.PodSucceeded
		}
		p.Status.Phase = corev1.PodSucceeded
		_ = management.Status().Update(w.t.Context(), &p) // kwok writes too: again in the next turn
		return false
	})
}

// A live round finds its pods itself. Killed before and after each durable write, it evicts each of them once and keeps to the budgets.
// Pods without a controller stay.
func TestLiveRoundSurvivesBeingKilled(t *testing.T) {
	plantest.Run(t, live(t, 6, "live-", false, "alone"))
}

// The same when pods without a controller may be evicted too.
func TestLiveRoundEvictsUnmanaged(t *testing.T) {
	plantest.Once(t, live(t, 1, "live-", true), "unmanaged")
}
