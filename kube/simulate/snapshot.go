package simulate

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Snapshot is a cluster at one moment. Its objects are never changed.
type Snapshot struct {
	tables  map[schema.GroupVersionResource][]object
	index   map[schema.GroupVersionResource]map[string]object
	version int64
	// Nodes, Pods and Ignored count lines of the input.
	Nodes, Pods, Ignored int
}

func newSnapshot(lines []parsed) (*Snapshot, error) {
	s := &Snapshot{
		tables: map[schema.GroupVersionResource][]object{},
		index:  map[schema.GroupVersionResource]map[string]object{},
	}
	for _, k := range kinds {
		s.index[k.resource] = map[string]object{}
	}
	for _, l := range lines {
		if l.kind == nil {
			s.Ignored++
			continue
		}
		name := key(l.object.GetNamespace(), l.object.GetName())
		if s.index[l.kind.resource][name] != nil {
			return nil, &InputError{l.line, fmt.Errorf("%s %s is there twice", l.kind.gvk.Kind, name)}
		}
		// Resource versions of our own, increasing as those of a real API: the
		// scheduler compares them to tell old from new.
		s.version++
		l.object.SetResourceVersion(strconv.FormatInt(s.version, 10))
		l.object.SetManagedFields(nil)
		if l.object.GetUID() == "" {
			l.object.SetUID(types.UID(l.kind.resource.Resource + "/" + name))
		}
		s.index[l.kind.resource][name] = l.object
		s.tables[l.kind.resource] = append(s.tables[l.kind.resource], l.object)
	}
	s.Nodes, s.Pods = len(s.tables[nodesResource]), len(s.tables[podsResource])
	s.completePods()
	return s, nil
}

func (s *Snapshot) has(resource schema.GroupVersionResource, namespace, name string) bool {
	return s.index[resource][key(namespace, name)] != nil
}

// pod returns a pod that is known to be there.
func (s *Snapshot) pod(namespace, name string) *corev1.Pod {
	return s.index[podsResource][key(namespace, name)].(*corev1.Pod)
}

// completePods fills in what the API server's admission and defaults would have,
// for callers that trim their objects, and drops what scheduling never reads.
func (s *Snapshot) completePods() {
	for _, o := range s.tables[podsResource] {
		pod := o.(*corev1.Pod)
		if pod.Spec.SchedulerName == "" {
			pod.Spec.SchedulerName = corev1.DefaultSchedulerName
		}
		if pod.Spec.Priority == nil {
			if class, ok := s.index[prioritiesRes][pod.Spec.PriorityClassName].(*schedulingv1.PriorityClass); ok {
				pod.Spec.Priority, pod.Spec.PreemptionPolicy = &class.Value, class.PreemptionPolicy
			}
		}
		if pod.Status.Phase == "" {
			pod.Status.Phase = corev1.PodPending
			if pod.Spec.NodeName != "" {
				pod.Status.Phase = corev1.PodRunning
			}
		}
		trimContainers(pod.Spec.InitContainers)
		trimContainers(pod.Spec.Containers)
		pod.Spec.EphemeralContainers = nil
		pod.Status.ContainerStatuses = trimStatuses(pod.Status.ContainerStatuses)
		pod.Status.InitContainerStatuses = trimStatuses(pod.Status.InitContainerStatuses)
	}
}

func trimContainers(containers []corev1.Container) {
	for i := range containers {
		c := &containers[i]
		*c = corev1.Container{
			Name: c.Name, Image: c.Image, Ports: c.Ports, Resources: c.Resources,
			RestartPolicy: c.RestartPolicy, ResizePolicy: c.ResizePolicy,
		}
	}
}

// trimStatuses keeps what counts while a pod is being resized in place.
func trimStatuses(statuses []corev1.ContainerStatus) []corev1.ContainerStatus {
	var kept []corev1.ContainerStatus
	for _, c := range statuses {
		if c.Resources != nil || len(c.AllocatedResources) > 0 {
			kept = append(kept, corev1.ContainerStatus{Name: c.Name, Resources: c.Resources, AllocatedResources: c.AllocatedResources})
		}
	}
	return kept
}

// finished reports whether a pod has ended and holds nothing any more.
func finished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}
