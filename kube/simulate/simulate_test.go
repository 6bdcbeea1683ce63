package simulate

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"kanrin.dev/kanrin/kube/snapshot"
)

func objects(lists ...any) []object {
	var all []object
	for _, l := range lists {
		switch l := l.(type) {
		case []object:
			all = append(all, l...)
		case object:
			all = append(all, l)
		}
	}
	return all
}

func TestPlacement(t *testing.T) {
	wait := storagev1.VolumeBindingWaitForFirstConsumer
	class := func(provisioner string) *storagev1.StorageClass {
		return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "local"}, Provisioner: provisioner, VolumeBindingMode: &wait}
	}
	freeVolume := zonal("spare", "b")[0].(*corev1.PersistentVolume)
	freeVolume.Spec.ClaimRef, freeVolume.Spec.StorageClassName = nil, "local"
	freeVolume.Status.Phase = corev1.VolumeAvailable

	tests := []struct {
		name     string
		scenario snapshot.Scenario
		objects  []object
		want     string
		// reasons are parts of the reasons of the pods without a node, in order.
		reasons []string
	}{
		{
			name:     "cordoned nodes take nothing",
			scenario: snapshot.Scenario{Cordon: []string{"w1", "w2"}, Rounds: []snapshot.Round{evict("web-1")}},
			objects:  objects(node("w1"), node("w2"), node("w3"), pod("web-1", "w1")),
			want:     "web-1-sim1>w3",
		},
		{
			name:     "nothing is left when all are cordoned",
			scenario: snapshot.Scenario{Cordon: []string{"w1", "w2"}, Rounds: []snapshot.Round{evict("web-1")}},
			objects:  objects(node("w1"), node("w2"), pod("web-1", "w1")),
			want:     "web-1-sim1!",
			reasons:  []string{"0/2 nodes are available: 2 node(s) were unschedulable"},
		},
		{
			name:     "a removed node takes its pods with it",
			scenario: snapshot.Scenario{Remove: []string{"w1"}, Rounds: []snapshot.Round{evict("web-1")}},
			objects:  objects(node("w1"), node("w2"), pod("web-1", "w1", cpu("3")), pod("api-1", "w1", cpu("4"))),
			want:     "web-1-sim1>w2",
		},
		{
			name:     "no node but the removed one",
			scenario: snapshot.Scenario{Remove: []string{"w1"}, Rounds: []snapshot.Round{evict("web-1")}},
			objects:  objects(node("w1"), pod("web-1", "w1")),
			want:     "web-1-sim1!",
			reasons:  []string{"no nodes available to schedule pods"},
		},
		{
			name:     "requests that fit nowhere",
			scenario: snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("web-1")}},
			objects:  objects(node("w1"), node("w2"), pod("web-1", "w1", cpu("3")), pod("api-1", "w2", cpu("2"))),
			want:     "web-1-sim1!",
			reasons:  []string{"1 Insufficient cpu"},
		},
		{
			name:     "taints without a toleration",
			scenario: snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("web-1")}},
			objects:  objects(node("w1"), node("gpu", tainted("gpu")), pod("web-1", "w1")),
			want:     "web-1-sim1!",
			reasons:  []string{"1 node(s) had untolerated taint(s)"},
		},
		{
			name:     "taints with a toleration, kept in the clone",
			scenario: snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("web-1")}},
			objects: objects(node("w1"), node("gpu", tainted("gpu")), pod("web-1", "w1", func(p *corev1.Pod) {
				p.Spec.Tolerations = []corev1.Toleration{{Key: "gpu", Operator: corev1.TolerationOpExists}}
			})),
			want: "web-1-sim1>gpu",
		},
		{
			name:     "pods that must be apart",
			scenario: snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("web-1")}},
			objects:  objects(node("w1"), node("w2"), node("w3"), pod("web-1", "w1", apart), pod("web-2", "w2", apart)),
			want:     "web-1-sim1>w3",
		},
		{
			name:     "pods that must be apart and cannot",
			scenario: snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("web-1")}},
			objects:  objects(node("w1"), node("w2"), pod("web-1", "w1", apart), pod("web-2", "w2", apart)),
			want:     "web-1-sim1!",
			reasons:  []string{"1 node(s) didn't match pod anti-affinity rules"},
		},
		{
			name:     "pods that must be together",
			scenario: snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("web-1")}},
			objects:  objects(node("w1"), node("w2"), node("w3"), pod("web-1", "w1", together("db")), pod("db-1", "w3", cpu("3"))),
			want:     "web-1-sim1>w3",
		},
		{
			name:     "affinity to a pod placed in the same round, whichever comes first",
			scenario: snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("web-1", "db-1")}},
			objects:  objects(node("w1"), node("w2"), node("w3"), pod("web-1", "w1", together("db")), pod("db-1", "w1")),
			want:     "web-1-sim1>w2 db-1-sim2>w2",
		},
		{
			name:     "spreading over zones",
			scenario: snapshot.Scenario{Cordon: []string{"a1", "b1"}, Rounds: []snapshot.Round{evict("web-1", "web-2")}},
			objects: objects(node("a1", zone("a")), node("a2", zone("a")), node("b1", zone("b")), node("b2", zone("b")),
				pod("web-1", "a1", spreadOverZones), pod("web-2", "b1", spreadOverZones)),
			want: "web-1-sim1>a2 web-2-sim2>b2",
		},
		{
			name:     "spreading over zones that forbids",
			scenario: snapshot.Scenario{Cordon: []string{"a1"}, Rounds: []snapshot.Round{evict("web-1")}},
			objects: objects(node("a1", zone("a")), node("b1", zone("b")),
				pod("web-1", "a1", spreadOverZones), pod("web-2", "b1", spreadOverZones)),
			want:    "web-1-sim1!",
			reasons: []string{"1 node(s) didn't match pod topology spread constraints"},
		},
		{
			name:     "default spreading of a ReplicaSet's pods",
			scenario: snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("web-1", "web-2")}},
			objects: objects(node("w1"), node("w2"), node("w3"), replicaSet("rs", map[string]string{"app": "web"}),
				pod("web-1", "w1"), pod("web-2", "w1")),
			want: "web-1-sim1>w2 web-2-sim2>w3",
		},
		{
			name:     "a StatefulSet keeps the name and follows its volume",
			scenario: snapshot.Scenario{Cordon: []string{"a1"}, Rounds: []snapshot.Round{evict("db-0")}},
			objects: objects(node("a1", zone("a")), node("b1", zone("b")), node("a2", zone("a")), zonal("data", "a"),
				pod("db-0", "a1", statefulSet, claim("data"))),
			want: "db-0>a2",
		},
		{
			name:     "a volume of a zone without nodes",
			scenario: snapshot.Scenario{Cordon: []string{"a1"}, Rounds: []snapshot.Round{evict("db-0")}},
			objects: objects(node("a1", zone("a")), node("b1", zone("b")), zonal("data", "a"),
				pod("db-0", "a1", statefulSet, claim("data"))),
			want:    "db-0!",
			reasons: []string{"didn't match PersistentVolume's node affinity"},
		},
		{
			name:     "a claim that is not there",
			scenario: snapshot.Scenario{Rounds: []snapshot.Round{evict("db-0")}},
			objects:  objects(node("w1"), pod("db-0", "w1", statefulSet, claim("data"))),
			want:     "db-0!",
			reasons:  []string{`persistentvolumeclaim "data" not found`},
		},
		{
			name:     "a claim that waits for its first consumer gets a volume that exists",
			scenario: snapshot.Scenario{Rounds: []snapshot.Round{evict("db-0")}},
			objects: objects(node("a1", zone("a")), node("b1", zone("b")), freeVolume, class("kubernetes.io/no-provisioner"),
				unboundClaim("data", "local"), pod("db-0", "a1", statefulSet, claim("data"))),
			want: "db-0>b1",
		},
		{
			name:     "a claim that waits for a provisioner",
			scenario: snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("db-0"), evict("web-1")}},
			objects: objects(node("w1"), node("w2"), class("csi.example.com"), unboundClaim("data", "local"),
				pod("db-0", "w1", statefulSet, claim("data")), pod("web-1", "w1")),
			want:    "db-0! web-1-sim2>w2",
			reasons: []string{"it would run on node w2 once a volume for claim shop/data is provisioned"},
		},
		{
			name:     "copies stand beside their model",
			scenario: snapshot.Scenario{Rounds: []snapshot.Round{{Copies: []snapshot.Copies{{Namespace: "shop", Name: "web-1", Count: 3}}}}},
			objects:  objects(node("w1"), node("w2"), pod("web-1", "w1", cpu("2"))),
			want:     "web-1-sim1>w2 web-1-sim2>w1 web-1-sim3>w2",
		},
		{
			name:     "copies until it is full",
			scenario: snapshot.Scenario{Rounds: []snapshot.Round{{Copies: []snapshot.Copies{{Namespace: "shop", Name: "web-1", Count: 2}}}}},
			objects:  objects(node("w1"), pod("web-1", "w1", cpu("2"))),
			want:     "web-1-sim1>w1 web-1-sim2!",
			reasons:  []string{"Insufficient cpu"},
		},
		{
			name:     "pods that are not recreated leave room",
			scenario: snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{{Evict: []snapshot.Eviction{{Namespace: "shop", Name: "job-1"}, {Namespace: "shop", Name: "web-1", Recreate: true}}}}},
			objects:  objects(node("w1"), node("w2"), pod("web-1", "w1", cpu("4")), pod("job-1", "w2", bare, cpu("3"))),
			want:     "web-1-sim1>w2",
		},
		{
			name:     "a later round follows the pod that an earlier one made",
			scenario: snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("web-1"), evict("web-1")}},
			objects:  objects(node("w1"), node("w2"), pod("web-1", "w1")),
			want:     "web-1-sim1>w2 web-1-sim2>w2",
		},
		{
			name:     "another scheduler's pods",
			scenario: snapshot.Scenario{Rounds: []snapshot.Round{evict("web-1")}},
			objects:  objects(node("w1"), pod("web-1", "w1", func(p *corev1.Pod) { p.Spec.SchedulerName = "batch" })),
			want:     "web-1-sim1!",
			reasons:  []string{`the scheduler "batch", which is not simulated`},
		},
		{
			name:     "pending pods do not hold anything up, and get their chance first",
			scenario: snapshot.Scenario{Rounds: []snapshot.Round{evict("web-1")}},
			objects: objects(node("w1"), pod("web-1", "w1", cpu("3")), pod("big-1", "", cpu("3"), priority(5)),
				pod("huge-1", "", cpu("30")), pod("gated-1", "", func(p *corev1.Pod) {
					p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/quota"}}
				})),
			want:    "web-1-sim2!",
			reasons: []string{"Insufficient cpu"},
		},
		{
			name:     "pods that have ended hold nothing",
			scenario: snapshot.Scenario{Rounds: []snapshot.Round{evict("web-1")}},
			objects: objects(node("w1"), pod("web-1", "w1", cpu("3")), pod("done-1", "w1", bare, cpu("4"), func(p *corev1.Pod) {
				p.Status.Phase = corev1.PodSucceeded
			})),
			want: "web-1-sim1>w1",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			r := playOne(t, tt.scenario, tt.objects...)
			if got := placed(r); got != tt.want {
				t.Errorf("placements are %q, want %q", got, tt.want)
			}
			var reasons []string
			for _, p := range r.Placements {
				if p.Node == "" {
					reasons = append(reasons, p.Reason)
				} else if p.Reason != "" {
					t.Errorf("%s has a node and a reason: %q", p.Replacement, p.Reason)
				}
			}
			if len(reasons) != len(tt.reasons) {
				t.Fatalf("reasons are %q, want %q", reasons, tt.reasons)
			}
			for i := range reasons {
				if !strings.Contains(reasons[i], tt.reasons[i]) {
					t.Errorf("the reason is %q, want one with %q", reasons[i], tt.reasons[i])
				}
			}
			// Idleness is noticed, not waited for. Volumes are bound in a poll of one
			// second, which is the scheduler's own.
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestPreemption(t *testing.T) {
	r := playOne(t, snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("pay-1")}},
		node("w1"), node("w2"),
		pod("pay-1", "w1", cpu("3"), priority(100)),
		pod("batch-1", "w2", cpu("1")), pod("batch-2", "w2", bare, cpu("2")))
	if got := placed(r); got != "pay-1-sim1>w2" {
		t.Errorf("placements are %q", got)
	}
	byName := map[string]Preemption{}
	for _, p := range r.Preempted {
		byName[p.Pod] = p
	}
	// Removing batch-2 alone makes room: 4 - 1 = 3.
	p, ok := byName["batch-2"]
	if !ok || len(byName) != 1 {
		t.Fatalf("preempted %+v, want batch-2", r.Preempted)
	}
	if p.Node != "w2" || p.By != "shop/pay-1-sim1" || p.Replacement != "" {
		t.Errorf("preemption is %+v", p)
	}
}

