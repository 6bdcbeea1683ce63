package inventory

import (
	"maps"
	"sync"

	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/trim"
)

// keptOrders is how many lists of pods are remembered for each cluster: a few people scroll at a time.
const keptOrders = 4

// orders remembers in which order pods were listed, so that the next page of the same list costs nothing.
type orders struct {
	mu   sync.Mutex
	kept []order // the last used first
}

type order struct {
	revision int64
	key      string
	pods     []*trim.Pod
}

func (o *orders) get(revision int64, key string, compute func() []*trim.Pod) []*trim.Pod {
	o.mu.Lock()
	for i, k := range o.kept {
		if k.revision == revision && k.key == key {
			copy(o.kept[1:i+1], o.kept[:i])
			o.kept[0] = k
			o.mu.Unlock()
			return k.pods
		}
	}
	o.mu.Unlock()
	pods := compute()
	o.mu.Lock()
	defer o.mu.Unlock()
	// Lists of an older revision hold pods that are gone.
	next := []order{{revision, key, pods}}
	for _, k := range o.kept {
		if k.revision == revision && k.key != key && len(next) < keptOrders {
			next = append(next, k)
		}
	}
	o.kept = next
	return pods
}

// memory is what is remembered of each cluster; it goes with the connection.
type memory struct {
	mu sync.Mutex
	of map[*fleet.Connection]*remembered
}

type remembered struct {
	pods      orders
	nodes     rows[nodeRows]
	workloads rows[workloadRows]
}

func (m *memory) get(conn *fleet.Connection) *remembered {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.of[conn]
	if !ok {
		r = &remembered{}
		if m.of == nil {
			m.of = map[*fleet.Connection]*remembered{}
		}
		m.of[conn] = r
	}
	return r
}

// forget lets go of connections that have ended.
func (m *memory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.of, func(c *fleet.Connection, _ *remembered) bool { return c.Ended() })
}

// rows are computed once for each revision.
type rows[T any] struct {
	mu       sync.Mutex
	revision int64
	value    *T
}

func (r *rows[T]) get(revision int64, compute func() *T) *T {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.value == nil || r.revision != revision {
		r.value, r.revision = compute(), revision
	}
	return r.value
}
