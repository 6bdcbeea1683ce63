package fleet

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"kanrin.dev/kanrin/internal/fleet/trim"
)

// PodIndex holds the trimmed pods of a cluster, by name, node and controller. Pods are made when they are asked for; their
// maps and slices are shared and read-only. It is safe for concurrent use.
type PodIndex struct {
	pool    *trim.Pool
	changed func(placement bool)

	mu      sync.RWMutex
	pods    map[podKey]*trim.Pod
	byNode  map[string][]*trim.Pod
	byOwner map[types.UID][]*trim.Pod
}

type podKey struct{ namespace, name string }

func newPodIndex(pool *trim.Pool, changed func(placement bool)) *PodIndex {
	x := &PodIndex{pool: pool, changed: changed}
	x.reset(0)
	return x
}

func (x *PodIndex) reset(size int) {
	x.pods = make(map[podKey]*trim.Pod, size)
	x.byNode = map[string][]*trim.Pod{}
	x.byOwner = map[types.UID][]*trim.Pod{}
}

// Get returns a pod, or false when there is none of that name.
func (x *PodIndex) Get(namespace, name string) (*corev1.Pod, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	p, ok := x.pods[podKey{namespace, name}]
	if !ok {
		return nil, false
	}
	return p.Object(), true
}

// Len is the number of pods.
func (x *PodIndex) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.pods)
}

// List returns all pods in no order.
func (x *PodIndex) List() []*corev1.Pod {
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := make([]*corev1.Pod, 0, len(x.pods))
	for _, p := range x.pods {
		out = append(out, p.Object())
	}
	return out
}

// ByNode returns the pods bound to a node, "" being those bound to none.
func (x *PodIndex) ByNode(node string) []*corev1.Pod { return x.copyOf(x.byNode, node) }

// ByOwner returns the pods whose controller has the given UID.
func (x *PodIndex) ByOwner(uid types.UID) []*corev1.Pod {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return unwrap(x.byOwner[uid])
}

func (x *PodIndex) copyOf(index map[string][]*trim.Pod, key string) []*corev1.Pod {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return unwrap(index[key])
}

func unwrap(in []*trim.Pod) []*corev1.Pod {
	out := make([]*corev1.Pod, len(in))
	for i, p := range in {
		out[i] = p.Object()
	}
	return out
}

// Each calls f for every pod, until f returns false. The pod is overwritten for the next call; what is to be kept is the
// record. f must not call the index.
func (x *PodIndex) Each(f func(pod *corev1.Pod, record *trim.Pod) bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var pod corev1.Pod
	for _, p := range x.pods {
		p.Into(&pod)
		if !f(&pod, p) {
			return
		}
	}
}

// Records returns all pods as they are kept, in no order.
func (x *PodIndex) Records() []*trim.Pod {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Collect(maps.Values(x.pods))
}

// RecordsOn returns the pods bound to a node as they are kept.
func (x *PodIndex) RecordsOn(node string) []*trim.Pod {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Clone(x.byNode[node])
}

// Requests returns what the scheduler reserves for a pod of this index.
func (x *PodIndex) Requests(pod *corev1.Pod) *trim.Spec {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if p, ok := x.pods[podKey{pod.Namespace, pod.Name}]; ok {
		return p.Spec()
	}
	return trim.NewSpec(pod.Spec)
}

// The rest is the store that a reflector fills.

// Transformer trims pods while they stream in, so that the whole of them is never in memory.
func (x *PodIndex) Transformer() cache.TransformFunc {
	return func(o any) (any, error) { return x.trimmed(o) }
}

func (x *PodIndex) trimmed(o any) (*trim.Pod, error) {
	switch o := o.(type) {
	case *trim.Pod:
		return o, nil
	case *corev1.Pod:
		return x.pool.Pod(o), nil
	}
	return nil, fmt.Errorf("a pod was expected, not %T", o)
}

// Add implements cache.ReflectorStore.
func (x *PodIndex) Add(o any) error { return x.Update(o) }

// Update implements cache.ReflectorStore.
func (x *PodIndex) Update(o any) error {
	p, err := x.trimmed(o)
	if err != nil {
		return err
	}
	x.mu.Lock()
	before := x.remove(podKey{p.Namespace(), p.Name()})
	x.insert(p)
	x.mu.Unlock()
	x.changed(before == nil || before.Moved(p))
	return nil
}

// Delete implements cache.ReflectorStore.
func (x *PodIndex) Delete(o any) error {
	m, ok := o.(metav1.Object)
	if !ok {
		return fmt.Errorf("a pod was expected, not %T", o)
	}
	x.mu.Lock()
	x.remove(podKey{m.GetNamespace(), m.GetName()})
	x.mu.Unlock()
	x.changed(true)
	return nil
}

// Replace implements cache.ReflectorStore.
func (x *PodIndex) Replace(list []any, _ string) error {
	pods := make([]*trim.Pod, len(list))
	for i, o := range list {
		p, err := x.trimmed(o)
		if err != nil {
			return err
		}
		pods[i], list[i] = p, nil
	}
	x.mu.Lock()
	x.reset(len(pods))
	for _, p := range pods {
		x.insert(p)
	}
	x.mu.Unlock()
	x.changed(true)
	return nil
}

// Resync implements cache.ReflectorStore.
func (x *PodIndex) Resync() error { return nil }

func (x *PodIndex) insert(p *trim.Pod) {
	x.pods[podKey{p.Namespace(), p.Name()}] = p
	x.byNode[p.Node()] = append(x.byNode[p.Node()], p)
	if uid := p.Controller(); uid != "" {
		x.byOwner[uid] = append(x.byOwner[uid], p)
	}
}

func (x *PodIndex) remove(k podKey) *trim.Pod {
	p, ok := x.pods[k]
	if !ok {
		return nil
	}
	delete(x.pods, k)
	drop(x.byNode, p.Node(), p)
	if uid := p.Controller(); uid != "" {
		drop(x.byOwner, uid, p)
	}
	return p
}

func drop[K comparable](index map[K][]*trim.Pod, key K, p *trim.Pod) {
	list := index[key]
	i := slices.Index(list, p)
	if i < 0 {
		return
	}
	last := len(list) - 1
	list[i], list[last] = list[last], nil
	if last == 0 {
		delete(index, key)
		return
	}
	index[key] = list[:last]
}
