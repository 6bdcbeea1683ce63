package check

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/lang"
)

// pendingLong is how long a pod may take to start before it needs a person.
const pendingLong = 5 * time.Minute

// withMessage renders the message anew.
func withMessage(f v1alpha1.Finding) v1alpha1.Finding {
	f.Message = lang.English.Text("finding."+f.Code, f.Params)
	return f
}

// pending reports pods that do not start, one finding for each workload and reason.
func pending(l *list, c Cluster) {
	type group struct{ workload, reason string }
	type seen struct {
		count int
		pod   string
		since time.Time
	}
	groups := map[group]*seen{}
	for p := range c.pods() {
		if p.Status.Phase != corev1.PodPending || p.DeletionTimestamp != nil {
			continue
		}
		since, reason := p.CreationTimestamp.Time, whyPending(p)
		if c.Now.Sub(since) < pendingLong {
			continue
		}
		name := p.Namespace + "/" + p.Name
		key := group{cmp.Or(c.Workload(p), "Pod/"+name), reason}
		g := groups[key]
		if g == nil {
			groups[key] = &seen{1, name, since}
			continue
		}
		g.count++
		if g.since.After(since) {
			g.since = since
		}
		g.pod = min(g.pod, name)
	}
	for key, g := range groups {
		kind, object := split(key.workload)
		l.add(v1alpha1.SeverityWarning, "PodsPending", kind, object, g.since,
			"workload", spoken(key.workload), "count", g.count, "pod", g.pod, "reason", Brief(key.reason))
	}
}

// Brief is the first sentence of a scheduler's message; what follows tells about preemption and claims.
func Brief(reason string) string {
	first, _, _ := strings.Cut(reason, ". ")
	return strings.TrimSuffix(first, ".")
}

// whyPending is the scheduler's reason, or what the first waiting container waits for.
func whyPending(p *corev1.Pod) string {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status != corev1.ConditionTrue {
			return cmp.Or(c.Message, c.Reason)
		}
	}
	for _, list := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for _, s := range list {
			if w := s.State.Waiting; w != nil && w.Reason != "" && w.Reason != "PodInitializing" {
				return w.Reason
			}
		}
	}
	if p.Spec.NodeName == "" {
		return "the scheduler has not looked at it"
	}
	return "the kubelet of " + p.Spec.NodeName + " has not started it"
}

// budgets reports disruption budgets that no drain can respect: those that never allow an eviction, and pods under two.
func budgets(l *list, c Cluster) {
	type covered struct {
		budget   disruption.Budget
		workload string
		pod      string
	}
	never := map[string]*covered{}
	type pair struct{ workload, budgets string }
	both := map[pair]bool{}
	for p := range c.pods() {
		class := disruption.ClassOf(p)
		if class == disruption.Finished || class == disruption.Static {
			continue
		}
		over := c.Budgets(p)
		name := p.Namespace + "/" + p.Name
		workload := cmp.Or(c.Workload(p), "Pod/"+name)
		for _, b := range over {
			if b.Unknown != "" || !b.Never() {
				continue
			}
			if v := never[b.Name]; v == nil || name < v.pod {
				never[b.Name] = &covered{b, workload, name}
			}
		}
		if len(over) > 1 {
			names := make([]string, len(over))
			for i, b := range over {
				names[i] = b.Name
			}
			both[pair{workload, strings.Join(names, ", ")}] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(never)) {
		v := never[name]
		l.add(v1alpha1.SeverityWarning, "BudgetNeverMet", "PodDisruptionBudget", name, time.Time{},
			"rule", v.budget.Rule, "healthy", v.budget.Healthy, "expected", v.budget.Expected, "desired", v.budget.Desired,
			"workload", spoken(v.workload), "pod", v.pod)
	}
	for p := range both {
		kind, object := split(p.workload)
		l.add(v1alpha1.SeverityWarning, "MultipleBudgets", kind, object, time.Time{}, "budgets", p.budgets)
	}
}

// spoken turns Kind/namespace/name into "Kind namespace/name".
func spoken(key string) string { return strings.Replace(key, "/", " ", 1) }

func split(key string) (kind, object string) {
	kind, object, _ = strings.Cut(key, "/")
	return kind, object
}

func (c *Cluster) pods() iter.Seq[*corev1.Pod] {
	if c.Pods == nil {
		return func(func(*corev1.Pod) bool) {} // nothing was read
	}
	return c.Pods
}
