package inventory

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/check"
	"kanrin.dev/kanrin/internal/fleet"
)

const (
	// sizingEvery is the shortest pause between two rehearsals of one cluster that nobody asked for; sizingShare bounds the
	// share of time that they take.
	sizingEvery = time.Minute
	sizingShare = 20
	// sizingFresh is how old an answer may be that somebody asked for, when the cluster has changed since.
	sizingFresh   = 15 * time.Second
	sizingTimeout = 2 * time.Minute
)

var sizingAreas = []fleet.Area{fleet.AreaNodes, fleet.AreaPlacement, fleet.AreaVolumes, fleet.AreaWorkloads}

// sizing keeps the answer to "what if a zone is lost" for each cluster. It is an examiner of the fleet.
type sizing struct {
	simulator Simulator
	memory    *memory
	log       *slog.Logger
	running   sync.WaitGroup
	ended     context.Context
	end       context.CancelFunc

	mu sync.Mutex
	of map[*fleet.Connection]*sized
}

// sized is the state of one cluster's rehearsals. Its mutex is held while one runs.
type sized struct {
	turn sync.Mutex

	mu       sync.Mutex
	capacity *inventory.Capacity
	revision int64
	at       time.Time
	took     time.Duration
	err      error
	busy     bool
}

func newSizing(s Simulator, m *memory, log *slog.Logger) *sizing {
	z := &sizing{simulator: s, memory: m, log: log, of: map[*fleet.Connection]*sized{}}
	z.ended, z.end = context.WithCancel(context.Background())
	return z
}

func (z *sizing) stop() {
	z.end()
	z.running.Wait()
}

func (z *sizing) get(conn *fleet.Connection) *sized {
	z.mu.Lock()
	defer z.mu.Unlock()
	s, ok := z.of[conn]
	if !ok {
		s = &sized{}
		z.of[conn] = s
	}
	return s
}

// forget lets go of connections that have ended.
func (z *sizing) forget() {
	z.mu.Lock()
	defer z.mu.Unlock()
	maps.DeleteFunc(z.of, func(c *fleet.Connection, _ *sized) bool { return c.Ended() })
}

// capacity answers now: from the last rehearsal if nothing changed since or it is young enough, else from a new one.
func (z *sizing) capacity(ctx context.Context, conn *fleet.Connection) (*inventory.Capacity, error) {
	s := z.get(conn)
	if c := s.fresh(conn, sizingFresh); c != nil {
		return c, nil
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	if c := s.fresh(conn, sizingFresh); c != nil { // somebody else asked at the same time
		return c, nil
	}
	return z.rehearse(ctx, conn, s)
}

func (s *sized) fresh(conn *fleet.Connection, age time.Duration) *inventory.Capacity {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.capacity != nil && (s.revision == conn.Revision(sizingAreas...) || time.Since(s.at) < age) {
		return s.capacity
	}
	return nil
}

func (z *sizing) rehearse(ctx context.Context, conn *fleet.Connection, s *sized) (*inventory.Capacity, error) {
	ctx, cancel := context.WithTimeout(ctx, sizingTimeout)
	defer cancel()
	begin, revision := time.Now(), conn.Revision(sizingAreas...)
	nodes, _ := z.memory.get(conn).nodesOf(conn)
	c, err := capacityOf(ctx, conn, nodes, z.simulator)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.took, s.err = time.Now(), time.Since(begin), err
	if err == nil {
		s.capacity, s.revision = c, revision
	}
	return c, err
}

// Findings returns what the last rehearsal has found, and begins a new one when it is due.
func (z *sizing) Findings(conn *fleet.Connection) []v1alpha1.Finding {
	s := z.get(conn)
	s.mu.Lock()
	defer s.mu.Unlock()
	due := time.Since(s.at) > max(sizingEvery, sizingShare*s.took) && (s.capacity == nil || s.revision != conn.Revision(sizingAreas...))
	if due && !s.busy && conn.State().Fresh && z.ended.Err() == nil {
		s.busy = true
		z.running.Go(func() { z.background(conn, s) })
	}
	if s.capacity == nil {
		return nil
	}
	return lossFindings(s.capacity)
}

func (z *sizing) background(conn *fleet.Connection, s *sized) {
	s.turn.Lock()
	_, err := z.rehearse(z.ended, conn, s)
	s.turn.Unlock()
	if err != nil && !errors.Is(err, context.Canceled) {
		z.log.Warn("rehearsing the loss of each zone", "cluster", conn.Name, "err", err)
	}
	s.mu.Lock()
	s.busy = false
	s.mu.Unlock()
	conn.Examined()
}

// lossFindings says which zones cannot be lost without pods that stay behind.
func lossFindings(c *inventory.Capacity) []v1alpha1.Finding {
	var out []v1alpha1.Finding
	for _, z := range c.Zones {
		var bound, homeless []inventory.PendingPod
		for _, p := range z.Pending {
			if p.Volume != "" {
				bound = append(bound, p)
			} else {
				homeless = append(homeless, p)
			}
		}
		if len(homeless) > 0 {
			out = append(out, check.New(v1alpha1.SeverityWarning, "ZoneLoss", "Zone", z.Name,
				"count", len(homeless), "pod", homeless[0].Pod, "reason", check.Brief(homeless[0].Reason)))
		}
		if len(bound) > 0 {
			out = append(out, check.New(v1alpha1.SeverityInfo, "ZoneLossVolume", "Zone", z.Name,
				"count", len(bound), "pod", bound[0].Pod, "volume", bound[0].Volume))
		}
	}
	return out
}
