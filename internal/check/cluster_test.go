package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/lang"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func node(name string, ready corev1.ConditionStatus, change ...func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready, Reason: "KubeletNotReady", LastTransitionTime: metav1.NewTime(now.Add(-time.Hour))}}
	for _, c := range change {
		c(n)
	}
	return n
}

func cordoned(by string, ago time.Duration, marks bool) func(*corev1.Node) {
	return func(n *corev1.Node) {
		n.Spec.Unschedulable = true
		at := metav1.NewTime(now.Add(-ago))
		if marks {
			n.Annotations = map[string]string{markCordonedBy: by, markCordonedAt: at.Format(time.RFC3339)}
			return
		}
		n.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: by, Time: &at}}
	}
}

func pod(name string, phase corev1.PodPhase, age time.Duration, change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, CreationTimestamp: metav1.NewTime(now.Add(-age))}}
	p.Status.Phase = phase
	p.Labels = map[string]string{"app": strings.SplitN(name, "-", 2)[0]}
	p.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "x", Controller: new(true)}}
	for _, c := range change {
		c(p)
	}
	return p
}

func unschedulable(why string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: why}}
	}
}

func budget(name, app string, least int, expected, desired, healthy int32) disruption.Budget {
	v := intstr.FromInt(least)
	return disruption.NewBudget(&policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: &v, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}},
		Status:     policyv1.PodDisruptionBudgetStatus{ExpectedPods: expected, DesiredHealthy: desired, CurrentHealthy: healthy},
	})
}

func TestFindings(t *testing.T) {
	for name, test := range map[string]struct {
		in   Cluster
		want []string // severity code object, since minutes ago when it is known
	}{
		"nothing": {in: Cluster{Nodes: []*corev1.Node{node("w1", corev1.ConditionTrue)}}},
		"nodes": {
			in:   Cluster{Nodes: []*corev1.Node{node("w1", corev1.ConditionFalse), node("w2", corev1.ConditionUnknown), {ObjectMeta: metav1.ObjectMeta{Name: "w3"}}}},
			want: []string{"blocker NodeDown w1 60", "blocker NodeDown w2 60", "blocker NodeDown w3"},
		},
		"cordons": {
			in: Cluster{Nodes: []*corev1.Node{
				node("w1", corev1.ConditionTrue, cordoned("kubectl-cordon", 2*time.Hour, false)),
				node("w2", corev1.ConditionTrue, cordoned("prod/drain-x", 10*time.Minute, true)),
				node("w3", corev1.ConditionTrue, func(n *corev1.Node) { n.Spec.Unschedulable = true }),
			}},
			want: []string{"warning NodeCordoned w1 120", "info NodeCordoned w2 10", "info NodeCordoned w3"},
		},
		"away":     {in: Cluster{Contact: Contact{Reason: "Unreachable", Since: now.Add(-3 * time.Minute)}}, want: []string{"blocker ClusterUnreachable prod 3"}},
		"no CA":    {in: Cluster{Contact: Contact{Reason: "WrongCA"}}, want: []string{"blocker ClusterWrongCA prod"}},
		"reached":  {in: Cluster{Contact: Contact{Reason: "Connected", Expires: now.Add(40 * 24 * time.Hour)}}},
		"expiring": {in: Cluster{Contact: Contact{Reason: "Connected", User: "admin", Expires: now.Add(29 * 24 * time.Hour)}}, want: []string{"warning CredentialExpiring prod 1440"}},
		"pending": {
			in: Cluster{Pods: slices.Values([]*corev1.Pod{
				pod("web-1", corev1.PodPending, 6*time.Minute, unschedulable("0/3 nodes are available")),
				pod("web-2", corev1.PodPending, 20*time.Minute, unschedulable("0/3 nodes are available")),
				pod("web-3", corev1.PodPending, time.Minute, unschedulable("0/3 nodes are available")),
				pod("cart-1", corev1.PodPending, time.Hour, func(p *corev1.Pod) {
					p.Spec.NodeName = "w1"
					p.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}}}}
				}),
				pod("gone-1", corev1.PodPending, time.Hour, func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{Time: now} }),
			})},
			want: []string{"warning PodsPending shop/cart 60", "warning PodsPending shop/web 20"},
		},
		"budgets": {
			in: Cluster{Pods: slices.Values([]*corev1.Pod{
				pod("web-1", corev1.PodRunning, time.Hour), pod("web-2", corev1.PodRunning, time.Hour), pod("db-0", corev1.PodRunning, time.Hour), pod("ok-0", corev1.PodRunning, time.Hour),
				pod("done-0", corev1.PodSucceeded, time.Hour),
			}), Budgets: func(p *corev1.Pod) []disruption.Budget {
				return disruption.Covering(p, []disruption.Budget{
					budget("never", "web", 2, 2, 2, 1), budget("one", "db", 1, 2, 1, 2), budget("two", "db", 1, 2, 1, 2), budget("fine", "ok", 1, 2, 1, 1), budget("over", "done", 9, 1, 9, 0),
				})
			}},
			want: []string{"warning BudgetNeverMet shop/never", "warning MultipleBudgets shop/db"},
		},
	} {
		c := test.in
		c.Name, c.Now = "prod", now
		c.Workload = func(p *corev1.Pod) string { return "Deployment/shop/" + p.Labels["app"] }
		if c.Budgets == nil {
			c.Budgets = func(*corev1.Pod) []disruption.Budget { return nil }
		}
		var got []string
		for _, f := range Findings(c, nil) {
			s := fmt.Sprintf("%s %s %s", f.Severity, f.Code, f.Object)
			if f.Since != nil {
				s += fmt.Sprintf(" %.0f", now.Sub(f.Since.Time).Minutes())
			}
			got = append(got, s)
			for _, l := range []lang.Lang{lang.English, lang.Japanese} {
				if text := l.Text("finding."+f.Code, f.Params); strings.HasPrefix(text, "finding.") || strings.Contains(text, "{") {
					t.Errorf("%s: %q", name, text)
				}
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestTooManyFindingsAreCounted(t *testing.T) {
	c := Cluster{Name: "prod", Now: now}
	for i := range 250 {
		c.Nodes = append(c.Nodes, node(fmt.Sprintf("w%03d", i), corev1.ConditionFalse))
	}
	got := Findings(c, []v1alpha1.Finding{New(v1alpha1.SeverityInfo, "ZoneLossVolume", "Zone", "a")})
	if len(got) != MaxFindings || got[MaxFindings-1].Code != "MoreFindings" || got[MaxFindings-1].Params["count"] != "152" {
		t.Errorf("%d findings, the last is %+v", len(got), got[len(got)-1])
	}
}

func TestMergeKeepsWhatWasNotLookedAt(t *testing.T) {
	before := Findings(Cluster{Name: "prod", Now: now, Nodes: []*corev1.Node{node("w1", corev1.ConditionFalse)}, Contact: Contact{Reason: "Forbidden"}}, nil)
	after := Findings(Cluster{Name: "prod", Now: now, Contact: Contact{Reason: "Unreachable"}}, nil)
	got := Merge(after, before)
	if len(got) != 2 || got[0].Code != "ClusterUnreachable" || got[1].Code != "NodeDown" {
		t.Errorf("merged: %+v", got)
	}
}
