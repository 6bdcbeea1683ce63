package fleet

import (
	"sync"
	"sync/atomic"
	"time"
)

// Area groups kinds that change together and are shown together.
type Area string

const (
	AreaNodes     Area = "nodes"     // Node, CSINode
	AreaPods      Area = "pods"      // Pod
	AreaPlacement Area = "placement" // Pod: one came, went, finished or was bound to a node
	AreaWorkloads Area = "workloads" // Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob, ReplicationController, Service
	AreaBudgets   Area = "budgets"   // PodDisruptionBudget
	AreaVolumes   Area = "volumes"   // PersistentVolume, PersistentVolumeClaim, StorageClass
	AreaOther     Area = "other"     // Namespace, PriorityClass
	AreaState     Area = "state"     // the connection itself: reachable, stale, version
)

var areas = []Area{AreaNodes, AreaPods, AreaPlacement, AreaWorkloads, AreaBudgets, AreaVolumes, AreaOther, AreaState}

// RowAreas names, for each list of rows that people look at (the areas of inventory.Change), what its rows are made of.
var RowAreas = map[string][]Area{
	"nodes":     {AreaNodes, AreaPlacement, AreaState},
	"pods":      {AreaPods, AreaNodes, AreaBudgets, AreaVolumes, AreaState},
	"workloads": {AreaWorkloads, AreaPlacement, AreaBudgets, AreaState},
}

// hub counts changes by area and wakes those who wait for them.
type hub struct {
	revisions map[Area]*atomic.Int64 // fixed at creation
	mu        sync.Mutex
	listeners map[*listener]struct{}
}

type listener struct {
	wake  chan struct{}
	areas map[Area]bool // nil is every area
}

// newHub starts counting at the time of day, so that a revision never comes back after a restart.
func newHub(now time.Time) *hub {
	h := &hub{revisions: map[Area]*atomic.Int64{}, listeners: map[*listener]struct{}{}}
	for _, a := range areas {
		h.revisions[a] = &atomic.Int64{}
		h.revisions[a].Store(now.UnixMilli())
	}
	return h
}

// changed is called after the store was updated: a listener that is woken sees the change.
func (h *hub) changed(a Area) {
	h.revisions[a].Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		if l.areas == nil || l.areas[a] {
			select {
			case l.wake <- struct{}{}:
			default: // already woken and not looked yet
			}
		}
	}
}

// revision sums the counters of areas: it grows whenever one of them changes.
func (h *hub) revision(of ...Area) int64 {
	var sum int64
	for _, a := range of {
		sum += h.revisions[a].Load()
	}
	return sum
}

func (h *hub) subscribe(of ...Area) (<-chan struct{}, func()) {
	l := &listener{wake: make(chan struct{}, 1)}
	if len(of) > 0 {
		l.areas = map[Area]bool{}
		for _, a := range of {
			l.areas[a] = true
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listeners[l] = struct{}{}
	return l.wake, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.listeners, l)
	}
}
