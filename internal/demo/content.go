package demo

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var namespaces = []string{"shop", "payments", "data", "batch", "monitoring", "dev"}

const storageClass = "zonal"

// ground is what the workloads stand on.
func ground() []client.Object {
	var out []client.Object
	for _, name := range namespaces {
		out = append(out, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	out = append(out,
		&schedulingv1.PriorityClass{
			ObjectMeta: metav1.ObjectMeta{Name: businessCritical}, Value: 1_000_000,
			Description: "What earns money. May displace what does not.",
		},
		&storagev1.StorageClass{
			ObjectMeta:        metav1.ObjectMeta{Name: storageClass},
			Provisioner:       "kubernetes.io/no-provisioner",
			VolumeBindingMode: new(storagev1.VolumeBindingWaitForFirstConsumer),
			ReclaimPolicy:     new(corev1.PersistentVolumeReclaimRetain),
		})
	for i, zone := range zones {
		out = append(out, volume(fmt.Sprintf("ledger-%s", zone), zone, "payments", fmt.Sprintf("data-ledger-%d", i)))
	}
	return out
}

// volume can be mounted in one zone only, and belongs to one claim.
func volume(name, zone, namespace, claim string) client.Object {
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelTopologyZone: zone}},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("50Gi")},
			AccessModes:                   []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			StorageClassName:              storageClass,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{NFS: &corev1.NFSVolumeSource{Server: "storage-" + zone + ".demo.invalid", Path: "/" + name}},
			ClaimRef:                      &corev1.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: namespace, Name: claim},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{zone}}},
			}}}},
		},
	}
}

// budgets say how much may be taken away from a workload.
func budgets() []client.Object {
	atLeast := func(n int) policyv1.PodDisruptionBudgetSpec {
		return policyv1.PodDisruptionBudgetSpec{MinAvailable: new(intstr.FromInt(n))}
	}
	atMost := func(v string) policyv1.PodDisruptionBudgetSpec {
		return policyv1.PodDisruptionBudgetSpec{MaxUnavailable: new(intstr.Parse(v))}
	}
	budget := func(namespace, name string, spec policyv1.PodDisruptionBudgetSpec, label, value string) client.Object {
		spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{label: value}}
		return &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: spec}
	}
	return []client.Object{
		budget("shop", "cart", atLeast(5), "app", "cart"),
		budget("shop", "web", atLeast(3), "app", "web"), // of 3: can never be met
		budget("shop", "checkout", atLeast(2), "app", "checkout"),
		budget("shop", "shop-critical", atMost("1"), "tier", "critical"), // covers checkout too
		budget("payments", "api", atMost("25%"), "app", "api"),
		budget("payments", "ledger", atMost("1"), "app", "ledger"),
		budget("data", "search", atMost("1"), "app", "search"),
		budget("data", "ingest", atMost("30%"), "app", "ingest"),
		budget(metav1.NamespaceSystem, "coredns", atMost("1"), "app", "coredns"),
		budget("monitoring", "alertmanager", atLeast(1), "app", "alertmanager"),
	}
}

// content is what is made before the filler.
func content() []client.Object {
	out := []client.Object{
		unmanagedPod(), job(), cronJob(),
		daemonSet("monitoring", "node-exporter", ""),
		daemonSet(metav1.NamespaceSystem, "kube-proxy", "system-node-critical"),
	}
	for _, w := range workloads {
		out = append(out, w.object())
	}
	return out
}
