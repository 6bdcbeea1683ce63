package disruption

import (
	"fmt"
	"sort"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Budget is a PodDisruptionBudget with what follows from it.
type Budget struct {
	// Name is namespace/name.
	Name string `json:"name"`
	// Rule is the requirement in its own words, such as "minAvailable 3".
	Rule string `json:"rule"`
	// Expected pods are counted by it, Desired of them must be healthy, Healthy are.
	Expected int32 `json:"expected"`
	Desired  int32 `json:"desired"`
	Healthy  int32 `json:"healthy"`
	// Unknown says why the disruption controller cannot tell what is allowed; then nothing is.
	Unknown string `json:"unknown,omitempty"`
	// Absolute says that Desired does not grow with the number of pods, so that one replica more makes room.
	Absolute bool `json:"absolute,omitempty"`
	// AlwaysAllow evictions of pods that are not ready (unhealthyPodEvictionPolicy).
	AlwaysAllow bool `json:"alwaysAllow,omitempty"`

	namespace string
	selector  labels.Selector
}

// NewBudget reads a budget and its status.
func NewBudget(p *policyv1.PodDisruptionBudget) Budget {
	b := Budget{
		Name: p.Namespace + "/" + p.Name, Rule: rule(p),
		Expected: p.Status.ExpectedPods, Desired: p.Status.DesiredHealthy, Healthy: p.Status.CurrentHealthy,
		Absolute:    p.Spec.MinAvailable != nil && p.Spec.MinAvailable.Type == intstr.Int,
		AlwaysAllow: p.Spec.UnhealthyPodEvictionPolicy != nil && *p.Spec.UnhealthyPodEvictionPolicy == policyv1.AlwaysAllow,
		namespace:   p.Namespace,
		selector:    labels.Nothing(),
	}
	if s, err := metav1.LabelSelectorAsSelector(p.Spec.Selector); err == nil {
		b.selector = s // an unreadable selector matches nothing for the disruption controller too
	}
	switch c := meta.FindStatusCondition(p.Status.Conditions, policyv1.DisruptionAllowedCondition); {
	case c != nil && c.Reason == policyv1.SyncFailedReason:
		b.Unknown = c.Message
	case p.Status.ObservedGeneration < p.Generation:
		b.Unknown = "the disruption controller has not looked at it yet"
	}
	return b
}

func rule(p *policyv1.PodDisruptionBudget) string {
	switch {
	case p.Spec.MinAvailable != nil:
		return "minAvailable " + p.Spec.MinAvailable.String()
	case p.Spec.MaxUnavailable != nil:
		return "maxUnavailable " + p.Spec.MaxUnavailable.String()
	}
	return "minAvailable 1" // the default of an empty spec is treated so by the controller
}

// Covers reports whether the budget counts the pod.
func (b Budget) Covers(pod *corev1.Pod) bool {
	return b.namespace == pod.Namespace && b.selector.Matches(labels.Set(pod.Labels))
}

// AllowedNow is how many of its pods may be disrupted at this moment.
func (b Budget) AllowedNow() int32 {
	if b.Unknown != "" {
		return 0
	}
	return max(0, b.Healthy-b.Desired)
}

// AllowedAtBest is how many may be disrupted at once when all pods are healthy.
func (b Budget) AllowedAtBest() int32 { return max(0, b.Expected-b.Desired) }

// Never reports whether the budget forbids every eviction even when all its pods are healthy.
func (b Budget) Never() bool { return b.Expected > 0 && b.AllowedAtBest() == 0 }

// SurgeHelps reports whether one replica more would make room.
func (b Budget) SurgeHelps() bool { return b.Absolute }

// String is the state for people: "minAvailable 3, 3 of 3 healthy".
func (b Budget) String() string {
	return fmt.Sprintf("%s, %d of %d healthy", b.Rule, b.Healthy, b.Expected)
}

// Covering returns the budgets of one namespace's list that count the pod, by name.
func Covering(pod *corev1.Pod, budgets []Budget) []Budget {
	var out []Budget
	for _, b := range budgets {
		if b.Covers(pod) {
			out = append(out, b)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}
