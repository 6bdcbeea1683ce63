package trim

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Pod is a pod as it is kept: what is its own, and references to what it shares with its like. It has about 300 bytes, where
// a decoded pod has 10 KiB and an empty corev1.Pod 1.2 KiB. It never changes.
type Pod struct {
	namespace, name, uid, version string
	node, ip                      string
	created                       int64 // seconds since 1970, as the API has it
	ready, scheduled              int64 // since when; zero when the condition is not simply true
	spec                          *Spec
	meta                          *podMeta
	state                         *podState
	rare                          *podRare // nil for nearly all pods
}

// podMeta is what pods of one template have in common, except a StatefulSet's.
type podMeta struct {
	labels, annotations map[string]string
	owners              []metav1.OwnerReference
	controller          types.UID
}

// podRare is what few pods have.
type podRare struct {
	deleted       *metav1.Time
	deletionGrace *int64
	finalizers    []string
	conditions    []corev1.PodCondition
	nominated     string
	claims        []corev1.PodResourceClaimStatus
	extended      *corev1.PodExtendedResourceClaimStatus
}

// Pod trims a pod. The given pod must not be used any more.
func (p *Pool) Pod(pod *corev1.Pod) *Pod {
	p.mu.Lock()
	defer p.mu.Unlock()
	spec := p.podSpec(&pod.Spec)
	out := &Pod{
		namespace: p.word(pod.Namespace), name: pod.Name, uid: string(pod.UID), version: pod.ResourceVersion,
		node: p.word(pod.Spec.NodeName), ip: pod.Status.PodIP, created: pod.CreationTimestamp.Unix(),
		spec: spec, meta: p.podMeta(pod), state: p.podState(&pod.Status, &spec.part),
	}
	rare := podRare{
		deleted: pod.DeletionTimestamp, deletionGrace: pod.DeletionGracePeriodSeconds, finalizers: pod.Finalizers,
		nominated: pod.Status.NominatedNodeName, claims: pod.Status.ResourceClaimStatuses, extended: pod.Status.ExtendedResourceClaimStatus,
	}
	for i := range pod.Status.Conditions {
		switch c := &pod.Status.Conditions[i]; {
		case c.Type == corev1.PodReady && simplyTrue(c):
			out.ready = c.LastTransitionTime.Unix()
		case c.Type == corev1.PodScheduled && simplyTrue(c):
			out.scheduled = c.LastTransitionTime.Unix()
		case keptCondition(pod, c.Type):
			rare.conditions = append(rare.conditions, p.condition(c))
		}
	}
	if rare.deleted != nil || len(rare.finalizers) > 0 || len(rare.conditions) > 0 || rare.nominated != "" || len(rare.claims) > 0 || rare.extended != nil {
		out.rare = &rare
	}
	return out
}

// GetObjectMeta tells a store under which key a pod is kept.
func (r *Pod) GetObjectMeta() metav1.Object {
	return &metav1.ObjectMeta{Namespace: r.namespace, Name: r.name}
}

func (r *Pod) Namespace() string { return r.namespace }
func (r *Pod) Name() string      { return r.name }
func (r *Pod) Node() string      { return r.node }
func (r *Pod) IP() string        { return r.ip }
func (r *Pod) Created() int64    { return r.created } // seconds since 1970

// Controller is the UID of the pod's controller, empty when it has none.
func (r *Pod) Controller() types.UID { return r.meta.controller }

// Spec is the part of the pod's spec that it shares with its like, and what it requests.
func (r *Pod) Spec() *Spec { return r.spec }

// Moved reports whether two versions of a pod differ in where it is and what it holds there.
func (r *Pod) Moved(next *Pod) bool {
	return r.uid != next.uid || r.node != next.node || r.state.phase != next.state.phase ||
		(r.rare == nil || r.rare.deleted == nil) != (next.rare == nil || next.rare.deleted == nil)
}

// Object makes a pod of it. Maps and slices are shared and read-only.
func (r *Pod) Object() *corev1.Pod {
	out := &corev1.Pod{}
	r.Into(out)
	return out
}

