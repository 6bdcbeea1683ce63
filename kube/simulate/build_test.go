package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"

	"kanrin.dev/kanrin/kube/snapshot"
)

func TestMain(m *testing.M) {
	silence()
	os.Exit(m.Run())
}

// encode writes an input as a caller would.
func encode(t testing.TB, scenarios []snapshot.Scenario, objects ...object) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	if err := enc.Encode(snapshot.Header{Kind: "Simulation", Version: 1, Scenarios: scenarios}); err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		gvks, _, err := scheme.Scheme.ObjectKinds(o)
		if err != nil {
			t.Fatal(err)
		}
		o.GetObjectKind().SetGroupVersionKind(gvks[0])
		if err := enc.Encode(o); err != nil {
			t.Fatal(err)
		}
	}
	return &b
}

// playOne plays one scenario on objects.
func playOne(t testing.TB, s snapshot.Scenario, objects ...object) ScenarioResult {
	t.Helper()
	return playAll(t, []snapshot.Scenario{s}, objects...)[0]
}

func playAll(t testing.TB, scenarios []snapshot.Scenario, objects ...object) []ScenarioResult {
	t.Helper()
	header, snap, err := snapshot.Read(encode(t, scenarios, objects...))
	if err != nil {
		t.Fatal(err)
	}
	results, err := Run(context.Background(), header, snap, Options{RoundLimit: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// placed lists placements as "pod>node", or "pod!" for one without a node.
func placed(r ScenarioResult) string {
	var all []string
	for _, p := range r.Placements {
		if p.Node == "" {
			all = append(all, p.Replacement+"!")
		} else {
			all = append(all, p.Replacement+">"+p.Node)
		}
	}
	return strings.Join(all, " ")
}

func evict(names ...string) snapshot.Round {
	var r snapshot.Round
	for _, n := range names {
		r.Evict = append(r.Evict, snapshot.Eviction{Namespace: "shop", Name: n, Recreate: true})
	}
	return r
}

func node(name string, options ...func(*corev1.Node)) *corev1.Node {
	room := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("8Gi"),
		corev1.ResourcePods: resource.MustParse("110"),
	}
	n := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}},
		Status:     corev1.NodeStatus{Allocatable: room, Capacity: room},
	}
	for _, o := range options {
		o(n)
	}
	return n
}

func zone(z string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Labels[corev1.LabelTopologyZone] = z }
}

func tainted(k string) func(*corev1.Node) {
	return func(n *corev1.Node) {
		n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: k, Effect: corev1.TaintEffectNoSchedule})
	}
}

// pod is one of a Deployment's, running on a node ("" for pending).
func pod(name, on string, options ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name, UID: types.UID("uid-" + name), Labels: map[string]string{"app": strings.Split(name, "-")[0]},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "rs", UID: "rs", Controller: ptr.To(true)}},
		},
		Spec: corev1.PodSpec{NodeName: on, Containers: []corev1.Container{{Name: "c"}}},
	}
	for _, o := range options {
		o(p)
	}
	return p
}

func cpu(q string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(q)}
	}
}

func priority(v int32) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.Priority = &v }
}

func bare(p *corev1.Pod) { p.OwnerReferences = nil }

func statefulSet(p *corev1.Pod) { p.OwnerReferences[0].Kind = "StatefulSet" }

func claim(name string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name},
		}})
	}
}

func apart(p *corev1.Pod) {
	p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
			TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchLabels: p.Labels},
		}},
	}}
}

func together(app string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
				TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}},
			}},
		}}
	}
}

func spreadOverZones(p *corev1.Pod) {
	p.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
		MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.DoNotSchedule,
		LabelSelector: &metav1.LabelSelector{MatchLabels: p.Labels},
	}}
}

// zonal is a claim that is bound to a volume of one zone.
func zonal(name, zone string) []object {
	pv := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pv-" + name},
		Spec: corev1.PersistentVolumeSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Capacity:    corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
			ClaimRef:    &corev1.ObjectReference{Namespace: "shop", Name: name, UID: types.UID("pvc-" + name)},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{zone}}},
			}}}},
		},
		Status: corev1.PersistentVolumeStatus{Phase: corev1.VolumeBound},
	}
	pvc := unboundClaim(name, "")
	pvc.Spec.VolumeName = pv.Name
	pvc.Annotations = map[string]string{"pv.kubernetes.io/bind-completed": "yes"}
	pvc.Status.Phase = corev1.ClaimBound
	return []object{pv, pvc}
}

func unboundClaim(name, class string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("pvc-" + name)},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: &class,
			AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
		Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending},
	}
}

func replicaSet(name string, labels map[string]string) *appsv1.ReplicaSet {
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name)},
		Spec:       appsv1.ReplicaSetSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}},
	}
}

// large is a cluster for tests of size.
func large(nodes, pods int) []object {
	var all []object
	for i := range nodes {
		all = append(all, node(fmt.Sprintf("w%d", i), zone(string(rune('a'+i%3)))))
	}
	for i := range pods {
		all = append(all, pod(fmt.Sprintf("app%d-%d", i%(pods/20), i), fmt.Sprintf("w%d", i%nodes), cpu("100m"), spreadOverZones))
	}
	return all
}
