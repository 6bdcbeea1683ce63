package trim

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/resource"
)

// Spec is the part of a pod's spec that does not differ between pods of one template, and what follows from it.
type Spec struct {
	part corev1.PodSpec
	// CPUMilli and MemoryBytes are what the scheduler reserves for such a pod: containers, sidecars, the largest init
	// container, overhead.
	CPUMilli, MemoryBytes int64
}

// podSpec keeps everything that the scheduler and a drain look at and nothing else.
func (p *Pool) podSpec(in *corev1.PodSpec) *Spec {
	t := corev1.PodSpec{
		Volumes:                       keptVolumes(in.Volumes),
		InitContainers:                containers(in.InitContainers),
		Containers:                    containers(in.Containers),
		RestartPolicy:                 in.RestartPolicy,
		TerminationGracePeriodSeconds: in.TerminationGracePeriodSeconds,
		NodeSelector:                  in.NodeSelector,
		HostNetwork:                   in.HostNetwork,
		Affinity:                      in.Affinity,
		SchedulerName:                 in.SchedulerName,
		Tolerations:                   in.Tolerations,
		PriorityClassName:             in.PriorityClassName,
		Priority:                      in.Priority,
		PreemptionPolicy:              in.PreemptionPolicy,
		Overhead:                      in.Overhead,
		TopologySpreadConstraints:     in.TopologySpreadConstraints,
		OS:                            in.OS,
		SchedulingGates:               in.SchedulingGates,
		ResourceClaims:                in.ResourceClaims,
		Resources:                     in.Resources,
		SchedulingGroup:               in.SchedulingGroup,
	}
	if n := t.Size(); cap(p.buf) < n {
		p.buf = make([]byte, n, 2*n)
	}
	buf := p.buf[:t.Size()]
	// The only error of a generated marshaller is a buffer that is too small.
	if _, err := t.MarshalToSizedBuffer(buf); err != nil {
		return NewSpec(t)
	}
	return p.specs.get(digestOf(buf), func() *Spec { return NewSpec(t) })
}

// NewSpec computes what follows from a spec.
func NewSpec(part corev1.PodSpec) *Spec {
	requests := resource.PodRequests(&corev1.Pod{Spec: part}, resource.PodResourcesOptions{})
	return &Spec{part: part, CPUMilli: requests.Cpu().MilliValue(), MemoryBytes: requests.Memory().Value()}
}

func containers(in []corev1.Container) []corev1.Container {
	if len(in) == 0 {
		return nil
	}
	out := make([]corev1.Container, len(in))
	for i := range in {
		c := &in[i]
		out[i] = corev1.Container{
			Name: c.Name, Image: c.Image, RestartPolicy: c.RestartPolicy,
			Resources: corev1.ResourceRequirements{Requests: c.Resources.Requests, Claims: c.Resources.Claims},
		}
		for _, port := range c.Ports {
			if port.HostPort != 0 {
				out[i].Ports = append(out[i].Ports, port)
			}
		}
	}
	return out
}

// keptVolumes drops those that bind a pod to nothing and hold no data of its own: configuration, secrets, tokens.
func keptVolumes(in []corev1.Volume) []corev1.Volume {
	var out []corev1.Volume
	for _, v := range in {
		if v.ConfigMap == nil && v.Secret == nil && v.Projected == nil && v.DownwardAPI == nil {
			out = append(out, v)
		}
	}
	return out
}
