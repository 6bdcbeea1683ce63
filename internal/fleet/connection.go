package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"

	"kanrin.dev/kanrin/internal/fleet/kubeconfig"
	"kanrin.dev/kanrin/internal/fleet/reach"
	"kanrin.dev/kanrin/internal/fleet/trim"
)

// Connection is the one live connection to a managed cluster. It stays the same object when credentials or address
// change; Client, Config and everything handed out before go on working.
type Connection struct {
	// Name of the Cluster object.
	Name string
	// Client shares one request rate limit between all who use it.
	Client kubernetes.Interface
	// Config makes further clients of the same limit. Its Transport follows the credentials.
	Config *rest.Config

	settings  Configuration
	log       *slog.Logger
	watcher   kubernetes.Interface // for feeds and heartbeats: they must not queue behind a drain
	wire      *wire
	evictions *rate.Limiter
	pool      *trim.Pool
	pods      *PodIndex
	stores    map[string]*store
	feeds     []*feed
	hub       *hub
	budgets   budgetView
	gate      *gate
	poke      chan struct{} // asks for a heartbeat now

	mu       sync.Mutex
	subject  reach.Subject
	heard    time.Time // when the server last answered
	missed   time.Time // since when it does not, zero while it does; at first the time of creation
	problem  *reach.Error
	refused  *reach.Error // the credentials were replaced by some that cannot be used
	version  string
	uid      string // of namespace kube-system: which cluster it is
	told     toldState
	stop     context.CancelFunc // ends the feeds of the present credentials
	feeding  sync.WaitGroup
	beating  sync.WaitGroup
	ended    context.Context
	endedNow context.CancelFunc
}

// newConnection prepares a connection; nothing is sent before start.
func newConnection(name string, creds *kubeconfig.Credentials, settings Configuration, log *slog.Logger) (*Connection, error) {
	w, err := newWire(creds.Config)
	if err != nil {
		return nil, err
	}
	c := &Connection{
		Name: name, settings: settings, log: log, wire: w,
		Config: &rest.Config{
			Host: creds.Config.Host, Transport: w, UserAgent: settings.UserAgent,
			RateLimiter: flowcontrol.NewTokenBucketRateLimiter(settings.QPS, settings.Burst),
			ContentConfig: rest.ContentConfig{
				ContentType:        "application/vnd.kubernetes.protobuf",
				AcceptContentTypes: "application/vnd.kubernetes.protobuf,application/json",
			},
		},
		evictions: rate.NewLimiter(DefaultEvictionsPerSecond, 2*DefaultEvictionsPerSecond),
		pool:      trim.NewPool(), stores: map[string]*store{}, hub: newHub(time.Now()), gate: newGate(),
		poke: make(chan struct{}, 1), subject: reach.SubjectOf(name, creds), missed: time.Now(),
	}
	c.ended, c.endedNow = context.WithCancel(context.Background())
	if c.Client, err = kubernetes.NewForConfig(c.Config); err != nil {
		return nil, fmt.Errorf("preparing the client of cluster %s: %w", name, err)
	}
	quick := rest.CopyConfig(c.Config)
	quick.RateLimiter, quick.QPS = nil, -1
	if c.watcher, err = kubernetes.NewForConfig(quick); err != nil {
		return nil, fmt.Errorf("preparing the watching client of cluster %s: %w", name, err)
	}
	c.pods = newPodIndex(c.pool, func(placement bool) {
		c.hub.changed(AreaPods)
		if placement {
			c.hub.changed(AreaPlacement)
		}
	})
	for _, k := range kinds(c.watcher) {
		f := &feed{name: k.resource, area: k.area, source: k.source, gate: c.gate, notify: c.look, lost: c.hurry, limit: pageSize}
		if k.resource == "pods" {
			f.store = c.pods
		} else {
			s := newStore(c.pool, func() { c.hub.changed(k.area) })
			c.stores[k.resource], f.store = s, s
		}
		c.feeds = append(c.feeds, f)
	}
	return c, nil
}

// start begins to watch; close ends it.
func (c *Connection) start() {
	c.beating.Go(c.beat)
	c.feed()
}

// feed starts the feeds for the present credentials.
func (c *Connection) feed() {
	ctx, stop := context.WithCancel(c.ended)
	c.mu.Lock()
	c.stop = stop
	c.mu.Unlock()
	for _, f := range c.feeds {
		c.feeding.Go(func() { f.run(ctx) })
	}
}

// close ends everything and waits for it.
func (c *Connection) close() {
	c.endedNow()
	c.wire.line.Load().cut()
	c.beating.Wait()
	c.feeding.Wait()
}

// Done is closed when the cluster was removed from the fleet, or the fleet stops.
func (c *Connection) Done() <-chan struct{} { return c.ended.Done() }

// Ended reports whether Done is closed.
func (c *Connection) Ended() bool { return c.ended.Err() != nil }

// Evictions is the one rate limit of all evictions and deletions in this cluster.
func (c *Connection) Evictions() *rate.Limiter { return c.evictions }

// Subscribe returns a channel that is woken after objects of one of the areas changed (of any area when none is given). It
// holds one wake-up: who is woken reads everything anew and misses nothing. Call the function to end the subscription.
func (c *Connection) Subscribe(areas ...Area) (<-chan struct{}, func()) {
	return c.hub.subscribe(areas...)
}

// Revision grows whenever an object of the areas changed; it does not go back when Kanrin restarts.
func (c *Connection) Revision(areas ...Area) int64 { return c.hub.revision(areas...) }

// Version is the API server's gitVersion, empty before the first contact.
func (c *Connection) Version() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version
}

// UID is that of namespace kube-system, by which a cluster is recognised; empty when it could not be read.
func (c *Connection) UID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.uid
}

// WaitSynced returns when the caches hold the present state of the cluster and follow it. When the context ends first the
// error says what stands in the way.
func (c *Connection) WaitSynced(ctx context.Context) error {
	wake, cancel := c.Subscribe(AreaState)
	defer cancel()
	for {
		s := c.State()
		if s.Fresh {
			return nil
		}
		select {
		case <-wake:
		case <-c.ended.Done():
			return fmt.Errorf("cluster %s was removed or Kanrin is stopping", c.Name)
		case <-ctx.Done():
			if s.Problem != nil {
				return fmt.Errorf("reading cluster %s: %w", c.Name, s.Problem)
			}
			return fmt.Errorf("reading cluster %s: its objects have not arrived: %w", c.Name, context.Cause(ctx))
		}
	}
}
