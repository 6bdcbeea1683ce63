package simulate

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-helpers/storage/ephemeral"
	"k8s.io/utils/ptr"

	"kanrin.dev/kanrin/kube/snapshot"
)

// clone returns the pod that a controller would make instead of, or beside, an
// existing one: unscheduled, with what its template gives it and nothing that
// it got from its node. A StatefulSet keeps the name when it replaces. The
// caller holds the lock.
func (c *cluster) clone(pod *corev1.Pod, beside bool) *corev1.Pod {
	c.clones++
	owner := metav1.GetControllerOf(pod)
	n := &corev1.Pod{
		TypeMeta: pod.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: pod.Name, GenerateName: pod.GenerateName,
			UID:    types.UID(fmt.Sprintf("simulated-%d", c.clones)),
			Labels: pod.Labels, Annotations: pod.Annotations, OwnerReferences: pod.OwnerReferences,
			CreationTimestamp: metav1.Now(),
		},
		Spec:   *pod.Spec.DeepCopy(),
		Status: corev1.PodStatus{Phase: corev1.PodPending, QOSClass: pod.Status.QOSClass},
	}
	n.Spec.NodeName = ""
	if beside || owner == nil || owner.Kind != "StatefulSet" {
		n.Name = c.freeName(pod)
	}
	c.createClaims(n)
	return n
}

// freeName appends a number that no pod of the namespace has.
func (c *cluster) freeName(pod *corev1.Pod) string {
	base := pod.Name
	if r := c.byPod[snapshot.Key(pod.Namespace, pod.Name)]; r != nil {
		base = r.pod // so that the third generation is not web-sim1-sim2-sim3
	}
	for i := c.clones; ; i++ {
		name := fmt.Sprintf("%s-sim%d", base, i)
		if _, err := c.store.get(snapshot.Pods, pod.Namespace, name); err != nil {
			return name
		}
	}
}

// createClaims makes the claims of generic ephemeral volumes, which every pod
// has of its own.
func (c *cluster) createClaims(pod *corev1.Pod) {
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if v.Ephemeral == nil || v.Ephemeral.VolumeClaimTemplate == nil {
			continue
		}
		t := v.Ephemeral.VolumeClaimTemplate.DeepCopy()
		claim := &corev1.PersistentVolumeClaim{ObjectMeta: t.ObjectMeta, Spec: t.Spec}
		claim.Namespace, claim.Name = pod.Namespace, ephemeral.VolumeClaimName(pod, v)
		claim.UID = types.UID(string(pod.UID) + "/" + v.Name)
		claim.OwnerReferences = []metav1.OwnerReference{{
			APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID, Controller: ptr.To(true),
		}}
		claim.Status.Phase = corev1.ClaimPending
		c.store.put(snapshot.Claims, claim)
	}
}
