package fleet

import (
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/check"
	"kanrin.dev/kanrin/internal/fleet/trim"
)

// refreshAfter is the oldest that a computed status may be: some findings come with time alone.
const refreshAfter = 15 * time.Second

// Examiner finds what takes longer than a look at the caches, such as what the loss of a zone would mean. Findings must not
// block: it returns what it found last.
type Examiner interface {
	Findings(*Connection) []v1alpha1.Finding
}

// AddExaminer lets an examiner contribute findings to every cluster's status. Call it before Start.
func (f *Fleet) AddExaminer(e Examiner) { f.examiners = append(f.examiners, e) }

// report is the status of one cluster as this process sees it.
type report struct {
	mu       sync.Mutex
	status   v1alpha1.ClusterStatus
	revision int64
	at       time.Time
	since    map[string]time.Time // when a finding was first seen, by code and object
}

// seed takes over since when findings stand from the status that was published last.
func (r *report) seed(c *v1alpha1.Cluster) {
	r.status = *c.Status.DeepCopy()
	for _, f := range c.Status.Findings {
		if f.Since != nil {
			r.since[f.Code+" "+f.Object] = f.Since.Time
		}
	}
}

// status returns the status as it is now, computed anew when something changed since.
func (k *keeper) status() v1alpha1.ClusterStatus {
	revision := k.revision()
	k.report.mu.Lock()
	defer k.report.mu.Unlock()
	if k.report.revision == revision && time.Since(k.report.at) < refreshAfter {
		return k.report.status
	}
	k.compute(&k.report.status)
	k.report.revision, k.report.at = revision, time.Now()
	return k.report.status
}

// seen returns the Cluster object with the present status.
func (k *keeper) seen() *v1alpha1.Cluster {
	status := k.status()
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.cluster.DeepCopy()
	status.DeepCopyInto(&c.Status)
	return c
}

// compute fills in the status. Called with report.mu held.
func (k *keeper) compute(s *v1alpha1.ClusterStatus) {
	k.mu.Lock()
	conn, problem, generation := k.conn, k.problem, k.cluster.Generation
	k.mu.Unlock()
	now := time.Now()
	s.Conditions = slices.Clone(s.Conditions) // the old ones were handed out
	var st State
	switch {
	case conn != nil:
		st = conn.State()
	case problem != nil:
		st = State{Problem: problem, Reason: problem.Reason}
	}
	if st.Server != "" {
		s.Server = st.Server
	}
	if st.Version != "" {
		s.Version = st.Version
	}
	if !st.LastSeen.IsZero() {
		s.LastSeen = &metav1.Time{Time: st.LastSeen.Truncate(time.Second)}
	}
	seen := check.Cluster{Name: k.name, Now: now, Contact: contactOf(st)}
	var more []v1alpha1.Finding
	if conn != nil && st.Synced {
		count(s, conn, &seen)
		for _, e := range k.fleet.examiners {
			more = append(more, e.Findings(conn)...)
		}
	}
	if conn == nil || st.Synced || st.Problem != nil {
		findings := check.Findings(seen, more)
		if conn != nil && !st.Synced {
			findings = check.Merge(findings, s.Findings) // nothing was looked at: what was found before still stands
		}
		s.Findings = k.report.dated(findings, now)
	}
	s.Health = healthOf(st, s)
	meta.SetStatusCondition(&s.Conditions, reachable(st, generation))
}

func contactOf(st State) check.Contact {
	c := check.Contact{Reason: st.Reason, Expires: st.Expires}
	if st.Problem != nil {
		c.Params, c.User = st.Problem.Params, st.Problem.Params["user"]
	}
	if st.StaleSince != nil {
		c.Since = *st.StaleSince
	}
	return c
}

