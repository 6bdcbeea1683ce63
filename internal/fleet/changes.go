package fleet

import (
	"cmp"
	"slices"
	"sync"

	"kanrin.dev/kanrin/api/inventory"
)

// changes spreads word of what changed in any cluster, for those who keep a view of many.
type changes struct {
	mu        sync.Mutex
	followers map[*Follower]struct{}
}

func newChanges() *changes { return &changes{followers: map[*Follower]struct{}{}} }

type changeKey struct{ cluster, area string }

// Follower collects changes of all clusters until they are taken. Nothing is lost and nothing piles up: several changes of
// one area are one.
type Follower struct {
	changes *changes
	wake    chan struct{}
	pending map[changeKey]int64 // guarded by changes.mu
}

// Follow starts to collect changes. Close the follower to end it.
func (f *Fleet) Follow() *Follower {
	fo := &Follower{changes: f.changes, wake: make(chan struct{}, 1), pending: map[changeKey]int64{}}
	f.changes.mu.Lock()
	defer f.changes.mu.Unlock()
	f.changes.followers[fo] = struct{}{}
	return fo
}

// Wake is woken after something changed.
func (f *Follower) Wake() <-chan struct{} { return f.wake }

// Take returns what changed since the last call, by cluster and area. Areas are those of inventory.Change.
func (f *Follower) Take() []inventory.Change {
	f.changes.mu.Lock()
	defer f.changes.mu.Unlock()
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

// Close ends the collection.
func (f *Follower) Close() {
	f.changes.mu.Lock()
	defer f.changes.mu.Unlock()
	delete(f.changes.followers, f)
}

func (c *changes) note(cluster, area string, revision int64) {
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
