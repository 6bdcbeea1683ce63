package trim

import (
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func list(cpu, memory string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
}

func ptr[T any](v T) *T { return &v }

// full is a pod with everything that the scheduler or a drain looks at, and much that nobody does.
func full(name string) *corev1.Pod {
	at := metav1.Unix(1_700_000_000, 0)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name, UID: types.UID("uid-" + name), ResourceVersion: "7", CreationTimestamp: at, GenerateName: "web-",
			DeletionTimestamp: &at, DeletionGracePeriodSeconds: ptr(int64(30)), Finalizers: []string{"example.com/keep"},
			Labels:          map[string]string{"app": "web", "tier": "front"},
			Annotations:     map[string]string{"kanrin.dev/x": "y", "kubernetes.io/config.mirror": "z", "noise": strings.Repeat("n", 1000)},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web-1", UID: "rs", Controller: ptr(true)}},
			ManagedFields:   []metav1.ManagedFieldsEntry{{Manager: "kubelet", FieldsV1: metav1.NewFieldsV1(strings.Repeat("f", 2000))}},
		},
		Spec: corev1.PodSpec{
			NodeName: "w1", SchedulerName: "default-scheduler", PriorityClassName: "high", Priority: ptr(int32(1000)), PreemptionPolicy: ptr(corev1.PreemptNever),
			NodeSelector: map[string]string{"disk": "ssd"}, TerminationGracePeriodSeconds: ptr(int64(120)), HostNetwork: true, RestartPolicy: corev1.RestartPolicyAlways,
			Tolerations:               []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpExists}},
			Affinity:                  &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{TopologyKey: "zone"}}}},
			TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{MaxSkew: 1, TopologyKey: "zone", WhenUnsatisfiable: corev1.DoNotSchedule}},
			SchedulingGates:           []corev1.PodSchedulingGate{{Name: "gate"}}, Overhead: list("10m", "8Mi"), OS: &corev1.PodOS{Name: "linux"},
			InitContainers: []corev1.Container{
				{Name: "side", Image: "side:1", RestartPolicy: ptr(corev1.ContainerRestartPolicyAlways), Resources: corev1.ResourceRequirements{Requests: list("50m", "32Mi")}},
				{Name: "init", Image: "init:1", Resources: corev1.ResourceRequirements{Requests: list("400m", "16Mi")}},
			},
			Containers: []corev1.Container{{
				Name: "app", Image: "app:1", Env: []corev1.EnvVar{{Name: "A", Value: "B"}}, Args: []string{"--x"},
				Ports:     []corev1.ContainerPort{{ContainerPort: 80}, {ContainerPort: 81, HostPort: 8081, Protocol: corev1.ProtocolTCP}},
				Resources: corev1.ResourceRequirements{Requests: list("200m", "64Mi"), Limits: list("1", "1Gi")}, LivenessProbe: &corev1.Probe{},
			}},
			Volumes: []corev1.Volume{
				{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data-0"}}},
				{Name: "cache", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
				{Name: "logs", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/var/log"}}},
				{Name: "disk", VolumeSource: corev1.VolumeSource{AWSElasticBlockStore: &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: "v"}}},
				{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}}},
				{Name: "token", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{}}},
			},
		},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.0.0.7", HostIP: "192.168.0.1", QOSClass: corev1.PodQOSBurstable, NominatedNodeName: "w2", StartTime: &at,
			Conditions: []corev1.PodCondition{
				{Type: corev1.PodInitialized, Status: corev1.ConditionTrue, LastTransitionTime: at},
				{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Unix(1_700_000_009, 0)},
				{Type: corev1.ContainersReady, Status: corev1.ConditionTrue, LastTransitionTime: at},
				{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes", LastTransitionTime: at},
			},
			ContainerStatuses: []corev1.ContainerStatus{{
				Name: "app", Ready: true, RestartCount: 3, Image: "app:1", ImageID: "sha256:1", ContainerID: "containerd://1",
				State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}}, AllocatedResources: list("200m", "64Mi"),
			}},
		},
	}
}

