package trim

import (
	corev1 "k8s.io/api/core/v1"
)

// podState is what of a status does not differ between pods that do well: nearly all pods of a template run, are ready and
// were never restarted.
type podState struct {
	phase            corev1.PodPhase
	reason           string
	qos              corev1.PodQOSClass
	containers, init []corev1.ContainerStatus
}

func (p *Pool) podState(in *corev1.PodStatus, spec *corev1.PodSpec) *podState {
	t := corev1.PodStatus{
		Phase: in.Phase, Reason: in.Reason, QOSClass: in.QOSClass,
		ContainerStatuses:     p.containerStatuses(in.ContainerStatuses, spec.Containers),
		InitContainerStatuses: p.containerStatuses(in.InitContainerStatuses, spec.InitContainers),
	}
	made := func() *podState {
		return &podState{
			phase: corev1.PodPhase(p.word(string(t.Phase))), reason: p.word(t.Reason), qos: corev1.PodQOSClass(p.word(string(t.QOSClass))),
			containers: t.ContainerStatuses, init: t.InitContainerStatuses,
		}
	}
	if n := t.Size(); cap(p.buf) < n {
		p.buf = make([]byte, n, 2*n)
	}
	buf := p.buf[:t.Size()]
	if _, err := t.MarshalToSizedBuffer(buf); err != nil {
		return made()
	}
	return p.states.get(digestOf(buf), made)
}

func (p *Pool) containerStatuses(in []corev1.ContainerStatus, specs []corev1.Container) []corev1.ContainerStatus {
	if len(in) == 0 {
		return nil
	}
	out := make([]corev1.ContainerStatus, len(in))
	for i := range in {
		c := &in[i]
		out[i] = corev1.ContainerStatus{
			Name: p.word(c.Name), Ready: c.Ready, Started: c.Started, RestartCount: c.RestartCount,
			State:                p.containerState(c.State),
			LastTerminationState: p.containerState(c.LastTerminationState),
		}
		// The scheduler counts what a container was given while it is being resized; otherwise that is what it asked for.
		if asked, ok := requestsOf(specs, c.Name); ok && !equal(asked, c.AllocatedResources) {
			out[i].AllocatedResources, out[i].Resources = c.AllocatedResources, c.Resources
		}
	}
	return out
}

func (p *Pool) containerState(in corev1.ContainerState) corev1.ContainerState {
	switch {
	case in.Waiting != nil:
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
			Reason: p.word(in.Waiting.Reason), Message: p.word(in.Waiting.Message),
		}}
	case in.Terminated != nil:
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			Reason: p.word(in.Terminated.Reason), ExitCode: in.Terminated.ExitCode, Signal: in.Terminated.Signal,
		}}
	case in.Running != nil:
		return corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	}
	return corev1.ContainerState{}
}

func requestsOf(specs []corev1.Container, name string) (corev1.ResourceList, bool) {
	for i := range specs {
		if specs[i].Name == name {
			return specs[i].Resources.Requests, true
		}
	}
	return nil, false
}

func equal(a, b corev1.ResourceList) bool {
	if len(b) == 0 {
		return true // not reported: nothing differs
	}
	if len(a) != len(b) {
		return false
	}
	for name, x := range a {
		if y, ok := b[name]; !ok || x.Cmp(y) != 0 {
			return false
		}
	}
	return true
}
