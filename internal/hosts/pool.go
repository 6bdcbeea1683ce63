package hosts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Pool holds the connections to the machines of all clusters: one per machine, made when first needed and closed when idle.
type Pool struct {
	client  client.Client
	dataDir string
	log     *slog.Logger
	limits  Limits
	dialing chan struct{}

	ended   context.Context
	end     context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	entries map[string]*entry
}

// entry is a connection or the attempt to make one.
type entry struct {
	identity [32]byte
	ready    chan struct{} // closed when conn or err is set
	conn     *connection
	err      error
}

// New makes a pool. Close it.
func New(o Options) *Pool {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	limits := o.Limits.complete()
	p := &Pool{
		client: o.Client, dataDir: o.DataDir, log: o.Log, limits: limits,
		dialing: make(chan struct{}, limits.Dials), entries: map[string]*entry{},
	}
	p.ended, p.end = context.WithCancel(context.Background())
	return p
}

// Close ends all connections; what runs over them fails.
func (p *Pool) Close() {
	p.end()
	p.running.Wait()
}

// ErrClosed is the error of a pool that was closed.
var ErrClosed = errors.New("the connections to machines are closed: Kanrin is stopping")

// Hosts of a cluster, by name.
func (p *Pool) Hosts(ctx context.Context, cluster string) ([]v1alpha1.Host, error) {
	var list v1alpha1.HostList
	if err := p.client.List(ctx, &list, client.InNamespace(cluster)); err != nil {
		return nil, fmt.Errorf("listing the hosts of %s: %w", cluster, err)
	}
	slices.SortFunc(list.Items, func(a, b v1alpha1.Host) int { return strings.Compare(a.Name, b.Name) })
	return list.Items, nil
}

// Machine reads the Host and its key. It does not connect yet. The error is an *Error when the Host says too little (no pinned
// key, no usable private key), and that of the management API else.
func (p *Pool) Machine(ctx context.Context, cluster, host string) (*Machine, error) {
	var h v1alpha1.Host
	if err := p.client.Get(ctx, client.ObjectKey{Namespace: cluster, Name: host}, &h); err != nil {
		return nil, fmt.Errorf("reading host %s: %w", host, err)
	}
	return p.machine(ctx, &h)
}

func (p *Pool) machine(ctx context.Context, h *v1alpha1.Host) (*Machine, error) {
	t, err := targetOf(ctx, p.client, h)
	if err != nil {
		return nil, err
	}
	return &Machine{Name: h.Name, Address: h.Spec.Address, Spec: h.Spec, pool: p, target: t}, nil
}

// acquire returns a live connection, dialling if there is none. The dial goes on if ctx ends: others may wait for it.
func (p *Pool) acquire(ctx context.Context, t *target) (*connection, error) {
	e := p.entry(t)
	if e == nil {
		return nil, ErrClosed
	}
	select {
	case <-e.ready:
		return e.conn, e.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *Pool) entry(t *target) *entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended.Err() != nil {
		return nil
	}
	e := p.entries[t.key()]
	if e != nil && e.identity == t.identity && e.usable() {
		return e
	}
	// A connection of another identity stays until what runs over it has ended: it closes itself when idle.
	e = &entry{identity: t.identity, ready: make(chan struct{})}
	p.entries[t.key()] = e
	p.running.Go(func() { p.fill(e, t) })
	return e
}

// usable reports whether the attempt is under way or the connection lives.
func (e *entry) usable() bool {
	select {
	case <-e.ready:
		return e.err == nil && e.conn.alive()
	default:
		return true
	}
}

// fill dials and, when that worked, looks after the connection until it ends.
func (p *Pool) fill(e *entry, t *target) {
	select {
	case p.dialing <- struct{}{}:
		e.conn, e.err = dial(p.ended, t, p.limits)
		<-p.dialing
	case <-p.ended.Done():
		e.err = ErrClosed
	}
	close(e.ready)
	if e.err == nil {
		e.conn.look(p.ended)
	}
	p.mu.Lock()
	if p.entries[t.key()] == e {
		delete(p.entries, t.key())
	}
	p.mu.Unlock()
}
