package simulate

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

// object is what every Kubernetes object of the snapshot offers.
type object interface {
	runtime.Object
	metav1.Object
}

// kind is one of the kinds that have a say in scheduling.
type kind struct {
	gvk        schema.GroupVersionKind
	resource   schema.GroupVersionResource
	namespaced bool
	empty      func() object
}

var (
	podsResource    = corev1.SchemeGroupVersion.WithResource("pods")
	nodesResource   = corev1.SchemeGroupVersion.WithResource("nodes")
	volumesResource = corev1.SchemeGroupVersion.WithResource("persistentvolumes")
	claimsResource  = corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims")
	classesResource = storagev1.SchemeGroupVersion.WithResource("storageclasses")
	budgetsResource = policyv1.SchemeGroupVersion.WithResource("poddisruptionbudgets")
	prioritiesRes   = schedulingv1.SchemeGroupVersion.WithResource("priorityclasses")
)

// kinds lists everything that is read; anything else in the input is counted
// and ignored.
var kinds = []kind{
	{corev1.SchemeGroupVersion.WithKind("Pod"), podsResource, true, func() object { return &corev1.Pod{} }},
	{corev1.SchemeGroupVersion.WithKind("Node"), nodesResource, false, func() object { return &corev1.Node{} }},
	{corev1.SchemeGroupVersion.WithKind("PersistentVolume"), volumesResource, false, func() object { return &corev1.PersistentVolume{} }},
	{corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim"), claimsResource, true, func() object { return &corev1.PersistentVolumeClaim{} }},
	{storagev1.SchemeGroupVersion.WithKind("StorageClass"), classesResource, false, func() object { return &storagev1.StorageClass{} }},
	{policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"), budgetsResource, true, func() object { return &policyv1.PodDisruptionBudget{} }},
	{schedulingv1.SchemeGroupVersion.WithKind("PriorityClass"), prioritiesRes, false, func() object { return &schedulingv1.PriorityClass{} }},

	{corev1.SchemeGroupVersion.WithKind("Namespace"), corev1.SchemeGroupVersion.WithResource("namespaces"), false, func() object { return &corev1.Namespace{} }},
	{corev1.SchemeGroupVersion.WithKind("Service"), corev1.SchemeGroupVersion.WithResource("services"), true, func() object { return &corev1.Service{} }},
	{corev1.SchemeGroupVersion.WithKind("ReplicationController"), corev1.SchemeGroupVersion.WithResource("replicationcontrollers"), true, func() object { return &corev1.ReplicationController{} }},
	{appsv1.SchemeGroupVersion.WithKind("ReplicaSet"), appsv1.SchemeGroupVersion.WithResource("replicasets"), true, func() object { return &appsv1.ReplicaSet{} }},
	{appsv1.SchemeGroupVersion.WithKind("StatefulSet"), appsv1.SchemeGroupVersion.WithResource("statefulsets"), true, func() object { return &appsv1.StatefulSet{} }},
	{storagev1.SchemeGroupVersion.WithKind("CSINode"), storagev1.SchemeGroupVersion.WithResource("csinodes"), false, func() object { return &storagev1.CSINode{} }},
	{storagev1.SchemeGroupVersion.WithKind("CSIDriver"), storagev1.SchemeGroupVersion.WithResource("csidrivers"), false, func() object { return &storagev1.CSIDriver{} }},
	{storagev1.SchemeGroupVersion.WithKind("CSIStorageCapacity"), storagev1.SchemeGroupVersion.WithResource("csistoragecapacities"), true, func() object { return &storagev1.CSIStorageCapacity{} }},
	{storagev1.SchemeGroupVersion.WithKind("VolumeAttachment"), storagev1.SchemeGroupVersion.WithResource("volumeattachments"), false, func() object { return &storagev1.VolumeAttachment{} }},
	{resourcev1.SchemeGroupVersion.WithKind("ResourceClaim"), resourcev1.SchemeGroupVersion.WithResource("resourceclaims"), true, func() object { return &resourcev1.ResourceClaim{} }},
	{resourcev1.SchemeGroupVersion.WithKind("ResourceSlice"), resourcev1.SchemeGroupVersion.WithResource("resourceslices"), false, func() object { return &resourcev1.ResourceSlice{} }},
	{resourcev1.SchemeGroupVersion.WithKind("DeviceClass"), resourcev1.SchemeGroupVersion.WithResource("deviceclasses"), false, func() object { return &resourcev1.DeviceClass{} }},
}

var kindsByGVK = func() map[schema.GroupVersionKind]*kind {
	m := make(map[schema.GroupVersionKind]*kind, len(kinds))
	for i := range kinds {
		m[kinds[i].gvk] = &kinds[i]
	}
	return m
}()

// key names an object within its resource.
func key(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}
