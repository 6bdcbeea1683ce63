package disruption

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Class is how a drain sees a pod.
type Class string

const (
	Evictable   Class = "evictable"
	DaemonSet   Class = "daemonset"   // stays: its controller would put it right back
	Static      Class = "static"      // stays: the kubelet runs it from a file, the API only mirrors it
	Finished    Class = "finished"    // has succeeded or failed; nothing is disrupted by deleting it
	Unmanaged   Class = "unmanaged"   // no controller: once gone, it is gone
	Terminating Class = "terminating" // already leaving
)

// ClassOf sorts a pod. The order is that of kubectl drain: what stays is decided before what leaves.
func ClassOf(pod *corev1.Pod) Class {
	owner := metav1.GetControllerOfNoCopy(pod)
	switch {
	case pod.Annotations[corev1.MirrorPodAnnotationKey] != "":
		return Static
	case owner != nil && owner.Kind == "DaemonSet":
		return DaemonSet
	case pod.DeletionTimestamp != nil:
		return Terminating
	case pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed:
		return Finished
	case owner == nil:
		return Unmanaged
	}
	return Evictable
}

// Ready reports whether the pod's Ready condition is true.
func Ready(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// LocalData names the pod's emptyDir volumes; their content is lost when the pod leaves its node. Volumes in memory are left out: they
// would not outlive a restart either.
func LocalData(pod *corev1.Pod) []string {
	var out []string
	for _, v := range pod.Spec.Volumes {
		if v.EmptyDir != nil && v.EmptyDir.Medium != corev1.StorageMediumMemory {
			out = append(out, v.Name)
		}
	}
	return out
}

// HostPaths are the paths of the node's own file system that the pod uses; they stay behind when it leaves.
func HostPaths(pod *corev1.Pod) []string {
	var out []string
	for _, v := range pod.Spec.Volumes {
		if v.HostPath != nil {
			out = append(out, v.HostPath.Path)
		}
	}
	return out
}

// Claims are the names of the pod's PersistentVolumeClaims, those of generic ephemeral volumes left out: they go with the pod.
func Claims(pod *corev1.Pod) []string {
	var out []string
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			out = append(out, v.PersistentVolumeClaim.ClaimName)
		}
	}
	return out
}
