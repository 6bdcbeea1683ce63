package trim

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Pod is a trimmed pod with the parts that it shares with its like.
type Pod struct {
	*corev1.Pod
	spec     *Spec
	meta     *podMeta
	statuses *podStatuses
}

// SharedSpec returns the part of the pod's spec that it shares with its like.
func (p *Pod) SharedSpec() *Spec { return p.spec }

type podMeta struct {
	labels, annotations map[string]string
	owners              []metav1.OwnerReference
}

type podStatuses struct {
	containers, init []corev1.ContainerStatus
}

// Pod trims a pod. The given pod must not be used any more.
func (p *Pool) Pod(pod *corev1.Pod) *Pod {
	p.mu.Lock()
	defer p.mu.Unlock()

	spec := p.podSpec(&pod.Spec)
	meta := p.podMeta(pod)
	statuses := p.podStatuses(&pod.Status, &spec.part)

	out := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name:                       pod.Name,
			Namespace:                  p.word(pod.Namespace),
			UID:                        pod.UID,
			ResourceVersion:            pod.ResourceVersion,
			CreationTimestamp:          pod.CreationTimestamp,
			DeletionTimestamp:          pod.DeletionTimestamp,
			DeletionGracePeriodSeconds: pod.DeletionGracePeriodSeconds,
			Finalizers:                 pod.Finalizers,
			Labels:                     meta.labels,
			Annotations:                meta.annotations,
			OwnerReferences:            meta.owners,
		},
		Spec: spec.part,
		Status: corev1.PodStatus{
			Phase:                       corev1.PodPhase(p.word(string(pod.Status.Phase))),
			Reason:                      p.word(pod.Status.Reason),
			NominatedNodeName:           p.word(pod.Status.NominatedNodeName),
			PodIP:                       pod.Status.PodIP,
			QOSClass:                    corev1.PodQOSClass(p.word(string(pod.Status.QOSClass))),
			Conditions:                  p.podConditions(&pod.Status),
			ContainerStatuses:           statuses.containers,
			InitContainerStatuses:       statuses.init,
			ResourceClaimStatuses:       pod.Status.ResourceClaimStatuses,
			ExtendedResourceClaimStatus: pod.Status.ExtendedResourceClaimStatus,
		},
	}
	out.Spec.NodeName = p.word(pod.Spec.NodeName)
	return &Pod{Pod: out, spec: spec, meta: meta, statuses: statuses}
}

// podMeta shares labels, kept annotations and owners: pods of one template differ in none of them, except a
// StatefulSet's.
func (p *Pool) podMeta(pod *corev1.Pod) *podMeta {
	annotations := keep(pod.Annotations, podAnnotations...)
	b := appendMap(appendMap(p.buf[:0], pod.Labels), annotations)
	for _, o := range pod.OwnerReferences {
		b = appendString(appendString(appendString(b, o.Kind), o.Name), string(o.UID))
		b = appendString(append(b, flag(o.Controller)), o.APIVersion)
	}
	p.buf = b
	return p.metas.get(digestOf(b), func() *podMeta {
		return &podMeta{
			labels:      p.stringMap(pod.Labels),
			annotations: p.stringMap(annotations),
			owners:      p.owners(pod.OwnerReferences),
		}
	})
}

func (p *Pool) owners(in []metav1.OwnerReference) []metav1.OwnerReference {
	if len(in) == 0 {
		return nil
	}
	out := make([]metav1.OwnerReference, len(in))
	for i, o := range in {
		out[i] = metav1.OwnerReference{
			APIVersion: p.word(o.APIVersion), Kind: p.word(o.Kind),
			Name: p.word(o.Name), UID: o.UID, Controller: o.Controller,
		}
	}
	return out
}

// podConditions keeps those that say how a pod stands: ready, placed (with the scheduler's reason when not), about to be
// disrupted.
func (p *Pool) podConditions(status *corev1.PodStatus) []corev1.PodCondition {
	in, n := status.Conditions, 0
	kept := func(t corev1.PodConditionType) bool {
		return t == corev1.PodReady || t == corev1.PodScheduled || t == corev1.DisruptionTarget ||
			t == corev1.PodInitialized && initAgain(status)
	}
	for i := range in {
		if kept(in[i].Type) {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	out := make([]corev1.PodCondition, 0, n)
	for _, c := range in {
		if !kept(c.Type) {
			continue
		}
		t := corev1.PodCondition{
			Type: corev1.PodConditionType(p.word(string(c.Type))), Status: corev1.ConditionStatus(p.word(string(c.Status))),
			LastTransitionTime: c.LastTransitionTime,
		}
		if c.Status != corev1.ConditionTrue || c.Type == corev1.DisruptionTarget {
			t.Reason, t.Message = p.word(c.Reason), p.word(c.Message)
		}
		out = append(out, t)
	}
	return out
}

// initAgain reports whether an init container is at work: only then does it matter whether all were done before.
func initAgain(status *corev1.PodStatus) bool {
	for _, c := range status.InitContainerStatuses {
		done := c.State.Terminated != nil && c.State.Terminated.ExitCode == 0
		if sidecar := c.Started != nil && *c.Started; !done && !sidecar {
			return true
		}
	}
	return false
}

func flag(b *bool) byte {
	if b != nil && *b {
		return 1
	}
	return 0
}

var podAnnotations = []string{"kanrin.dev/", corev1.MirrorPodAnnotationKey}

// keep returns the entries whose key is one of names, or begins with one that ends in a slash.
func keep(m map[string]string, names ...string) map[string]string {
	var out map[string]string
	for k, v := range m {
		for _, n := range names {
			if k == n || strings.HasSuffix(n, "/") && strings.HasPrefix(k, n) {
				if out == nil {
					out = map[string]string{}
				}
				out[k] = v
			}
		}
	}
	return out
}
