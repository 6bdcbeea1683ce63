package inventory

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"kanrin.dev/kanrin/internal/disruption"
)

// podState is what kubectl get pods shows in the columns READY, STATUS and RESTARTS. The rules are those of the API server's
// table printer (pkg/printers/internalversion); a test compares both.
type podState struct {
	state                  string
	ready, total, restarts int32
}

func stateOf(p *corev1.Pod) podState {
	s := podState{state: string(p.Status.Phase), total: int32(len(p.Spec.Containers))}
	if p.Status.Reason != "" {
		s.state = p.Status.Reason
	}
	for i := range p.Status.Conditions {
		if c := &p.Status.Conditions[i]; c.Type == corev1.PodScheduled && c.Reason == corev1.PodReasonSchedulingGated {
			s.state = corev1.PodReasonSchedulingGated
		}
	}
	for i := range p.Spec.InitContainers {
		if sidecar(&p.Spec.InitContainers[i]) {
			s.total++
		}
	}
	initialized, ofSidecars := s.initContainers(p)
	if initialized || hasCondition(p, corev1.PodInitialized) {
		s.restarts = ofSidecars
		s.containers(p)
	}
	if p.DeletionTimestamp != nil {
		switch {
		case p.Status.Reason == "NodeLost":
			s.state = "Unknown"
		case p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed:
			s.state = "Terminating"
		}
	}
	return s
}

// initContainers reports whether all are done, and how often those that run on have been restarted.
func (s *podState) initContainers(p *corev1.Pod) (done bool, restarts int32) {
	for i := range p.Status.InitContainerStatuses {
		c := &p.Status.InitContainerStatuses[i]
		runsOn := false
		for j := range p.Spec.InitContainers {
			if p.Spec.InitContainers[j].Name == c.Name {
				runsOn = sidecar(&p.Spec.InitContainers[j])
			}
		}
		s.restarts += c.RestartCount
		if runsOn {
			restarts += c.RestartCount
		}
		ended, waiting := c.State.Terminated, c.State.Waiting
		switch {
		case ended != nil && ended.ExitCode == 0:
		case runsOn && c.Started != nil && *c.Started:
			if c.Ready {
				s.ready++
			}
		case ended != nil:
			s.state = "Init:" + endedState(ended)
			return false, restarts
		case waiting != nil && waiting.Reason != "" && waiting.Reason != "PodInitializing":
			s.state = "Init:" + waiting.Reason
			return false, restarts
		default:
			s.state = fmt.Sprintf("Init:%d/%d", i, len(p.Spec.InitContainers))
			return false, restarts
		}
	}
	return true, restarts
}

func (s *podState) containers(p *corev1.Pod) {
	running, failed := false, ""
	for i := len(p.Status.ContainerStatuses) - 1; i >= 0; i-- {
		c := &p.Status.ContainerStatuses[i]
		s.restarts += c.RestartCount
		switch {
		case c.State.Waiting != nil && c.State.Waiting.Reason != "":
			s.state = c.State.Waiting.Reason
		case c.State.Terminated != nil:
			s.state = endedState(c.State.Terminated)
			if c.State.Terminated.ExitCode != 0 {
				failed = s.state
			}
		case c.Ready && c.State.Running != nil:
			running = true
			s.ready++
		}
	}
	if s.state != "Completed" {
		return
	}
	switch {
	case running && disruption.Ready(p):
		s.state = "Running"
	case failed != "":
		s.state = failed
	case running:
		s.state = "NotReady"
	}
}

func endedState(t *corev1.ContainerStateTerminated) string {
	switch {
	case t.Reason != "":
		return t.Reason
	case t.Signal != 0:
		return fmt.Sprintf("Signal:%d", t.Signal)
	}
	return fmt.Sprintf("ExitCode:%d", t.ExitCode)
}

func sidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

func hasCondition(p *corev1.Pod, t corev1.PodConditionType) bool {
	for i := range p.Status.Conditions {
		if c := &p.Status.Conditions[i]; c.Type == t {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