func TestPreemptedPodsAreRecreated(t *testing.T) {
	r := playOne(t, snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("pay-1")}},
		node("w1"), node("w2"), node("w3", tainted("batch")),
		pod("pay-1", "w1", cpu("3"), priority(100)),
		pod("batch-1", "w2", cpu("3"), func(p *corev1.Pod) {
			p.Spec.Tolerations = []corev1.Toleration{{Key: "batch", Operator: corev1.TolerationOpExists}}
		}))
	if len(r.Preempted) != 1 {
		t.Fatalf("preempted %+v", r.Preempted)
	}
	want := Preemption{Namespace: "shop", Pod: "batch-1", Node: "w2", By: "shop/pay-1-sim1", Replacement: "batch-1-sim2", MovedTo: "w3"}
	if r.Preempted[0] != want {
		t.Errorf("preemption is %+v, want %+v", r.Preempted[0], want)
	}
}

func TestPreemptionOfAReplacement(t *testing.T) {
	r := playOne(t, snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("batch-1"), evict("pay-1")}},
		node("w1"), node("w2"),
		pod("pay-1", "w1", cpu("3"), priority(100)), pod("batch-1", "w1", cpu("1")), pod("base-1", "w2", cpu("1"), priority(200)))
	if got := placed(r); got != "batch-1-sim3! pay-1-sim2>w2" {
		t.Errorf("placements are %q", got)
	}
	if len(r.Preempted) != 1 || r.Preempted[0].Pod != "batch-1-sim1" {
		t.Errorf("preempted %+v", r.Preempted)
	}
}