// Into overwrites a pod with it.
func (r *Pod) Into(out *corev1.Pod) {
	conditions := out.Status.Conditions[:0]
	*out = corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: r.namespace, Name: r.name, UID: types.UID(r.uid), ResourceVersion: r.version, CreationTimestamp: metav1.Unix(r.created, 0),
			Labels: r.meta.labels, Annotations: r.meta.annotations, OwnerReferences: r.meta.owners,
		},
		Spec: r.spec.part,
		Status: corev1.PodStatus{
			Phase: r.state.phase, Reason: r.state.reason, QOSClass: r.state.qos, PodIP: r.ip,
			ContainerStatuses: r.state.containers, InitContainerStatuses: r.state.init,
		},
	}
	out.Spec.NodeName = r.node
	if r.rare != nil {
		out.DeletionTimestamp, out.DeletionGracePeriodSeconds, out.Finalizers = r.rare.deleted, r.rare.deletionGrace, r.rare.finalizers
		out.Status.NominatedNodeName, out.Status.ResourceClaimStatuses = r.rare.nominated, r.rare.claims
		out.Status.ExtendedResourceClaimStatus = r.rare.extended
		conditions = append(conditions, r.rare.conditions...)
	}
	for _, c := range []struct {
		of    corev1.PodConditionType
		since int64
	}{{corev1.PodReady, r.ready}, {corev1.PodScheduled, r.scheduled}} {
		if c.since != 0 {
			conditions = append(conditions, corev1.PodCondition{Type: c.of, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Unix(c.since, 0)})
		}
	}
	if len(conditions) > 0 {
		out.Status.Conditions = conditions
	}
}

// podMeta shares labels, kept annotations and owners.
func (p *Pool) podMeta(pod *corev1.Pod) *podMeta {
	annotations := keep(pod.Annotations, podAnnotations...)
	b := appendMap(appendMap(p.buf[:0], pod.Labels), annotations)
	for _, o := range pod.OwnerReferences {
		b = appendString(appendString(appendString(b, o.Kind), o.Name), string(o.UID))
		b = appendString(append(b, flag(o.Controller)), o.APIVersion)
	}
	p.buf = b
	return p.metas.get(digestOf(b), func() *podMeta {
		m := &podMeta{labels: p.stringMap(pod.Labels), annotations: p.stringMap(annotations), owners: p.owners(pod.OwnerReferences)}
		for i := range m.owners {
			if c := m.owners[i].Controller; c != nil && *c {
				m.controller = m.owners[i].UID
			}
		}
		return m
	})
}

func (p *Pool) owners(in []metav1.OwnerReference) []metav1.OwnerReference {
	if len(in) == 0 {
		return nil
	}
	out := make([]metav1.OwnerReference, len(in))
	for i, o := range in {
		out[i] = metav1.OwnerReference{
			APIVersion: p.word(o.APIVersion), Kind: p.word(o.Kind), Name: p.word(o.Name), UID: o.UID, Controller: o.Controller,
		}
	}
	return out
}

// simplyTrue: nothing is worth keeping but since when. A time before 1970 is none.
func simplyTrue(c *corev1.PodCondition) bool {
	return c.Status == corev1.ConditionTrue && c.LastTransitionTime.After(time.Unix(0, 0))
}

// keptCondition: ready, placed (with the scheduler's reason when not), about to be disrupted. Whether a pod was initialised
// matters only while an init container is at work again.
func keptCondition(pod *corev1.Pod, t corev1.PodConditionType) bool {
	return t == corev1.PodReady || t == corev1.PodScheduled || t == corev1.DisruptionTarget || t == corev1.PodInitialized && initAgain(pod)
}

func (p *Pool) condition(c *corev1.PodCondition) corev1.PodCondition {
	t := corev1.PodCondition{
		Type: corev1.PodConditionType(p.word(string(c.Type))), Status: corev1.ConditionStatus(p.word(string(c.Status))),
		LastTransitionTime: c.LastTransitionTime,
	}
	if c.Status != corev1.ConditionTrue || c.Type == corev1.DisruptionTarget {
		t.Reason, t.Message = p.word(c.Reason), p.word(c.Message)
	}
	return t
}

// initAgain reports whether an init container is at work.
func initAgain(pod *corev1.Pod) bool {
	for _, status := range pod.Status.InitContainerStatuses {
		done := status.State.Terminated != nil && status.State.Terminated.ExitCode == 0
		if !done && !runsOn(pod, status.Name) {
			return true
		}
	}
	return false
}

// runsOn reports whether an init container is a sidecar.
func runsOn(pod *corev1.Pod, name string) bool {
	for i := range pod.Spec.InitContainers {
		if c := &pod.Spec.InitContainers[i]; c.Name == name {
			return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
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
