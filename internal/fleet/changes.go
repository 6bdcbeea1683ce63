package fleet

import (
	"cmp"
	"slices"
	"sync"

	"kanrin.dev/kanrin/api/inventory"
)

// Changes spreads word of what changed in any cluster, for those who keep a view of many.
type Changes struct {
	mu        sync.Mutex
	followers map[*follower]struct{}
}

// NewChanges returns one that nobody follows yet.
func NewChanges() *Changes { return &Changes{followers: map[*follower]struct{}{}} }

type changeKey struct{ cluster, area string }

// follower collects changes until they are taken. Nothing is lost and nothing piles up: several changes of one area are one.
type follower struct {
	wake    chan struct{}
	pending map[changeKey]int64 // guarded by Changes.mu
}

// Subscribe returns a channel of changes in all clusters (areas clusters, nodes, pods, workloads) and what ends it.
func (f *Fleet) Subscribe() (<-chan inventory.Change, func()) { return f.changes.Subscribe() }

// Subscribe returns a channel of changes and what ends it. A slow reader gets fewer changes, not older ones.
func (c *Changes) Subscribe() (<-chan inventory.Change, func()) {
	fo := &follower{wake: make(chan struct{}, 1), pending: map[changeKey]int64{}}
	c.mu.Lock()
	c.followers[fo] = struct{}{}
	c.mu.Unlock()

	out, ended := make(chan inventory.Change), make(chan struct{})
	var handing sync.WaitGroup
	handing.Go(func() {
		defer close(out)
		for {
			select {
			case <-fo.wake:
			case <-ended:
				return
			}
			for _, change := range c.take(fo) {
				select {
				case out <- change:
				case <-ended:
					return
				}
			}
		}
	})
	return out, sync.OnceFunc(func() {
		c.mu.Lock()
		delete(c.followers, fo)
		c.mu.Unlock()
		close(ended)
		handing.Wait()
	})
}

// take returns what changed since the last call, by cluster and area.
func (c *Changes) take(f *follower) []inventory.Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]inventory.Change, 0, len(f.pending))
	for k, revision := range f.pending {
		out = append(out, inventory.Change{Cluster: k.cluster, Area: k.area, Revision: revision})
	}
	clear(f.pending)
	slices.SortFunc(out, func(a, b inventory.Change) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Area, b.Area))
	})
	return out
}

// Note says that rows of an area have changed.
func (c *Changes) Note(cluster, area string, revision int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for f := range c.followers {
		f.pending[changeKey{cluster, area}] = revision
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}
