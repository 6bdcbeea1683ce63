package demo

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	controlPlanes = 3
	workers       = 9
)

var zones = []string{"a", "b", "c"}

// zoneOf deals nodes out: 1, 4, 7 to zone a, 2, 5, 8 to zone b, 3, 6, 9 to zone c.
func zoneOf(number int) string { return zones[(number-1)%len(zones)] }

// nodes of the cluster; version is what their kubelets say that they are.
func nodes(version string) []*corev1.Node {
	var out []*corev1.Node
	for i := 1; i <= controlPlanes; i++ {
		n := node(fmt.Sprintf("cp-%d", i), zoneOf(i), fmt.Sprintf("192.0.2.%d", 10+i), "control-plane", version, "4", "3600m", "16Gi", "14Gi")
		n.Spec.Taints = []corev1.Taint{{Key: "node-role.kubernetes.io/control-plane", Effect: corev1.TaintEffectNoSchedule}}
		out = append(out, n)
	}
	for i := 1; i <= workers; i++ {
		out = append(out, node(fmt.Sprintf("w%d", i), zoneOf(i), fmt.Sprintf("192.0.2.%d", 20+i), "worker", version, "8", "7600m", "32Gi", "30Gi"))
	}
	return out
}

func node(name, zone, address, role, version, cpu, allocatableCPU, memory, allocatableMemory string) *corev1.Node {
	amounts := func(cpu, memory string) corev1.ResourceList {
		return corev1.ResourceList{
			corev1.ResourceCPU:              resource.MustParse(cpu),
			corev1.ResourceMemory:           resource.MustParse(memory),
			corev1.ResourcePods:             resource.MustParse("110"),
			corev1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
		}
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: name,
			Labels: map[string]string{
				corev1.LabelHostname:              name,
				corev1.LabelOSStable:              "linux",
				corev1.LabelArchStable:            "amd64",
				corev1.LabelTopologyZone:          zone,
				corev1.LabelTopologyRegion:        "demo",
				"node-role.kubernetes.io/" + role: "",
			},
		},
		Status: corev1.NodeStatus{
			Capacity:    amounts(cpu, memory),
			Allocatable: amounts(allocatableCPU, allocatableMemory),
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: address},
				{Type: corev1.NodeHostName, Address: name},
			},
			NodeInfo: corev1.NodeSystemInfo{
				Architecture: "amd64", OperatingSystem: "linux", OSImage: "simulated", KernelVersion: "simulated",
				KubeletVersion: version, ContainerRuntimeVersion: "kwok://0.8.0",
			},
		},
	}
}

// staticPods are what a kubelet shows of the manifests on its machine: pods with the mirror annotation, owned by the node.
func staticPods(n *corev1.Node) []*corev1.Pod {
	var out []*corev1.Pod
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		spec := podSpec(container(name, "registry.demo/"+name+":"+n.Status.NodeInfo.KubeletVersion, "200m", "256Mi"))
		spec.NodeName = n.Name
		spec.HostNetwork = true
		spec.PriorityClassName = "system-node-critical"
		spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute}}
		out = append(out, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: metav1.NamespaceSystem, Name: name + "-" + n.Name,
				Labels:      map[string]string{"component": name, "tier": "control-plane"},
				Annotations: map[string]string{corev1.MirrorPodAnnotationKey: "demo", "kubernetes.io/config.source": "file"},
				OwnerReferences: []metav1.OwnerReference{{
					APIVersion: "v1", Kind: "Node", Name: n.Name, UID: n.UID, Controller: new(true),
				}},
			},
			Spec: spec,
		})
	}
	return out
}
