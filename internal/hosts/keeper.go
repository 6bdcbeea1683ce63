package hosts

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// AreaHosts is the area of changes of hosts.
const AreaHosts = "hosts"

// KeeperConfiguration of a Keeper; zero values mean the defaults.
type KeeperConfiguration struct {
	Interval    time.Duration // between two looks at a host: 60 s
	Concurrency int           // of looks: 16
}

// KeeperDependencies of a Keeper.
type KeeperDependencies struct {
	Client client.WithWatch // of the management API
	Pool   *Pool
	// Note is told of every change of a host, for /kanrin/v1/changes; nil when nobody wants to know.
	Note func(cluster, area string, revision int64)
	// Addresses of a node as its Node object has them; nil when it is not known.
	Addresses func(cluster, node string) []corev1.NodeAddress
	Log       *slog.Logger
}

// Keeper follows the Host objects and, while it leads, keeps their status.
type Keeper struct {
	c        KeeperConfiguration
	d        KeeperDependencies
	informer cache.SharedIndexInformer
	revision atomic.Int64
	end      context.CancelFunc
	running  sync.WaitGroup
}

// NewKeeper prepares a keeper; nothing happens before Start.
func NewKeeper(c KeeperConfiguration, d KeeperDependencies) *Keeper {
	if c.Interval == 0 {
		c.Interval = time.Minute
	}
	if c.Concurrency == 0 {
		c.Concurrency = 16
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	k := &Keeper{c: c, d: d, informer: cache.NewSharedIndexInformer(listHosts(d.Client), &v1alpha1.Host{}, 0, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})}
	k.revision.Store(time.Now().UnixMilli())
	return k
}

// Start follows the hosts, on leaders and others.
func (k *Keeper) Start(context.Context) error {
	_, err := k.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: k.note, UpdateFunc: func(_, o any) { k.note(o) }, DeleteFunc: k.note,
	})
	if err != nil {
		return fmt.Errorf("following hosts: %w", err)
	}
	var ctx context.Context
	ctx, k.end = context.WithCancel(context.Background())
	k.running.Go(func() { k.informer.Run(ctx.Done()) })
	return nil
}

// Stop ends the following. Lead must have returned.
func (k *Keeper) Stop(context.Context) error {
	if k.end != nil {
		k.end()
		k.running.Wait()
	}
	return nil
}

func listHosts(c client.WithWatch) cache.ListerWatcher {
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			var l v1alpha1.HostList
			err := c.List(ctx, &l, &client.ListOptions{Raw: &o})
			return &l, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return c.Watch(ctx, &v1alpha1.HostList{}, &client.ListOptions{Raw: &o})
		},
	}, c)
}

// note spreads word of a change.
func (k *Keeper) note(o any) {
	if h := hostOf(o); h != nil && k.d.Note != nil {
		k.d.Note(h.Namespace, AreaHosts, k.revision.Add(1))
	}
}

func hostOf(o any) *v1alpha1.Host {
	if d, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = d.Obj
	}
	h, _ := o.(*v1alpha1.Host)
	return h
}

// Lead looks at every host once per interval, and at once when its spec changes, until ctx ends.
func (k *Keeper) Lead(ctx context.Context) {
	queue := workqueue.NewTyped[client.ObjectKey]()
	defer queue.ShutDown()
	registration, err := k.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) { queue.Add(client.ObjectKeyFromObject(o.(*v1alpha1.Host))) },
		UpdateFunc: func(old, o any) {
			if h := o.(*v1alpha1.Host); old.(*v1alpha1.Host).Generation != h.Generation {
				queue.Add(client.ObjectKeyFromObject(h))
			}
		},
	})
	if err != nil {
		k.d.Log.Error("hosts cannot be watched", "error", err) // only a stopped informer refuses handlers
		return
	}
	defer func() { _ = k.informer.RemoveEventHandler(registration) }() // it is there
	var workers sync.WaitGroup
	for range k.c.Concurrency {
		workers.Go(func() { k.work(ctx, queue) })
	}
	tick := time.NewTicker(k.c.Interval)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			for _, o := range k.informer.GetStore().List() {
				queue.Add(client.ObjectKeyFromObject(o.(*v1alpha1.Host)))
			}
		}
	}
	queue.ShutDown()
	workers.Wait()
}

func (k *Keeper) work(ctx context.Context, queue workqueue.TypedInterface[client.ObjectKey]) {
	for {
		key, shutdown := queue.Get()
		if shutdown {
			return
		}
		if ctx.Err() == nil {
			if _, err := k.Refresh(ctx, key.Namespace, key.Name); err != nil && ctx.Err() == nil && !apierrors.IsNotFound(err) {
				k.d.Log.Warn("the status of a host could not be kept", "cluster", key.Namespace, "host", key.Name, "error", err)
			}
		}
		queue.Done(key)
	}
}

// Refresh looks at a host now and returns it with its new status. That the machine cannot be used is no error: the status says so.
func (k *Keeper) Refresh(ctx context.Context, cluster, name string) (*v1alpha1.Host, error) {
	var h v1alpha1.Host
	key := client.ObjectKey{Namespace: cluster, Name: name}
	if err := k.d.Client.Get(ctx, key, &h); err != nil {
		return nil, fmt.Errorf("reading host %s: %w", name, err)
	}
	seen := k.d.Pool.look(ctx, &h)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// What was seen belongs to the spec that was looked at: a newer one is looked at anew.
	old := h.DeepCopy()
	if err := k.d.Client.Get(ctx, key, &h); err != nil {
		return nil, fmt.Errorf("reading host %s: %w", name, err)
	}
	if h.Generation != old.Generation || h.UID != old.UID {
		return &h, nil
	}
	before := h.DeepCopy()
	seen.apply(&h)
	if k.d.Addresses != nil && h.Spec.NodeName != "" {
		if addresses := k.d.Addresses(cluster, h.Spec.NodeName); addresses != nil {
			h.Status.Addresses = addresses
		}
	}
	if before.Status.State != h.Status.State {
		k.d.Log.Info("the state of a host has changed", "cluster", cluster, "host", name, "state", h.Status.State, "was", before.Status.State, "why", h.Status.Params["why"])
	}
	if err := k.d.Client.Status().Patch(ctx, &h, client.MergeFrom(before)); err != nil {
		return nil, fmt.Errorf("writing the status of host %s: %w", name, err)
	}
	return &h, nil
}