// count sums up nodes and pods and hands them on to be checked.
func count(s *v1alpha1.ClusterStatus, conn *Connection, seen *check.Cluster) {
	nodes, _ := conn.Nodes().List(labels.Everything()) // a lister over a cache does not fail
	var cpu, memory, usedCPU, usedMemory int64
	s.Nodes = v1alpha1.Ratio{Total: int32(len(nodes))}
	for _, n := range nodes {
		if state, _ := check.NodeState(n); state == "Ready" {
			s.Nodes.Ready++
		}
		cpu += n.Status.Allocatable.Cpu().MilliValue()
		memory += n.Status.Allocatable.Memory().Value()
	}
	s.NodesText = fmt.Sprintf("%d/%d", s.Nodes.Ready, s.Nodes.Total)
	s.Pods = v1alpha1.PodCounts{}
	conn.Pods().Each(func(p *corev1.Pod, record *trim.Pod) bool {
		s.Pods.Total++
		switch p.Status.Phase {
		case corev1.PodRunning:
			s.Pods.Running++
		case corev1.PodPending:
			s.Pods.Pending++
		case corev1.PodFailed:
			s.Pods.Failed++
		}
		if p.Spec.NodeName != "" && p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed {
			usedCPU += record.Spec().CPUMilli
			usedMemory += record.Spec().MemoryBytes
		}
		return true
	})
	s.Capacity = v1alpha1.Capacity{
		CPU: v1alpha1.Usage{
			Requested: *resource.NewMilliQuantity(usedCPU, resource.DecimalSI), Allocatable: *resource.NewMilliQuantity(cpu, resource.DecimalSI),
		},
		Memory: v1alpha1.Usage{
			Requested: *resource.NewQuantity(usedMemory, resource.BinarySI), Allocatable: *resource.NewQuantity(memory, resource.BinarySI),
		},
	}
	seen.Nodes = nodes
	seen.Pods = func(yield func(*corev1.Pod) bool) {
		conn.Pods().Each(func(p *corev1.Pod, _ *trim.Pod) bool { return yield(p) })
	}
	seen.Budgets, seen.Workload = conn.BudgetsFor, conn.WorkloadOf
}

// dated notes since when each finding stands.
func (r *report) dated(findings []v1alpha1.Finding, now time.Time) []v1alpha1.Finding {
	since := make(map[string]time.Time, len(findings))
	for i := range findings {
		f := &findings[i]
		key := f.Code + " " + f.Object
		if f.Since == nil {
			first, ok := r.since[key]
			if !ok {
				first = now.Truncate(time.Second)
			}
			f.Since = &metav1.Time{Time: first}
		}
		since[key] = f.Since.Time
	}
	r.since = since
	return findings
}

func healthOf(st State, s *v1alpha1.ClusterStatus) v1alpha1.Health {
	switch {
	case st.Problem != nil:
		return v1alpha1.HealthUnreachable
	case !st.Synced:
		return v1alpha1.HealthUnknown
	case s.Nodes.Ready < s.Nodes.Total || has(s.Findings, v1alpha1.SeverityBlocker):
		return v1alpha1.HealthDegraded
	case has(s.Findings, v1alpha1.SeverityWarning):
		return v1alpha1.HealthAttention
	}
	return v1alpha1.HealthHealthy
}

func has(findings []v1alpha1.Finding, severity v1alpha1.Severity) bool {
	return slices.ContainsFunc(findings, func(f v1alpha1.Finding) bool { return f.Severity == severity })
}

// reachable is the condition that says whether the cluster can be used.
func reachable(st State, generation int64) metav1.Condition {
	c := metav1.Condition{
		Type: v1alpha1.ConditionReachable, Status: metav1.ConditionUnknown, Reason: "Connecting", ObservedGeneration: generation,
		Message: "The first contact is under way.",
	}
	switch {
	case st.Problem != nil:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, st.Problem.Reason, clip(st.Problem.Message())
	case st.Fresh:
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, v1alpha1.ReasonConnected, "The API server answers and its objects are followed."
	case st.Reachable:
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, v1alpha1.ReasonConnected, "The API server answers; its objects are being read."
	}
	return c
}

// clip keeps a message within what a condition may hold.
func clip(s string) string {
	if r := []rune(s); len(r) > 2000 {
		return string(r[:2000]) + "…"
	}
	return s
}
