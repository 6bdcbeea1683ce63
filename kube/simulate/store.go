package simulate

import (
	"fmt"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"

	"kanrin.dev/kanrin/kube/snapshot"
)

// object is what every Kubernetes object offers.
type object = snapshot.Object

// store is the API of one scenario, in memory. client-go's own object tracker is
// not used: it copies every object on every read, and panics when a watcher is
// 100 events behind, as it is whenever a few nodes are drained at once.
//
// Stored objects are shared with readers and never changed in place.
type store struct {
	mu      sync.Mutex
	version int64
	tables  map[schema.GroupVersionResource]*table
}

type table struct {
	order    []object
	objects  map[string]object
	watchers []*watcher
	// sent counts what the informer of this resource was given: the first list,
	// and the events since. Negative until it has listed.
	sent int
}

// newStore fills a store from the snapshot. change may return a changed copy, or
// nil to leave an object out.
func newStore(snap *snapshot.Snapshot, change func(object) object) *store {
	s := &store{version: snap.Version(), tables: map[schema.GroupVersionResource]*table{}}
	for _, k := range snapshot.Kinds {
		t := &table{objects: make(map[string]object, len(snap.Objects(k.Resource))), sent: -1}
		for _, o := range snap.Objects(k.Resource) {
			if o = change(o); o != nil {
				t.objects[snapshot.Key(o.GetNamespace(), o.GetName())] = o
				t.order = append(t.order, o)
			}
		}
		s.tables[k.Resource] = t
	}
	return s
}

// list returns the objects that the store began with, and opens the watch of
// what happens after. The store is listed once for each resource, before
// anything changes.
func (s *store) list(resource schema.GroupVersionResource) *metav1.List {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[resource]
	list := &metav1.List{ListMeta: metav1.ListMeta{ResourceVersion: strconv.FormatInt(s.version, 10)}}
	list.Items = make([]runtime.RawExtension, 0, len(t.objects))
	for _, o := range t.order {
		if current := t.objects[snapshot.Key(o.GetNamespace(), o.GetName())]; current != nil {
			list.Items = append(list.Items, runtime.RawExtension{Object: current})
		}
	}
	t.watchers = append(t.watchers, newWatcher())
	t.order, t.sent = nil, len(list.Items)
	return list
}

// watch returns the watch that list has opened.
func (s *store) watch(resource schema.GroupVersionResource) (watch.Interface, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[resource]
	if len(t.watchers) == 0 {
		return nil, fmt.Errorf("watching %s before listing them", resource.Resource)
	}
	return t.watchers[len(t.watchers)-1], nil
}

// sent says how many objects and events the informer of a resource was given;
// negative if it has not listed yet.
func (s *store) sent(resource schema.GroupVersionResource) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables[resource].sent
}

func (s *store) get(resource schema.GroupVersionResource, namespace, name string) (object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(resource, namespace, name)
}

func (s *store) find(resource schema.GroupVersionResource, namespace, name string) (object, error) {
	if t := s.tables[resource]; t != nil {
		if o := t.objects[snapshot.Key(namespace, name)]; o != nil {
			return o, nil
		}
	}
	return nil, apierrors.NewNotFound(resource.GroupResource(), name)
}

// put stores an object that the caller gives away, and returns it.
func (s *store) put(resource schema.GroupVersionResource, o object) object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set(resource, o)
}

// update replaces an object by a changed copy, in one step.
func (s *store) update(resource schema.GroupVersionResource, namespace, name string, change func(object) (object, error)) (object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := s.find(resource, namespace, name)
	if err != nil {
		return nil, err
	}
	changed, err := change(old.DeepCopyObject().(object))
	if err != nil {
		return nil, err
	}
	return s.set(resource, changed), nil
}

func (s *store) set(resource schema.GroupVersionResource, o object) object {
	t := s.tables[resource]
	name := snapshot.Key(o.GetNamespace(), o.GetName())
	s.version++
	o.SetResourceVersion(strconv.FormatInt(s.version, 10))
	event := watch.Modified
	if t.objects[name] == nil {
		event = watch.Added
	}
	t.objects[name] = o
	t.send(watch.Event{Type: event, Object: o})
	return o
}

// remove deletes an object and returns it, or nil if it was not there.
func (s *store) remove(resource schema.GroupVersionResource, namespace, name string) object {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[resource]
	o := t.objects[snapshot.Key(namespace, name)]
	if o == nil {
		return nil
	}
	delete(t.objects, snapshot.Key(namespace, name))
	s.version++
	gone := o.DeepCopyObject().(object)
	gone.SetResourceVersion(strconv.FormatInt(s.version, 10))
	t.send(watch.Event{Type: watch.Deleted, Object: gone})
	return o
}

func (t *table) send(e watch.Event) {
	if t.sent < 0 {
		return
	}
	t.sent++
	for _, w := range t.watchers {
		w.send(e)
	}
}

// close ends all watches.
func (s *store) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tables {
		for _, w := range t.watchers {
			w.Stop()
		}
	}
}

// latest is the resource version of the last change.
func (s *store) latest() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version
}

// unbound returns the pods that have no node.
func (s *store) unbound() []*corev1.Pod {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pods []*corev1.Pod
	for _, o := range s.tables[snapshot.Pods].objects {
		if pod := o.(*corev1.Pod); pod.Spec.NodeName == "" {
			pods = append(pods, pod)
		}
	}
	return pods
}