func TestBudgetsGuideAndFollowPreemption(t *testing.T) {
	budget := func(app string, healthy, desired int32) *policyv1.PodDisruptionBudget {
		return &policyv1.PodDisruptionBudget{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: app},
			Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}},
			Status: policyv1.PodDisruptionBudgetStatus{
				ExpectedPods: healthy, CurrentHealthy: healthy, DesiredHealthy: desired, DisruptionsAllowed: healthy - desired,
			},
		}
	}
	all := objects(node("w1"), node("w2"), node("w3"),
		pod("pay-1", "w1", cpu("3"), priority(100)), pod("pay-2", "w1", cpu("3"), priority(100)),
		pod("alpha-1", "w2", cpu("3")), pod("beta-1", "w3", cpu("3")),
		budget("alpha", 1, 1), budget("beta", 1, 0))
	r := playOne(t, snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("pay-1")}}, all...)
	if len(r.Preempted) != 1 || r.Preempted[0].Pod != "beta-1" {
		t.Errorf("preempted %+v, want beta-1, whose budget allows it", r.Preempted)
	}
	// The victim's budget is used up; the scheduler still preempts, as in reality,
	// where no other victim is left.
	r = playOne(t, snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("pay-1"), evict("pay-2")}}, all...)
	if len(r.Preempted) != 2 {
		t.Errorf("preempted %+v, want both", r.Preempted)
	}
}

