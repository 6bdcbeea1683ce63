package drain_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/ops/drain"
	"kanrin.dev/kanrin/internal/plan/plantest"
)

// A pod that nobody has planned for arrives on the node while it is drained. The drain leaves it alone, says so, and waits for a person; the
// cancel that follows takes back all that was changed and ends well.
func TestUnplannedPodStopsTheDrain(t *testing.T) {
	stranger, paused := false, false
	plantest.Once(t, plantest.Subject{
		Registry: registry(t), Client: management,
		Prepare: func(t *testing.T, name string) plantest.World {
			w, cart, op := prepared(t, name)
			return plantest.World{
				Operation: op, Want: v1alpha1.PhaseCancelled,
				Drive: func(ctx context.Context, op *v1alpha1.Operation) {
					switch {
					case !stranger && op.Status.Phase == v1alpha1.PhaseRunning:
						stranger = true
						w.create(&corev1.Pod{
							ObjectMeta: metav1.ObjectMeta{Namespace: w.name, Name: "stranger"},
							Spec:       corev1.PodSpec{NodeName: w.name + "-a", Containers: []corev1.Container{{Name: "c", Image: "i"}}},
						})
					case op.Status.Phase == v1alpha1.PhasePaused && !op.Spec.Cancelled:
						paused = op.Status.Reason == v1alpha1.ReasonStepFailed && op.Status.Params["code"] == "PodsLeft"
						op.Spec.Cancelled = true
						_ = management.Update(ctx, op) // a conflict is tried again in the next turn
					}
				},
				Check: func(t *testing.T, _ *v1alpha1.Operation) {
					cart.end()
					if !paused {
						t.Error("the drain did not pause because of the pod that was not in its plan")
					}
					if left := w.podsOn("a"); len(left) != 1 || left[0].Name != "stranger" {
						t.Errorf("%d pods on the node, want the stranger alone", len(left))
					}
					if a := w.theNode("a"); a.Spec.Unschedulable || a.Annotations[drain.MarkCordonedBy] != "" {
						t.Errorf("node a is still cordoned: %v", a.Annotations)
					}
					w.whole(t)
				},
			}
		},
	}, "stranger")
}
