package drain

import (
	"fmt"
	"sort"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/lang"
	"kanrin.dev/kanrin/internal/rehearse"
)

// maxFindings keeps a plan readable and small; what is left out is counted.
const maxFindings = 300

type findings struct {
	f    *Facts
	o    Options
	s    *Schedule
	list []v1alpha1.Finding
}

func (x *findings) add(severity v1alpha1.Severity, code, kind, object string, ways []v1alpha1.Way, pairs ...any) {
	params := lang.P(pairs...)
	params["object"] = object
	x.list = append(x.list, v1alpha1.Finding{
		Severity: severity, Code: code, Kind: kind, Object: object, Params: params, Ways: ways,
		Message: lang.English.Text("finding."+code, params),
	})
}

// Ways round a blocker.
func wayWait() v1alpha1.Way {
	return v1alpha1.Way{Code: "wait", Flag: "--wait", Field: "wait", Value: "true"}
}

func waySurge(workload string) v1alpha1.Way {
	return v1alpha1.Way{Code: "surge", Flag: "--surge " + workload, Field: "surge", Value: workload}
}

func wayDelete(pod string) v1alpha1.Way {
	return v1alpha1.Way{Code: "delete", Flag: "--delete " + pod, Field: "delete", Value: pod}
}

// Findings are what stands in the way and what somebody should know, most severe first.
func Findings(f *Facts, o Options, s *Schedule, places *rehearse.ScenarioResult) []v1alpha1.Finding {
	x := &findings{f: f, o: o, s: s}
	x.nodes()
	x.options()
	x.budgets()
	x.pods()
	x.places(places)
	rank := map[v1alpha1.Severity]int{v1alpha1.SeverityBlocker: 0, v1alpha1.SeverityWarning: 1, v1alpha1.SeverityInfo: 2}
	sort.SliceStable(x.list, func(i, j int) bool { return rank[x.list[i].Severity] < rank[x.list[j].Severity] })
	if n := len(x.list); n > maxFindings {
		rest := n - maxFindings
		severity := x.list[maxFindings].Severity // the most severe of those left out
		x.list = x.list[:maxFindings]
		x.add(severity, "MoreFindings", "", fmt.Sprint(rest), nil, "count", rest)
	}
	return x.list
}

func (x *findings) nodes() {
	out := x.f.Size.ControlPlanesOut
	for _, n := range x.f.Nodes {
		if n.ControlPlane {
			out++
		}
	}
	for _, n := range x.f.Nodes {
		if op := x.f.Engaged[n.Name]; op != "" {
			x.add(v1alpha1.SeverityWarning, "NodeBusy", "Node", n.Name, nil, "operation", op)
		}
		if !n.Ready {
			x.add(v1alpha1.SeverityWarning, "NodeNotReady", "Node", n.Name, nil)
		}
		if n.Unschedulable {
			by := n.CordonedBy
			if by == "" {
				by = "kubectl"
			}
			x.add(v1alpha1.SeverityInfo, "AlreadyCordoned", "Node", n.Name, nil, "by", by)
		}
		if n.ControlPlane {
			severity := v1alpha1.SeverityInfo
			if total := x.f.Size.ControlPlanes; out > (total-1)/2 {
				severity = v1alpha1.SeverityWarning
			}
			x.add(severity, "ControlPlane", "Node", n.Name, nil, "out", out, "total", x.f.Size.ControlPlanes)
		}
	}
}

// options that name nothing are mistakes: the operator believes something is taken care of.
func (x *findings) options() {
	surgeable, deletable := map[string]*Workload{}, map[string]bool{}
	for i := range x.f.Workloads {
		w := &x.f.Workloads[i]
		if prev := surgeable[workloadName(w.Key)]; prev == nil || w.Scalable {
			surgeable[workloadName(w.Key)] = w
		}
	}
	for _, p := range x.f.Pods {
		if p.Class == disruption.Evictable || p.Class == disruption.Unmanaged {
			deletable[p.Key()] = true
		}
	}
	for _, name := range sorted(x.o.Surge) {
		switch w := surgeable[name]; {
		case w == nil:
			x.add(v1alpha1.SeverityBlocker, "SurgeUnknown", "", name, nil)
		case !w.Scalable:
			x.add(v1alpha1.SeverityBlocker, "SurgeNotScalable", kindOf(w.Key), name, nil, "workload", w.Key)
		case w.Autoscaled != "":
			x.add(v1alpha1.SeverityBlocker, "SurgeAutoscaled", kindOf(w.Key), name, nil, "autoscaler", w.Autoscaled)
		case w.SurgedBy != "":
			x.add(v1alpha1.SeverityBlocker, "SurgeTaken", kindOf(w.Key), name, nil, "operation", w.SurgedBy)
		}
	}
	for _, name := range sorted(x.o.Delete) {
		if !deletable[name] {
			x.add(v1alpha1.SeverityBlocker, "DeleteUnknown", "Pod", name, nil)
		}
	}
}