// What the scheduler, a drain or a row looks at is still there; what nobody looks at is not.
func TestPodKeepsWhatCounts(t *testing.T) {
	in := full("web-1-a")
	want := in.DeepCopy()
	got := NewPool().Pod(in).Object()

	// All that may differ is put into the expectation by hand.
	want.GenerateName, want.ManagedFields = "", nil
	delete(want.Annotations, "noise")
	want.Spec.Volumes = want.Spec.Volumes[:4]
	want.Spec.Containers[0] = corev1.Container{
		Name: "app", Image: "app:1", Ports: want.Spec.Containers[0].Ports[1:],
		Resources: corev1.ResourceRequirements{Requests: want.Spec.Containers[0].Resources.Requests},
	}
	want.Status.HostIP, want.Status.StartTime = "", nil
	want.Status.Conditions = []corev1.PodCondition{want.Status.Conditions[3], want.Status.Conditions[1]}
	want.Status.ContainerStatuses[0] = corev1.ContainerStatus{Name: "app", Ready: true, RestartCount: 3, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
	if a, b := text(t, got), text(t, want); a != b {
		t.Errorf("kept\n%s\nwant\n%s", a, b)
	}
	again := NewPool().Pod(got.DeepCopy()).Object()
	if a, b := text(t, again), text(t, got); a != b {
		t.Errorf("trimmed twice\n%s\nonce\n%s", a, b)
	}
}

func text(t *testing.T, o any) string {
	t.Helper()
	b, err := json.MarshalIndent(o, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Requests follow the scheduler's rule: the sum of containers and sidecars, or the largest init container beside the sidecars
// before it, plus overhead.
func TestRequests(t *testing.T) {
	spec := NewPool().Pod(full("a")).Spec()
	if spec.CPUMilli != 50+400+10 {
		t.Errorf("CPU: %d", spec.CPUMilli)
	}
	if spec.MemoryBytes != (64+32+8)<<20 {
		t.Errorf("memory: %d", spec.MemoryBytes)
	}
}

// A container that is being resized holds what it was given until now.
func TestResizeIsKept(t *testing.T) {
	in := full("a")
	in.Status.ContainerStatuses[0].AllocatedResources = list("100m", "64Mi")
	if got := NewPool().Pod(in).Object().Status.ContainerStatuses[0].AllocatedResources.Cpu().MilliValue(); got != 100 {
		t.Errorf("allocated %d", got)
	}
}

// Pods that are alike share what they have in common, and what they share goes with the last of them.
func TestPodsShare(t *testing.T) {
	p := NewPool()
	pods := make([]*Pod, 100)
	for i := range pods {
		pods[i] = p.Pod(full(fmt.Sprintf("web-%d", i)))
	}
	a, b := pods[0].Object(), pods[99].Object()
	if pods[0].spec != pods[99].spec || &a.Spec.Containers[0] != &b.Spec.Containers[0] || reflect.ValueOf(a.Labels).Pointer() != reflect.ValueOf(b.Labels).Pointer() {
		t.Error("pods of one template do not share it")
	}
	other := full("other")
	other.Spec.Containers[0].Image = "app:2"
	if p.Pod(other).spec == pods[0].spec {
		t.Error("a pod of another image shares the template")
	}
	runtime.KeepAlive(pods)
	clear(pods)
	a, b = nil, nil
	for range 3 {
		runtime.GC()
	}
	live := 0
	for _, w := range p.specs.m {
		if w.Value() != nil {
			live++
		}
	}
	if live != 0 {
		t.Errorf("%d templates of pods that are gone are kept alive", live)
	}
}

// The pool does not grow with what has been.
func TestPoolIsBounded(t *testing.T) {
	p := NewPool()
	for i := range 20_000 {
		pod := full("x")
		pod.Labels = map[string]string{"job": fmt.Sprint(i)}
		pod.Spec.Containers[0].Image = fmt.Sprintf("image:%d", i)
		p.Pod(pod)
		if i%1000 == 0 {
			runtime.GC()
		}
	}
	if n := len(p.maps.now) + len(p.maps.before); n > 2*maxMaps {
		t.Errorf("%d maps are remembered", n)
	}
	if n := len(p.specs.m); n > 10_000 {
		t.Errorf("%d templates are remembered", n)
	}
}

func TestPodWithoutConditionTimes(t *testing.T) {
	in := full("a")
	in.DeletionTimestamp, in.Finalizers, in.Status.NominatedNodeName = nil, nil, ""
	in.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	got := NewPool().Pod(in).Object()
	if len(got.Status.Conditions) != 1 || got.Status.Conditions[0].Status != corev1.ConditionTrue {
		t.Errorf("conditions: %+v", got.Status.Conditions)
	}
}

func TestCordonedBy(t *testing.T) {
	at := metav1.NewTime(time.Unix(1_700_000_000, 0))
	later := metav1.NewTime(at.Add(time.Minute))
	entry := func(manager, fields string, at *metav1.Time) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, Time: at, FieldsV1: metav1.NewFieldsV1(fields)}
	}
	n := &corev1.Node{Spec: corev1.NodeSpec{Unschedulable: true}}
	n.ManagedFields = []metav1.ManagedFieldsEntry{
		entry("kubeadm", `{"f:metadata":{"f:labels":{}}}`, &later),
		entry("kubectl-cordon", `{"f:spec":{"f:unschedulable":{}}}`, &at),
		entry("kubelet", `{"f:status":{}}`, &later),
	}
	p := NewPool()
	for range 2 { // trimming twice changes nothing
		p.Object(n)
		if by, since := CordonedBy(n); by != "kubectl-cordon" || !since.Equal(at.Time) {
			t.Errorf("cordoned by %q at %v", by, since)
		}
	}
	n.Spec.Unschedulable = false
	p.Object(n)
	if by, _ := CordonedBy(n); by != "" || len(n.ManagedFields) != 0 {
		t.Errorf("a schedulable node was cordoned by %q", by)
	}
}

func TestObjectsAreTrimmed(t *testing.T) {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"kanrin.dev/surged-by": "x", "noise": "y"}, ManagedFields: make([]metav1.ManagedFieldsEntry, 1)}}
	d.Spec.Template.Spec = full("x").Spec
	NewPool().Object(d)
	s := d.Spec.Template.Spec
	if len(s.Containers) != 1 || s.Containers[0].Image != "app:1" || s.PriorityClassName != "high" || s.Affinity != nil || s.Containers[0].Env != nil {
		t.Errorf("template: %+v", s)
	}
	if len(d.Annotations) != 1 || d.ManagedFields != nil {
		t.Errorf("metadata: %+v", d.ObjectMeta)
	}
	n := &corev1.Node{}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.Now()}}
	n.Status.Allocatable, n.Status.Capacity = list("1", "1Gi"), list("2", "2Gi")
	NewPool().Object(n)
	if n.Status.Capacity != nil || n.Status.Allocatable.Cpu().Value() != 1 || !n.Status.Conditions[0].LastHeartbeatTime.IsZero() {
		t.Errorf("node: %+v", n.Status)
	}
}
