package simulate

import (
	"context"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"kanrin.dev/kanrin/kube/snapshot"
)

// informerSet is the scheduler's informers, each of which counts what its
// handlers have dealt with. Comparing that with what the store has sent is how
// one knows that the scheduler has seen everything.
type informerSet struct {
	factory informers.SharedInformerFactory
	counted []*countedInformer
	store   *store
}

// newInformerSet replaces the factory's informers of every known kind by ones
// that read the store directly. Other kinds keep the factory's own, which find
// nothing. changed is called whenever a handler has dealt with something.
func newInformerSet(s *store, client kubernetes.Interface, changed func()) *informerSet {
	set := &informerSet{factory: informers.NewSharedInformerFactory(client, 0), store: s}
	for _, k := range snapshot.Kinds {
		if k.Resource == snapshot.Priorities {
			continue // only the loader reads these
		}
		lister := cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
			ListWithContextFunc: func(context.Context, metav1.ListOptions) (runtime.Object, error) {
				return s.list(k.Resource), nil
			},
			WatchFuncWithContext: func(context.Context, metav1.ListOptions) (watch.Interface, error) {
				return s.watch(k.Resource)
			},
		}, client)
		set.factory.InformerFor(k.New(), func(kubernetes.Interface, time.Duration) cache.SharedIndexInformer {
			indexers := cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}
			c := &countedInformer{
				SharedIndexInformer: cache.NewSharedIndexInformer(lister, k.New(), 0, indexers),
				resource:            k.Resource, changed: changed,
			}
			set.counted = append(set.counted, c)
			return c
		})
	}
	return set
}

// caughtUp reports whether every handler has dealt with everything that the
// store has sent.
func (s *informerSet) caughtUp() bool {
	for _, c := range s.counted {
		sent := s.store.sent(c.resource)
		if sent < 0 || !c.HasSynced() {
			return false
		}
		for _, h := range c.handlers {
			if int(h.handled.Load()) < sent {
				return false
			}
		}
	}
	return true
}

// countedInformer wraps the handlers that are added to an informer. All are
// added before the informers start.
type countedInformer struct {
	cache.SharedIndexInformer
	resource schema.GroupVersionResource
	handlers []*countedHandler
	changed  func()
}

func (c *countedInformer) count(h cache.ResourceEventHandler) cache.ResourceEventHandler {
	counted := &countedHandler{ResourceEventHandler: h, changed: c.changed}
	c.handlers = append(c.handlers, counted)
	return counted
}

func (c *countedInformer) AddEventHandler(h cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error) {
	return c.SharedIndexInformer.AddEventHandler(c.count(h))
}

func (c *countedInformer) AddEventHandlerWithResyncPeriod(h cache.ResourceEventHandler, resync time.Duration) (cache.ResourceEventHandlerRegistration, error) {
	return c.SharedIndexInformer.AddEventHandlerWithResyncPeriod(c.count(h), resync)
}

func (c *countedInformer) AddEventHandlerWithOptions(h cache.ResourceEventHandler, o cache.HandlerOptions) (cache.ResourceEventHandlerRegistration, error) {
	return c.SharedIndexInformer.AddEventHandlerWithOptions(c.count(h), o)
}

type countedHandler struct {
	cache.ResourceEventHandler
	handled atomic.Int64
	changed func()
}

func (h *countedHandler) done() {
	h.handled.Add(1)
	h.changed()
}

func (h *countedHandler) OnAdd(o any, initial bool) {
	defer h.done()
	h.ResourceEventHandler.OnAdd(o, initial)
}

func (h *countedHandler) OnUpdate(before, after any) {
	defer h.done()
	h.ResourceEventHandler.OnUpdate(before, after)
}

func (h *countedHandler) OnDelete(o any) {
	defer h.done()
	h.ResourceEventHandler.OnDelete(o)
}
