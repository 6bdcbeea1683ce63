package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/plan"
)

// Configuration of a Controller; zero values mean the defaults.
type Configuration struct {
	// ApprovalTimeout is how long a plan waits for its approval (24 h).
	ApprovalTimeout time.Duration
	// KeepOperations is how many finished operations a cluster keeps (200), and KeepFor how long at most (90 days).
	KeepOperations int
	KeepFor        time.Duration
	// Planners is how many plans are made at the same time (2).
	Planners int
}

func (c Configuration) withDefaults() Configuration {
	if c.ApprovalTimeout == 0 {
		c.ApprovalTimeout = 24 * time.Hour
	}
	if c.KeepOperations == 0 {
		c.KeepOperations = 200
	}
	if c.KeepFor == 0 {
		c.KeepFor = 90 * 24 * time.Hour
	}
	if c.Planners == 0 {
		c.Planners = 2
	}
	return c
}

// Dependencies of a Controller.
type Dependencies struct {
	// Client speaks to the management API without a cache, as Kanrin itself.
	Client   client.WithWatch
	Registry *plan.Registry
	// Identity of this process in what it writes.
	Identity string
	// Held returns a phase reason while operations are held back, such as DiskFull.
	Held func() string
	Log  *slog.Logger
}

// Controller of operations.
type Controller struct {
	c Configuration
	d Dependencies
}

// New prepares a controller; nothing happens before Lead.
func New(c Configuration, d Dependencies) *Controller {
	return &Controller{c: c.withDefaults(), d: d}
}

// term is the work of one term of leadership.
type term struct {
	*Controller
	fence    plan.Fence
	store    plan.Store
	informer cache.SharedIndexInformer
	queue    workqueue.TypedRateLimitingInterface[client.ObjectKey]

	mu      sync.Mutex
	running map[client.ObjectKey]*control
	workers sync.WaitGroup
}

// Lead does the work of a leader until ctx ends, which it does when leadership is lost. It returns when everything it began has stopped.
func (x *Controller) Lead(ctx context.Context, fence plan.Fence) {
	t := &term{
		Controller: x, fence: fence, store: plan.APIStore{Client: x.d.Client}, running: map[client.ObjectKey]*control{},
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[client.ObjectKey](500*time.Millisecond, 15*time.Second)),
	}
	t.informer = cache.NewSharedIndexInformer(listOperations(x.d.Client), &v1alpha1.Operation{}, 0, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	_, err := t.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { t.seen(o.(*v1alpha1.Operation)) },
		UpdateFunc: func(_, o any) { t.seen(o.(*v1alpha1.Operation)) },
		DeleteFunc: t.deleted,
	})
	if err != nil {
		x.d.Log.Error("operations cannot be watched", "error", err) // only a stopped informer refuses handlers
		return
	}
	x.d.Log.Info("leading", "epoch", fence.Epoch(), "identity", x.d.Identity)
	var group sync.WaitGroup
	group.Go(func() { t.informer.Run(ctx.Done()) })
	if cache.WaitForCacheSync(ctx.Done(), t.informer.HasSynced) {
		for range x.c.Planners {
			group.Go(func() { t.work(ctx) })
		}
		group.Go(func() { t.sweepUntil(ctx) })
	}
	<-ctx.Done()
	t.queue.ShutDown()
	group.Wait()
	t.workers.Wait()
	x.d.Log.Info("no longer leading", "epoch", fence.Epoch())
}

func listOperations(c client.WithWatch) cache.ListerWatcher {
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			var l v1alpha1.OperationList
			err := c.List(ctx, &l, &client.ListOptions{Raw: &o})
			return &l, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return c.Watch(ctx, &v1alpha1.OperationList{}, &client.ListOptions{Raw: &o})
		},
	}, c)
}

func (t *term) seen(op *v1alpha1.Operation) {
	key := client.ObjectKeyFromObject(op)
	t.mu.Lock()
	if c := t.running[key]; c != nil {
		c.observe(op)
	}
	t.mu.Unlock()
	t.queue.Add(key)
}

func (t *term) deleted(o any) {
	if d, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = d.Obj
	}
	if op, ok := o.(*v1alpha1.Operation); ok {
		op = op.DeepCopy()
		op.Spec.Cancelled = true // whoever deletes an operation at work wants it ended; the executor then finds its object gone
		op.Generation++
		t.seen(op)
	}
}

func (t *term) work(ctx context.Context) {
	for {
		key, shutdown := t.queue.Get()
		if shutdown {
			return
		}
		again, err := t.reconcile(ctx, key)
		switch {
		case err != nil && ctx.Err() == nil:
			if !apierrors.IsConflict(err) {
				t.d.Log.Warn("operation could not be moved on", "operation", key, "error", err)
			}
			t.queue.AddRateLimited(key)
		case again > 0:
			t.queue.Forget(key)
			t.queue.AddAfter(key, again)
		default:
			t.queue.Forget(key)
		}
		t.queue.Done(key)
	}
}

// reconcile moves one operation on, and says when to look again without being told.
func (t *term) reconcile(ctx context.Context, key client.ObjectKey) (time.Duration, error) {
	// A live read: decisions about approvals do not rest on a cache.
	op, err := t.store.Get(ctx, key)
	if apierrors.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading operation: %w", err)
	}
	switch op.Status.Phase {
	case "", v1alpha1.PhasePending:
		return t.makePlan(ctx, op)
	case v1alpha1.PhasePlanned:
		return t.await(ctx, op)
	case v1alpha1.PhaseRunning, v1alpha1.PhasePaused, v1alpha1.PhaseCancelling:
		t.carryOut(ctx, op)
		return 0, nil
	}
	return 0, plan.Unlock(ctx, t.d.Client, op)
}

// claim takes the operation's status for this term.
func (t *term) claim(ctx context.Context, op *v1alpha1.Operation) (*plan.Journal, error) {
	return plan.Claim(ctx, t.store, t.fence, t.d.Identity, client.ObjectKeyFromObject(op))
}

func (t *term) held() string {
	if t.d.Held == nil {
		return ""
	}
	return t.d.Held()
}

// carryOut makes sure that one goroutine is at work on the operation.
func (t *term) carryOut(ctx context.Context, op *v1alpha1.Operation) {
	key := client.ObjectKeyFromObject(op)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running[key] != nil {
		return
	}
	c := newControl(t.d.Client, op)
	t.running[key] = c
	x := &plan.Executor{Store: t.store, Registry: t.d.Registry, Fence: t.fence, Identity: t.d.Identity, Held: t.d.Held, Log: t.d.Log}
	t.workers.Go(func() {
		err := x.Execute(ctx, key, c)
		t.mu.Lock()
		delete(t.running, key)
		t.mu.Unlock()
		switch {
		case err == nil, ctx.Err() != nil:
		case errors.Is(err, plan.ErrFenced):
			t.d.Log.Warn("operation given up: the right to act is lost", "operation", key, "error", err)
		default:
			t.d.Log.Warn("operation stopped", "operation", key, "error", err)
		}
		t.queue.AddRateLimited(key) // to unlock, or to try again
	})
}
