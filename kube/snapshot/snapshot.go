package snapshot

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
	tables  map[schema.GroupVersionResource][]Object
	index   map[schema.GroupVersionResource]map[string]Object
	version int64
	// Nodes, Pods and Ignored count lines of the input.
	Nodes, Pods, Ignored int
}

func newSnapshot(lines []parsed) (*Snapshot, error) {
	s := &Snapshot{
		tables: map[schema.GroupVersionResource][]Object{},
		index:  map[schema.GroupVersionResource]map[string]Object{},
	}
	for _, k := range Kinds {
		s.index[k.Resource] = map[string]Object{}
	}
	for _, l := range lines {
		if l.kind == nil {
			s.Ignored++
			continue
		}
		name := Key(l.object.GetNamespace(), l.object.GetName())
		if s.index[l.kind.Resource][name] != nil {
			return nil, &InputError{l.line, fmt.Errorf("%s %s is there twice", l.kind.GVK.Kind, name)}
		}
		// Resource versions of our own, increasing as those of a real API: the
		// scheduler compares them to tell old from new.
		s.version++
		l.object.SetResourceVersion(strconv.FormatInt(s.version, 10))
		l.object.SetManagedFields(nil)
		if l.object.GetUID() == "" {
			l.object.SetUID(types.UID(l.kind.Resource.Resource + "/" + name))
		}
		s.index[l.kind.Resource][name] = l.object
		s.tables[l.kind.Resource] = append(s.tables[l.kind.Resource], l.object)
	}
	s.Nodes, s.Pods = len(s.tables[Nodes]), len(s.tables[Pods])
	s.completePods()
	return s, nil
}

// Version is the highest resource version of the objects.
func (s *Snapshot) Version() int64 { return s.version }

// Objects returns the objects of a resource in the order of the input.
func (s *Snapshot) Objects(resource schema.GroupVersionResource) []Object { return s.tables[resource] }

// Find returns an object, or nil.
func (s *Snapshot) Find(resource schema.GroupVersionResource, namespace, name string) Object {
	return s.index[resource][Key(namespace, name)]
}

func (s *Snapshot) has(resource schema.GroupVersionResource, namespace, name string) bool {
	return s.index[resource][Key(namespace, name)] != nil
}

// Pod returns a pod that is known to be there.
func (s *Snapshot) Pod(namespace, name string) *corev1.Pod {
	return s.index[Pods][Key(namespace, name)].(*corev1.Pod)
}

// completePods fills in what the API server's admission and defaults would have,
// for callers that trim their objects, and drops what scheduling never reads.
func (s *Snapshot) completePods() {
	for _, o := range s.tables[Pods] {
		pod := o.(*corev1.Pod)
		if pod.Spec.SchedulerName == "" {
			pod.Spec.SchedulerName = corev1.DefaultSchedulerName
		}
		if pod.Spec.Priority == nil {
			if class, ok := s.index[Priorities][pod.Spec.PriorityClassName].(*schedulingv1.PriorityClass); ok {
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