// budgets that stand in the way, each once.
func (x *findings) budgets() {
	for i := range x.f.Budgets {
		b := &x.f.Budgets[i]
		var first *Pod
		evicted := 0
		for k := range x.s.Jobs {
			j := &x.s.Jobs[k]
			// A pod under two budgets is told of by itself; a pending one asks no budget.
			if j.Action == ActionEvict && len(j.Pod.Budgets) == 1 && j.Pod.Budgets[0] == b.Name && !j.Pod.Pending {
				if first == nil {
					first = &j.Pod
				}
				evicted++
			}
		}
		if first == nil {
			continue
		}
		room := int(b.AllowedAtBest()) + surged(x.f, x.s, b.Name)
		ways := []v1alpha1.Way{}
		if w := x.f.workload(first.Workload); w != nil && w.Scalable && w.Autoscaled == "" && b.SurgeHelps() && !x.o.Surge[workloadName(w.Key)] {
			ways = append(ways, waySurge(workloadName(w.Key)))
		}
		switch {
		case b.Unknown != "":
			x.add(x.unlessWaiting(), "BudgetUnknown", "PodDisruptionBudget", b.Name, append(x.orWait(), wayDelete(first.Key())), "why", b.Unknown, "pod", first.Key())
		case room <= 0:
			// Waiting is offered too: somebody may change the budget or the workload meanwhile.
			x.add(x.unlessWaiting(), "BudgetNeverMet", "PodDisruptionBudget", b.Name, append(append(ways, x.orWait()...), wayDelete(first.Key())),
				"rule", b.Rule, "healthy", b.Healthy, "expected", b.Expected, "desired", b.Desired, "workload", spoken(first.Workload), "pod", first.Key())
		case int(b.Healthy-b.Desired)+surged(x.f, x.s, b.Name) <= 0:
			if x.ownUnready(b, first) {
				continue
			}
			x.add(x.unlessWaiting(), "BudgetNotMetNow", "PodDisruptionBudget", b.Name, append(append(x.orWait(), ways...), wayDelete(first.Key())),
				"rule", b.Rule, "healthy", b.Healthy, "expected", b.Expected, "desired", b.Desired, "pod", first.Key())
		}
	}
}

// ownUnready: with AlwaysAllow, pods that are not ready may be evicted whatever the budget says.
func (x *findings) ownUnready(b *disruption.Budget, _ *Pod) bool {
	if !b.AlwaysAllow {
		return false
	}
	for _, j := range x.s.Jobs {
		if contains(j.Pod.Budgets, b.Name) && j.Pod.Ready {
			return false
		}
	}
	return true
}

func (x *findings) unlessWaiting() v1alpha1.Severity {
	if x.o.Wait {
		return v1alpha1.SeverityWarning
	}
	return v1alpha1.SeverityBlocker
}

func (x *findings) orWait() []v1alpha1.Way {
	if x.o.Wait {
		return nil
	}
	return []v1alpha1.Way{wayWait()}
}

func (x *findings) pods() {
	for _, p := range x.f.Pods {
		switch p.Class {
		case disruption.DaemonSet, disruption.Static:
			continue
		case disruption.Terminating:
			x.add(v1alpha1.SeverityInfo, "AlreadyTerminating", "Pod", p.Key(), nil, "node", p.Node)
			continue
		case disruption.Finished:
			x.add(v1alpha1.SeverityInfo, "FinishedDeleted", "Pod", p.Key(), nil)
			continue
		}
		deleted := x.o.Delete[p.Key()]
		switch {
		case p.Class == disruption.Unmanaged && !deleted:
			x.add(v1alpha1.SeverityBlocker, "UnmanagedPod", "Pod", p.Key(), []v1alpha1.Way{wayDelete(p.Key())})
		case p.Class == disruption.Unmanaged:
			x.add(v1alpha1.SeverityWarning, "UnmanagedDeleted", "Pod", p.Key(), nil)
		case len(p.Budgets) > 1 && !deleted:
			x.add(v1alpha1.SeverityBlocker, "MultipleBudgets", "Pod", p.Key(), []v1alpha1.Way{wayDelete(p.Key())}, "budgets", strings.Join(p.Budgets, ", "))
		case deleted && len(p.Budgets) > 0:
			x.add(v1alpha1.SeverityWarning, "BudgetBypassed", "Pod", p.Key(), nil, "budgets", strings.Join(p.Budgets, ", "))
		}
		if len(p.LocalData) > 0 {
			x.add(v1alpha1.SeverityWarning, "LocalData", "Pod", p.Key(), nil, "volumes", strings.Join(p.LocalData, ", "))
		}
		if len(p.HostPaths) > 0 {
			x.add(v1alpha1.SeverityInfo, "HostPath", "Pod", p.Key(), nil, "paths", strings.Join(p.HostPaths, ", "), "node", p.Node)
		}
		if w := x.f.workload(p.Workload); w != nil {
			switch {
			case kindOf(w.Key) == "Job":
				x.add(v1alpha1.SeverityWarning, "JobStartsOver", "Pod", p.Key(), nil, "job", workloadName(w.Key))
			case w.Replicas == 1:
				x.add(v1alpha1.SeverityWarning, "SingleReplica", "Pod", p.Key(), nil, "workload", spoken(w.Key))
			}
		}
	}
}

