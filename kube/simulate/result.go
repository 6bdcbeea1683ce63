package simulate

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"kanrin.dev/kanrin/kube/snapshot"
)

// Result is the answer, as it is written.
type Result struct {
	Version    int              `json:"version"`
	Kubernetes string           `json:"kubernetes"`
	Scenarios  []ScenarioResult `json:"scenarios"`
	Objects    Objects          `json:"objects"`
	Seconds    float64          `json:"seconds"`
	// PeakBytes is the most memory that the process has had resident.
	PeakBytes int64 `json:"peakBytes"`
}

// Objects counts what the input had.
type Objects struct {
	Nodes   int `json:"nodes"`
	Pods    int `json:"pods"`
	Ignored int `json:"ignored"`
}

// ScenarioResult is where the pods of one scenario ended.
type ScenarioResult struct {
	Name       string       `json:"name"`
	Placements []Placement  `json:"placements"`
	Preempted  []Preemption `json:"preempted"`
	Seconds    float64      `json:"seconds"`
}

// Placement says where a new pod ended: on Node, or nowhere for Reason, which is
// the scheduler's message.
type Placement struct {
	Round       int    `json:"round"`
	Namespace   string `json:"namespace"`
	Pod         string `json:"pod"`
	Replacement string `json:"replacement"`
	Copy        bool   `json:"copy"`
	Node        string `json:"node"`
	Reason      string `json:"reason"`
	// BoundIn is the round in which it found its place, if that was a later one.
	BoundIn int `json:"boundIn,omitempty"`
}

// Preemption is a pod that had to make room for By. Replacement, Node and Reason
// say what became of the pod that its controller made instead, if it has one.
type Preemption struct {
	Namespace   string `json:"namespace"`
	Pod         string `json:"pod"`
	Node        string `json:"node"`
	By          string `json:"by"`
	Replacement string `json:"replacement,omitempty"`
	MovedTo     string `json:"movedTo,omitempty"`
	Reason      string `json:"reason,omitempty"`
}

func (c *cluster) result(name string, took time.Duration) ScenarioResult {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := ScenarioResult{Name: name, Placements: []Placement{}, Preempted: []Preemption{}, Seconds: took.Seconds()}
	for _, r := range c.replacements {
		p := Placement{
			Round: r.round, Namespace: r.namespace, Pod: r.pod, Replacement: r.name,
			Copy: r.copy, Node: r.node, Reason: c.reason(r),
		}
		if r.node != "" && r.boundIn != r.round {
			p.BoundIn = r.boundIn
		}
		s.Placements = append(s.Placements, p)
	}
	for _, v := range c.preempted {
		p := Preemption{Namespace: v.namespace, Pod: v.pod, Node: v.node, By: v.by}
		if r := v.successor; r != nil {
			p.Replacement, p.MovedTo, p.Reason = r.name, r.node, c.reason(r)
		}
		s.Preempted = append(s.Preempted, p)
	}
	return s
}

// reason says why a pod has no node. The caller holds the lock.
func (c *cluster) reason(r *replacement) string {
	if r.node != "" {
		return ""
	}
	if r.gone {
		return "it was placed, then preempted, and no controller recreates it"
	}
	o, err := c.store.get(snapshot.Pods, r.namespace, r.name)
	if err != nil {
		return "it was evicted again in a later round"
	}
	pod := o.(*corev1.Pod)
	if waits := c.waitsForProvisioning(pod); waits != "" {
		return waits
	}
	switch {
	case r.reason != "":
		return r.reason
	case pod.Spec.SchedulerName != corev1.DefaultSchedulerName:
		return fmt.Sprintf("it is placed by the scheduler %q, which is not simulated", pod.Spec.SchedulerName)
	case len(pod.Spec.SchedulingGates) > 0:
		var gates []string
		for _, g := range pod.Spec.SchedulingGates {
			gates = append(gates, g.Name)
		}
		return "it waits for its scheduling gates: " + strings.Join(gates, ", ")
	}
	return "undecided: the scheduler gave no reason"
}

// markUndecided is honest about pods that the scheduler has not come to.
func (c *cluster) markUndecided(limit time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.byPod {
		if r.node == "" && r.reason == "" {
			r.reason = fmt.Sprintf("undecided: the scheduler was still at work after %s", limit)
		}
	}
}
