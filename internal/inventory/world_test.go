package inventory_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/internal/fleet/fleettest"
)

// world builds a small cluster by hand: what its controllers would have written stands in the objects.
type world struct {
	t testing.TB
	c client.Client
	// ns holds everything that has a namespace; names of nodes begin with it.
	ns string
}

func newWorld(t testing.TB, c client.Client, ns string) *world {
	t.Helper()
	fleettest.Namespace(t, api.Client, ns)
	return &world{t, c, ns}
}

func (w *world) create(o client.Object, status func()) {
	w.t.Helper()
	if err := w.c.Create(w.t.Context(), o); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = w.c.Delete(w.t.Context(), o, client.GracePeriodSeconds(0)) // the API goes with the package's tests anyway
	})
	if status == nil {
		return
	}
	status()
	if err := w.c.Status().Update(w.t.Context(), o); err != nil {
		w.t.Fatal(err)
	}
}

func amounts(cpu, memory string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
}

// node makes a node that is ready.
func (w *world) node(name, zone, cpu string, roles ...string) {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: w.ns + "-" + name, Labels: map[string]string{corev1.LabelTopologyZone: zone, corev1.LabelHostname: w.ns + "-" + name}}}
	var taints []corev1.Taint
	for _, r := range roles {
		n.Labels["node-role.kubernetes.io/"+r] = ""
		taints = append(taints, corev1.Taint{Key: "node-role.kubernetes.io/" + r, Effect: corev1.TaintEffectNoSchedule})
	}
	w.create(n, func() {
		n.Status.Allocatable = amounts(cpu, "16Gi")
		n.Status.Allocatable[corev1.ResourcePods] = resource.MustParse("110")
		n.Status.Capacity = n.Status.Allocatable
		n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()}}
		n.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.0.0.1"}}
		n.Status.NodeInfo.KubeletVersion = "v1.36.3"
	})
	// The API taints new nodes until a controller, which there is none of, finds them ready.
	n.Spec.Taints = taints
	if err := w.c.Update(w.t.Context(), n); err != nil {
		w.t.Fatal(err)
	}
}

// deployment makes a Deployment, its ReplicaSet, and a running pod on each of the nodes.
func (w *world) deployment(name, cpu string, nodes []string, change ...func(*corev1.PodSpec)) {
	labels := map[string]string{"app": name}
	replicas := int32(len(nodes))
	spec := corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "registry.example/" + name + ":1@sha256:0", Resources: corev1.ResourceRequirements{Requests: amounts(cpu, "64Mi")}}}}
	for _, c := range change {
		c(&spec)
	}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: spec}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: name}, Spec: appsv1.DeploymentSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template}}
	w.create(d, func() {
		d.Status = appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: replicas, UpdatedReplicas: replicas, ReadyReplicas: replicas, AvailableReplicas: replicas}
	})
	rs := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: name + "-1", Labels: labels, OwnerReferences: ownedBy("Deployment", name, d.UID)},
		Spec:       appsv1.ReplicaSetSpec{Replicas: &replicas, Selector: d.Spec.Selector, Template: template},
	}
	w.create(rs, nil)
	for i, node := range nodes {
		w.pod(name+"-1-"+string(rune('a'+i)), node, labels, ownedBy("ReplicaSet", rs.Name, rs.UID), *spec.DeepCopy())
	}
}

func (w *world) pod(name, node string, labels map[string]string, owners []metav1.OwnerReference, spec corev1.PodSpec) {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: name, Labels: labels, OwnerReferences: owners}, Spec: spec}
	p.Spec.NodeName = w.ns + "-" + node
	w.create(p, func() {
		p.Status = corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.1.0.1",
			Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}, {Type: corev1.PodScheduled, Status: corev1.ConditionTrue}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "main", Ready: true, Image: "x", ImageID: "x", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}},
		}
	})
}

// bound makes a StatefulSet of one pod whose volume exists only in a zone.
func (w *world) bound(name, node, zone string) {
	class, labels, one := "local", map[string]string{"app": name}, int32(1)
	s := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: name}, Spec: appsv1.StatefulSetSpec{
		Replicas: &one, Selector: &metav1.LabelSelector{MatchLabels: labels}, ServiceName: name,
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "db:1"}}}},
	}}
	w.create(s, func() {
		s.Status = appsv1.StatefulSetStatus{ObservedGeneration: 1, Replicas: 1, ReadyReplicas: 1, CurrentRevision: "1", UpdateRevision: "1"}
	})
	claim, volume := "data-"+name+"-0", w.ns+"-"+name
	in := corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{zone}}}}
	pvc := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: claim, Annotations: map[string]string{"pv.kubernetes.io/bind-completed": "yes"}}, Spec: corev1.PersistentVolumeClaimSpec{
		StorageClassName: &class, VolumeName: volume, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
	}}
	w.create(pvc, func() { pvc.Status.Phase = corev1.ClaimBound })
	pv := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: volume}, Spec: corev1.PersistentVolumeSpec{
		StorageClassName: class, Capacity: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}, AccessModes: pvc.Spec.AccessModes,
		PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/data"}},
		ClaimRef:               &corev1.ObjectReference{Namespace: w.ns, Name: claim, UID: pvc.UID},
		NodeAffinity:           &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{in}}},
	}}
	w.create(pv, func() { pv.Status.Phase = corev1.VolumeBound })
	spec := corev1.PodSpec{
		Containers: []corev1.Container{{Name: "main", Image: "db:1", Resources: corev1.ResourceRequirements{Requests: amounts("100m", "64Mi")}}},
		Volumes: []corev1.Volume{
			{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}},
			{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		},
	}
	w.pod(name+"-0", node, labels, ownedBy("StatefulSet", name, s.UID), spec)
}

func (w *world) budget(name, app string, least int, expected, desired int32) {
	v := intstr.FromInt(least)
	b := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: name},
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: &v, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}},
	}
	w.create(b, func() {
		b.Status = policyv1.PodDisruptionBudgetStatus{ObservedGeneration: 1, ExpectedPods: expected, DesiredHealthy: desired, CurrentHealthy: expected}
	})
}

func ownedBy(kind, name string, uid types.UID) []metav1.OwnerReference {
	yes := true
	return []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: name, UID: uid, Controller: &yes}}
}