// places says what the rehearsal showed: pods without a place, pods pushed out, and budgets that are stuck because of them.
func (x *findings) places(res *rehearse.ScenarioResult) {
	if res == nil {
		return
	}
	jobs := map[string]*Job{}
	for i := range x.s.Jobs {
		jobs[x.s.Jobs[i].Pod.Key()] = &x.s.Jobs[i]
	}
	lost := map[string]int{} // budget → replacements that stay pending, up to the round looked at
	culprit := map[string]string{}
	for _, p := range res.Placements {
		if p.Node != "" {
			continue
		}
		if p.Copy {
			w := x.workloadOfSample(p.Namespace, p.Pod)
			x.add(v1alpha1.SeverityBlocker, "SurgePending", kindOf(w), workloadName(w), nil, "reason", p.Reason)
			continue
		}
		j := jobs[p.Namespace+"/"+p.Pod]
		if j == nil {
			continue
		}
		for _, b := range j.Pod.Budgets {
			lost[b]++
			culprit[b] = j.Pod.Key()
		}
		if v := bound(j.Pod); v != nil {
			x.add(v1alpha1.SeverityWarning, "VolumeCannotFollow", "Pod", j.Pod.Key(), nil,
				"claim", v.Claim, "where", boundTo(*v), "reason", p.Reason)
			continue
		}
		x.add(v1alpha1.SeverityWarning, "StaysPending", "Pod", j.Pod.Key(), nil, "reason", p.Reason)
	}
	for _, name := range sortedKeys(lost) {
		b := x.f.budget(name)
		if b == nil || b.Never() {
			continue
		}
		total := 0
		for _, j := range x.s.Jobs {
			if j.Action == ActionEvict && contains(j.Pod.Budgets, name) && !j.Pod.Pending {
				total++
			}
		}
		room := int(b.AllowedAtBest()) + surged(x.f, x.s, name)
		// Each replacement that stays pending takes one of the budget's places for good.
		if lost[name] >= room && total > lost[name] {
			x.add(x.unlessWaiting(), "BudgetStuck", "PodDisruptionBudget", name, append(x.orWait(), wayDelete(culprit[name])),
				"pod", culprit[name], "pending", lost[name], "rule", b.Rule)
		}
	}
	for _, p := range res.Preempted {
		x.add(v1alpha1.SeverityWarning, "Preempts", "Pod", p.Namespace+"/"+p.Pod, nil, "by", p.By, "node", p.Node)
	}
}

func (x *findings) workloadOfSample(namespace, pod string) string {
	for _, w := range x.s.Surge {
		if namespaceOf(w.Key) == namespace && w.Sample == pod {
			return w.Key
		}
	}
	return "Pod/" + namespace + "/" + pod
}

// bound is the first volume of the pod that can be mounted only in some zones or nodes.
func bound(p Pod) *Volume {
	for i := range p.Volumes {
		if len(p.Volumes[i].Zones) > 0 || len(p.Volumes[i].Nodes) > 0 {
			return &p.Volumes[i]
		}
	}
	return nil
}

func boundTo(v Volume) string {
	if len(v.Nodes) > 0 {
		return "node " + strings.Join(v.Nodes, ", ")
	}
	return "zone " + strings.Join(v.Zones, ", ")
}

// spoken is "Deployment shop/web" of Deployment/shop/web.
func spoken(key string) string { return strings.Replace(key, "/", " ", 1) }

func kindOf(key string) string {
	kind, _, _ := strings.Cut(key, "/")
	return kind
}

func sorted(m map[string]bool) []string { return sortedKeys(m) }

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