func TestRoundsSeeEachOther(t *testing.T) {
	r := playOne(t, snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{
		evict("web-1"),
		{Evict: []snapshot.Eviction{{Namespace: "shop", Name: "job-1"}}},
	}}, node("w1"), node("w2"), pod("web-1", "w1", cpu("3")), pod("job-1", "w2", cpu("3")))
	if got := placed(r); got != "web-1-sim1>w2" {
		t.Errorf("placements are %q", got)
	}
	if p := r.Placements[0]; p.Round != 1 || p.BoundIn != 2 {
		t.Errorf("round %d, bound in %d; want 1 and 2", p.Round, p.BoundIn)
	}
}

func TestScenariosAreIndependent(t *testing.T) {
	s := []snapshot.Scenario{
		{Name: "one", Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("web-1")}},
		{Name: "two", Cordon: []string{"w2"}, Rounds: []snapshot.Round{evict("web-2")}},
		{Name: "nothing"},
		{Name: "again", Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("web-1")}},
	}
	r := playAll(t, s, node("w1"), node("w2"), pod("web-1", "w1", cpu("2")), pod("web-2", "w2", cpu("2")))
	for i, want := range []string{"web-1-sim1>w2", "web-2-sim1>w1", "", "web-1-sim1>w2"} {
		if got := placed(r[i]); got != want || r[i].Name != s[i].Name {
			t.Errorf("scenario %s has %q, want %q", r[i].Name, got, want)
		}
	}
}

