package inventory

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/httpapi"
)

// Configuration of the views.
type Configuration struct{}

// Validate says what is wrong with the configuration.
func (Configuration) Validate() error { return nil }

// Authorizer asks the management API's RBAC (group kanrin.dev); an empty cluster means all.
type Authorizer interface {
	Allowed(ctx context.Context, caller httpapi.Caller, verb, resource, cluster string) (bool, error)
}

// Dependencies of the views.
type Dependencies struct {
	Fleet      *fleet.Fleet
	Management client.WithWatch
	Authorizer Authorizer
	// Simulator plays the loss of zones; without it capacity says nothing of who stays pending.
	Simulator Simulator
	// Disk tells how much room the data directory has, and whether operations are held back for lack of it. Optional.
	Disk func() (freeBytes int64, full bool)
	Log  *slog.Logger
}

// Inventory serves the views.
type Inventory struct {
	fleet      *fleet.Fleet
	authorizer Authorizer
	disk       func() (int64, bool)
	log        *slog.Logger
	memory     *memory
	operations *operations
	sizing     *sizing

	stop    context.CancelFunc
	running sync.WaitGroup
}

// New returns views that are not fed yet. It adds an examiner to the fleet, so it must be called before the fleet starts.
func New(_ Configuration, d Dependencies) *Inventory {
	log := d.Log
	if log == nil {
		log = slog.Default()
	}
	m := &memory{}
	i := &Inventory{
		fleet: d.Fleet, authorizer: d.Authorizer, disk: d.Disk, log: log.With("component", "inventory"), memory: m,
		operations: newOperations(d.Management),
	}
	i.sizing = newSizing(d.Simulator, m, i.log)
	if d.Simulator != nil {
		d.Fleet.AddExaminer(i.sizing)
	}
	return i
}

// Start begins to follow operations and returns when they were read once, or the context ends.
func (i *Inventory) Start(ctx context.Context) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	i.stop = stop
	i.running.Go(func() { i.operations.run(running) })
	i.running.Go(func() { i.forget(running) })
	select {
	case <-i.operations.read:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("reading the operations: %w", context.Cause(ctx))
	}
}

// Stop ends what Start has begun.
func (i *Inventory) Stop(ctx context.Context) error {
	if i.stop != nil {
		i.stop()
	}
	done := make(chan struct{})
	go func() {
		i.sizing.stop()
		i.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopping the views: %w", context.Cause(ctx))
	}
}

// forget lets go of what is remembered of clusters that were removed, until the context ends.
func (i *Inventory) forget(ctx context.Context) {
	changes, cancel := i.fleet.Subscribe()
	defer cancel()
	for {
		select {
		case c := <-changes:
			if c.Area == "clusters" {
				i.memory.forget()
				i.sizing.forget()
			}
		case <-ctx.Done():
			return
		}
	}
}

// Subscribe tells of changes of operations (area operations), as fleet.Fleet.Subscribe does of everything else.
func (i *Inventory) Subscribe() (<-chan inventory.Change, func()) {
	return i.operations.changes.Subscribe()
}
