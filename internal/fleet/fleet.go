package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Dependencies of the fleet.
type Dependencies struct {
	// Management reads and writes Cluster objects and their Secrets; its scheme knows v1alpha1, core/v1, rbac/v1 and
	// coordination/v1.
	Management client.WithWatch
	Log        *slog.Logger
}

// Fleet keeps a connection to every managed cluster.
type Fleet struct {
	settings   Configuration
	management client.WithWatch
	log        *slog.Logger
	leader     atomic.Bool
	born       time.Time
	departed   atomic.Int64 // sum of the revisions of clusters that were removed, plus their number
	changes    *Changes
	examiners  []Examiner

	mu      sync.Mutex
	keepers map[string]*keeper
	listed  chan struct{} // closed when the clusters were read for the first time

	stop    context.CancelFunc
	running sync.WaitGroup
	once    sync.Once
}

// New returns a fleet that does nothing yet.
func New(c Configuration, d Dependencies) *Fleet {
	log := d.Log
	if log == nil {
		log = slog.Default()
	}
	return &Fleet{
		settings: c.withDefaults(), management: d.Management, log: log.With("component", "fleet"),
		born: time.Now(), changes: NewChanges(), keepers: map[string]*keeper{}, listed: make(chan struct{}),
	}
}

// Start begins to watch the clusters and returns when their list was read once, or the context ends.
func (f *Fleet) Start(ctx context.Context) error {
	if err := f.settings.Validate(); err != nil {
		return err
	}
	if f.management == nil {
		return fmt.Errorf("the fleet needs a client of the management API")
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	f.stop = stop
	f.running.Go(func() { f.watchClusters(running) })
	f.running.Go(func() { f.tidy(running) })
	select {
	case <-f.listed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("reading the registered clusters: %w", context.Cause(ctx))
	}
}

// Stop closes all connections and waits until nothing of the fleet runs any more, or the context ends.
func (f *Fleet) Stop(ctx context.Context) error {
	if f.stop == nil {
		return nil
	}
	f.stop()
	done := make(chan struct{})
	go func() {
		f.running.Wait()
		f.mu.Lock()
		all := slices.Collect(maps.Values(f.keepers))
		clear(f.keepers)
		f.mu.Unlock()
		for _, k := range all {
			k.stop()
		}
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopping the fleet: %w", context.Cause(ctx))
	}
}

// SetLeader says whether this process publishes what it sees; exactly one of several does.
func (f *Fleet) SetLeader(leader bool) {
	if f.leader.Swap(leader) == leader {
		return
	}
	for _, k := range f.all() {
		k.wake()
	}
}

// Connection returns the connection to a cluster, whether it can be reached or not (see Connection.State). The error is a
// NotFound status for a cluster that is not registered, and a *reach.Error for one whose kubeconfig cannot be used.
func (f *Fleet) Connection(cluster string) (*Connection, error) {
	k, err := f.keeper(cluster)
	if err != nil {
		return nil, err
	}
	return k.connection()
}

// Cluster returns the Cluster object as last read, with the status that this process sees now.
func (f *Fleet) Cluster(name string) (*v1alpha1.Cluster, error) {
	k, err := f.keeper(name)
	if err != nil {
		return nil, err
	}
	return k.seen(), nil
}

// Clusters returns all clusters as Cluster does, by name.
func (f *Fleet) Clusters() []*v1alpha1.Cluster {
	var out []*v1alpha1.Cluster
	for _, k := range f.all() {
		out = append(out, k.seen())
	}
	return out
}

func (f *Fleet) keeper(cluster string) (*keeper, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k, ok := f.keepers[cluster]
	if !ok {
		return nil, apierrors.NewNotFound(v1alpha1.Resource("clusters"), cluster)
	}
	return k, nil
}

func (f *Fleet) all() []*keeper {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]*keeper, 0, len(f.keepers))
	for _, name := range slices.Sorted(maps.Keys(f.keepers)) {
		out = append(out, f.keepers[name])
	}
	return out
}

// keep takes note of a Cluster object, new or changed.
func (f *Fleet) keep(c *v1alpha1.Cluster) {
	if c.Namespace != c.Name {
		f.log.Warn("a Cluster is ignored: its namespace must have its name", "namespace", c.Namespace, "name", c.Name)
		return
	}
	c = c.DeepCopy()
	c.ManagedFields = nil
	f.mu.Lock()
	k, ok := f.keepers[c.Name]
	if ok && k.uid != c.UID {
		// Removed and registered again while the watch was down.
		f.mu.Unlock()
		f.drop(c.Name)
		f.mu.Lock()
		ok = false
	}
	if !ok {
		k = newKeeper(f, c)
		f.keepers[c.Name] = k
		k.start()
	}
	f.mu.Unlock()
	k.update(c)
	f.changes.Note(c.Name, "clusters", k.revision())
}

func (f *Fleet) drop(name string) {
	f.mu.Lock()
	k, ok := f.keepers[name]
	delete(f.keepers, name)
	f.mu.Unlock()
	if ok {
		k.stop()
		f.departed.Add(k.revision() + 1)
		f.changes.Note(name, "clusters", k.revision()+1)
	}
}

// Revision grows whenever the row of any cluster may have changed.
func (f *Fleet) Revision() int64 {
	revision := f.departed.Load()
	for _, k := range f.all() {
		revision += k.revision()
	}
	return revision
}