func TestEphemeralClaims(t *testing.T) {
	wait := storagev1.VolumeBindingWaitForFirstConsumer
	scratch := func(p *corev1.Pod) {
		p.Spec.Volumes = []corev1.Volume{{Name: "scratch", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{
			VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{Spec: corev1.PersistentVolumeClaimSpec{
				StorageClassName: ptr.To("csi"), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
			}},
		}}}}
	}
	r := playOne(t, snapshot.Scenario{Rounds: []snapshot.Round{evict("web-1")}},
		node("w1"), &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "csi"}, Provisioner: "csi.example.com", VolumeBindingMode: &wait},
		pod("web-1", "w1", scratch))
	if reason := r.Placements[0].Reason; !strings.Contains(reason, "claim shop/web-1-sim1-scratch is provisioned") {
		t.Errorf("the reason is %q", reason)
	}
}

func TestPromisedNodeDoesNotHoldUp(t *testing.T) {
	// A pod of the snapshot waits for a terminating one, which never ends here.
	waiting := pod("pay-1", "", cpu("4"), priority(100))
	waiting.Status.NominatedNodeName = "w2"
	ending := pod("old-1", "w2", cpu("4"))
	ending.DeletionTimestamp = ptr.To(metav1.Now())
	ending.DeletionGracePeriodSeconds = ptr.To[int64](3600)
	start := time.Now()
	r := playOne(t, snapshot.Scenario{Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("web-1")}},
		node("w1"), node("w2"), node("w3"), pod("web-1", "w1", cpu("4")), waiting, ending, pod("base-1", "w3", cpu("4"), priority(200)))
	if got := placed(r); got != "web-1-sim1!" {
		t.Errorf("placements are %q", got)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestSameAnswerEveryTime(t *testing.T) {
	all := large(100, 1000)
	s := snapshot.Scenario{}
	var round snapshot.Round
	for i := range 10 {
		s.Cordon = append(s.Cordon, fmt.Sprintf("w%d", i))
		for j := i; j < 1000; j += 100 {
			round.Evict = append(round.Evict, snapshot.Eviction{Namespace: "shop", Name: fmt.Sprintf("app%d-%d", j%50, j), Recreate: true})
		}
	}
	s.Rounds = []snapshot.Round{round}
	r := playAll(t, []snapshot.Scenario{s, s, s}, all...)
	for _, other := range r[1:] {
		if placed(other) != placed(r[0]) {
			t.Errorf("two runs differ:\n%s\n%s", placed(r[0]), placed(other))
		}
	}
	for _, p := range r[0].Placements {
		if p.Node == "" {
			t.Errorf("%s has no node: %s", p.Replacement, p.Reason)
		}
	}
}

func TestOutOfTime(t *testing.T) {
	header, snap, err := snapshot.Read(encode(t, []snapshot.Scenario{{Rounds: []snapshot.Round{evict("web-1")}}}, node("w1"), pod("web-1", "w1")))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(context.Background(), header, snap, Options{RoundLimit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if p := r[0].Placements[0]; p.Node == "" && !strings.HasPrefix(p.Reason, "undecided") {
		t.Errorf("placement is %+v", p)
	}

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, header, snap, Options{}); err == nil {
		t.Error("a cancelled run gave an answer")
	}
}
