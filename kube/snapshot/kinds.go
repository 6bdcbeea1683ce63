package snapshot

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Object is what every Kubernetes object of the snapshot offers.
type Object interface {
	runtime.Object
	metav1.Object
}

// Kind is one of the kinds that have a say in scheduling.
type Kind struct {
	GVK        schema.GroupVersionKind
	Resource   schema.GroupVersionResource
	Namespaced bool
	New        func() Object
}

// The resources that are named elsewhere.
var (
	Pods       = corev1.SchemeGroupVersion.WithResource("pods")
	Nodes      = corev1.SchemeGroupVersion.WithResource("nodes")
	Volumes    = corev1.SchemeGroupVersion.WithResource("persistentvolumes")
	Claims     = corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims")
	Budgets    = policyv1.SchemeGroupVersion.WithResource("poddisruptionbudgets")
	Priorities = schedulingv1.SchemeGroupVersion.WithResource("priorityclasses")
)

// Kinds lists everything that is read; anything else in the input is counted
// and ignored.
var Kinds = []Kind{
	{corev1.SchemeGroupVersion.WithKind("Pod"), Pods, true, func() Object { return &corev1.Pod{} }},
	{corev1.SchemeGroupVersion.WithKind("Node"), Nodes, false, func() Object { return &corev1.Node{} }},
	{corev1.SchemeGroupVersion.WithKind("PersistentVolume"), Volumes, false, func() Object { return &corev1.PersistentVolume{} }},
	{corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim"), Claims, true, func() Object { return &corev1.PersistentVolumeClaim{} }},
	{storagev1.SchemeGroupVersion.WithKind("StorageClass"), storagev1.SchemeGroupVersion.WithResource("storageclasses"), false, func() Object { return &storagev1.StorageClass{} }},
	{policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"), Budgets, true, func() Object { return &policyv1.PodDisruptionBudget{} }},
	{schedulingv1.SchemeGroupVersion.WithKind("PriorityClass"), Priorities, false, func() Object { return &schedulingv1.PriorityClass{} }},

	{corev1.SchemeGroupVersion.WithKind("Namespace"), corev1.SchemeGroupVersion.WithResource("namespaces"), false, func() Object { return &corev1.Namespace{} }},
	{corev1.SchemeGroupVersion.WithKind("Service"), corev1.SchemeGroupVersion.WithResource("services"), true, func() Object { return &corev1.Service{} }},
	{corev1.SchemeGroupVersion.WithKind("ReplicationController"), corev1.SchemeGroupVersion.WithResource("replicationcontrollers"), true, func() Object { return &corev1.ReplicationController{} }},
	{appsv1.SchemeGroupVersion.WithKind("ReplicaSet"), appsv1.SchemeGroupVersion.WithResource("replicasets"), true, func() Object { return &appsv1.ReplicaSet{} }},
	{appsv1.SchemeGroupVersion.WithKind("StatefulSet"), appsv1.SchemeGroupVersion.WithResource("statefulsets"), true, func() Object { return &appsv1.StatefulSet{} }},
	{storagev1.SchemeGroupVersion.WithKind("CSINode"), storagev1.SchemeGroupVersion.WithResource("csinodes"), false, func() Object { return &storagev1.CSINode{} }},
	{storagev1.SchemeGroupVersion.WithKind("CSIDriver"), storagev1.SchemeGroupVersion.WithResource("csidrivers"), false, func() Object { return &storagev1.CSIDriver{} }},
	{storagev1.SchemeGroupVersion.WithKind("CSIStorageCapacity"), storagev1.SchemeGroupVersion.WithResource("csistoragecapacities"), true, func() Object { return &storagev1.CSIStorageCapacity{} }},
	{storagev1.SchemeGroupVersion.WithKind("VolumeAttachment"), storagev1.SchemeGroupVersion.WithResource("volumeattachments"), false, func() Object { return &storagev1.VolumeAttachment{} }},
	{resourcev1.SchemeGroupVersion.WithKind("ResourceClaim"), resourcev1.SchemeGroupVersion.WithResource("resourceclaims"), true, func() Object { return &resourcev1.ResourceClaim{} }},
	{resourcev1.SchemeGroupVersion.WithKind("ResourceSlice"), resourcev1.SchemeGroupVersion.WithResource("resourceslices"), false, func() Object { return &resourcev1.ResourceSlice{} }},
	{resourcev1.SchemeGroupVersion.WithKind("DeviceClass"), resourcev1.SchemeGroupVersion.WithResource("deviceclasses"), false, func() Object { return &resourcev1.DeviceClass{} }},
}

var kindsByGVK = func() map[schema.GroupVersionKind]*Kind {
	m := make(map[schema.GroupVersionKind]*Kind, len(Kinds))
	for i := range Kinds {
		m[Kinds[i].GVK] = &Kinds[i]
	}
	return m
}()

// Key names an object within its resource.
func Key(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}
