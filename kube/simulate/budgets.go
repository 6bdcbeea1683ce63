package simulate

import (
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"kanrin.dev/kanrin/kube/snapshot"
)

// budget is a disruption budget that is kept up to date, because preemption
// looks for victims whose budgets still allow it.
type budget struct {
	namespace, name string
	selector        labels.Selector
}

func newBudgets(snap *snapshot.Snapshot) []budget {
	var all []budget
	for _, o := range snap.Objects(snapshot.Budgets) {
		b := o.(*policyv1.PodDisruptionBudget)
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err != nil || b.Status.ExpectedPods == 0 {
			continue // nothing is known about it that could be kept up to date
		}
		all = append(all, budget{b.Namespace, b.Name, selector})
	}
	return all
}

// adjustBudgets counts a pod that has become healthy, or ceased to be. The
// caller holds the lock.
func (c *cluster) adjustBudgets(pod *corev1.Pod, healthy int32) {
	if pod.Spec.NodeName == "" {
		return
	}
	for _, b := range c.budgets {
		if b.namespace != pod.Namespace || !b.selector.Matches(labels.Set(pod.Labels)) {
			continue
		}
		_, _ = c.store.update(snapshot.Budgets, b.namespace, b.name, func(o object) (object, error) {
			s := &o.(*policyv1.PodDisruptionBudget).Status
			s.CurrentHealthy += healthy
			s.DisruptionsAllowed = max(0, s.CurrentHealthy-s.DesiredHealthy)
			return o, nil
		})
	}
}
