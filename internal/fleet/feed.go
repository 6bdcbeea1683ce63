package fleet

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

const (
	// pageSize bounds what an API server that cannot stream sends at once.
	pageSize = 500
	// rollover is how long a feed may be between two watches and still count as current: servers end watches in their
	// normal course every few minutes.
	rollover = 2 * time.Second
)

// feed fills the cache of one kind and knows whether it is current.
type feed struct {
	name   string
	area   Area
	source source
	store  cache.TransformingStore
	gate   *gate
	notify func() // the state of the feed changed
	lost   func() // a watch ended
	limit  int64  // objects of a page

	mu      sync.Mutex
	synced  bool      // the store was filled since the feed was started
	open    bool      // a watch runs
	partial bool      // the running watch has not delivered the present state yet
	down    time.Time // since when no watch runs
	err     error     // why the last attempt failed
}

// source lists and watches one kind.
type source struct {
	expected runtime.Object
	list     func(context.Context, metav1.ListOptions) (runtime.Object, error)
	watch    func(context.Context, metav1.ListOptions) (watch.Interface, error)
}

func sourceOf[L runtime.Object](expected runtime.Object,
	list func(context.Context, metav1.ListOptions) (L, error),
	watch func(context.Context, metav1.ListOptions) (watch.Interface, error),
) source {
	return source{expected: expected, watch: watch, list: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
		return list(ctx, o)
	}}
}

// run lists and watches until the context ends.
func (f *feed) run(ctx context.Context) {
	f.mu.Lock()
	f.synced, f.open, f.partial, f.down, f.err = false, false, false, time.Now(), nil
	f.mu.Unlock()
	silent := logr.Discard() // what goes wrong is kept in err and told by the connection, once and not per kind
	r := cache.NewReflectorWithOptions(&cache.ListWatch{
		ListWithContextFunc: f.list, WatchFuncWithContext: f.watch,
	}, f.source.expected, &filling{f.store, f}, cache.ReflectorOptions{
		Name: f.name, Logger: &silent,
		Backoff: &wait.Backoff{Duration: 200 * time.Millisecond, Cap: 3 * time.Second, Steps: 10, Factor: 2, Jitter: 0.5},
	})
	r.RunWithContext(klog.NewContext(ctx, silent))
	f.closed()
}

// list answers page by page and trims each page before it asks for the next.
func (f *feed) list(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
	if err := f.gate.pass(ctx); err != nil {
		return nil, err
	}
	if o.Continue == "" {
		o.ResourceVersion, o.ResourceVersionMatch, o.Limit = "", "", f.limit
	}
	page, err := f.source.list(ctx, o)
	if err != nil {
		f.failed(err)
		return nil, err
	}
	trim := f.store.Transformer()
	return page, meta.EachListItem(page, func(o runtime.Object) error {
		trimmed, err := trim(o)
		if err != nil {
			return err
		}
		replace(o, trimmed)
		return nil
	})
}

func (f *feed) watch(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	if err := f.gate.pass(ctx); err != nil {
		return nil, err
	}
	w, err := f.source.watch(ctx, o)
	if err != nil {
		f.failed(err)
		return nil, err
	}
	f.mu.Lock()
	f.open, f.partial, f.err = true, o.SendInitialEvents != nil && *o.SendInitialEvents, nil
	f.mu.Unlock()
	f.notify()
	return &watching{w, f}, nil
}

func (f *feed) failed(err error) {
	if ctxEnded(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsResourceExpired(err) {
		return // the server cannot stream, or forgot the past: the reflector asks in another way
	}
	f.mu.Lock()
	f.err = err
	f.mu.Unlock()
	f.notify()
}

func ctxEnded(err error) bool { return errors.Is(err, context.Canceled) }

func (f *feed) filled() {
	f.mu.Lock()
	f.synced, f.partial, f.err = true, false, nil
	f.mu.Unlock()
	f.notify()
}

func (f *feed) closed() {
	f.mu.Lock()
	if f.open {
		f.open, f.down = false, time.Now()
	}
	f.mu.Unlock()
	f.notify()
	f.lost()
}

// status tells whether the cache was filled, since when it is not current (zero when it is), and why.
func (f *feed) status(now time.Time) (synced bool, stale time.Time, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !f.synced:
		return false, f.down, f.err
	case f.open && !f.partial, now.Sub(f.down) < rollover && f.err == nil:
		return true, time.Time{}, nil
	}
	return true, f.down, f.err
}

// following reports whether a watch runs on a cache that is filled.
func (f *feed) following() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.synced && f.open && !f.partial
}

// filling tells the feed when the reflector has replaced the content of the store.
type filling struct {
	cache.TransformingStore
	feed *feed
}

func (s *filling) Replace(list []any, version string) error {
	err := s.TransformingStore.Replace(list, version)
	if err == nil {
		s.feed.filled()
	}
	return err
}

// watching tells the feed when the reflector is done with a watch.
type watching struct {
	watch.Interface
	feed *feed
}

func (w *watching) Stop() {
	w.Interface.Stop()
	w.feed.closed()
}

// gate holds requests back while the server is not heard, and lets them go the moment it is.
type gate struct {
	mu   sync.Mutex
	open chan struct{} // closed while the gate is open
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

func (g *gate) set(open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
		if !open {
			g.open = make(chan struct{})
		}
	default:
		if open {
			close(g.open)
		}
	}
}

func (g *gate) pass(ctx context.Context) error {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	select {
	case <-open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
