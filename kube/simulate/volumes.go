package simulate

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/storage/ephemeral"
	"k8s.io/component-helpers/storage/volume"

	"kanrin.dev/kanrin/kube/snapshot"
)

// bindClaim completes what the scheduler began when it chose an existing volume
// for a claim: the volume names the claim, now the claim names the volume.
func (c *cluster) bindClaim(pv *corev1.PersistentVolume) {
	ref := pv.Spec.ClaimRef
	if ref == nil {
		return
	}
	_, err := c.store.update(snapshot.Claims, ref.Namespace, ref.Name, func(o object) (object, error) {
		claim := o.(*corev1.PersistentVolumeClaim)
		claim.Spec.VolumeName = pv.Name
		metav1.SetMetaDataAnnotation(&claim.ObjectMeta, volume.AnnBindCompleted, "yes")
		claim.Status.Phase = corev1.ClaimBound
		return claim, nil
	})
	if err != nil {
		return // a volume that names a claim of another time
	}
	bound := pv.DeepCopy()
	bound.Status.Phase = corev1.VolumeBound
	c.store.put(snapshot.Volumes, bound)
}

// noteProvisioning remembers a claim for which the scheduler has chosen a node
// and now waits for a volume. Nothing provisions here: whether a storage system
// would is not for a rehearsal to promise.
func (c *cluster) noteProvisioning(claim *corev1.PersistentVolumeClaim) {
	node := claim.Annotations[volume.AnnSelectedNode]
	if node == "" || claim.Spec.VolumeName != "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.provisioning[snapshot.Key(claim.Namespace, claim.Name)] = node
}

// waitsForProvisioning returns why a pod waits for a volume that is not there
// yet, or nothing. The caller holds the lock.
func (c *cluster) waitsForProvisioning(pod *corev1.Pod) string {
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		name := ""
		switch {
		case v.PersistentVolumeClaim != nil:
			name = v.PersistentVolumeClaim.ClaimName
		case v.Ephemeral != nil:
			name = ephemeral.VolumeClaimName(pod, v)
		}
		if node := c.provisioning[snapshot.Key(pod.Namespace, name)]; name != "" && node != "" {
			return fmt.Sprintf("it would run on node %s once a volume for claim %s/%s is provisioned there; provisioning is not simulated", node, pod.Namespace, name)
		}
	}
	return ""
}
