package access

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"k8s.io/utils/clock"
)

// sessionCache remembers for a few seconds what the management API said of a session id, so that not each request asks. It also
// remembers that an id is unknown. Invariant: nothing that was asked before forget is answered after it.
type sessionCache struct {
	clock clock.PassiveClock
	ttl   time.Duration
	// fetch returns the session with that id if it is in force, else nil.
	fetch func(ctx context.Context, id string) (*Session, error)

	mu      sync.Mutex
	entries map[string]cached
	epoch   int
	flights singleflight.Group
	// lookups bounds how many ids are asked for at a time: anybody can invent ids.
	lookups chan struct{}
}

type cached struct {
	session *Session
	until   time.Time
}

const (
	maxCached  = 10_000
	maxLookups = 32
	// callTimeout bounds each call to the management API.
	callTimeout = 5 * time.Second
)

func newSessionCache(clk clock.PassiveClock, ttl time.Duration, fetch func(context.Context, string) (*Session, error)) *sessionCache {
	return &sessionCache{clock: clk, ttl: ttl, fetch: fetch, entries: map[string]cached{}, lookups: make(chan struct{}, maxLookups)}
}

func (c *sessionCache) get(ctx context.Context, id string) (*Session, error) {
	c.mu.Lock()
	entry, ok := c.entries[id]
	epoch := c.epoch
	c.mu.Unlock()
	if ok && c.clock.Now().Before(entry.until) {
		return entry.session, nil
	}
	// Those who ask at the same time share one call, but never with one who asked before a forget.
	ch := c.flights.DoChan(fmt.Sprint(epoch, "/", id), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
		defer cancel()
		select {
		case c.lookups <- struct{}{}:
			defer func() { <-c.lookups }()
		case <-ctx.Done():
			return (*Session)(nil), fmt.Errorf("waiting to look up a session: %w", ctx.Err())
		}
		asked := c.clock.Now()
		session, err := c.fetch(ctx, id)
		if err != nil {
			return (*Session)(nil), err
		}
		c.put(id, cached{session, asked.Add(c.ttl)}, epoch)
		return session, nil
	})
	select {
	case res := <-ch:
		return res.Val.(*Session), res.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *sessionCache) put(id string, entry cached, epoch int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.epoch {
		return
	}
	if len(c.entries) >= maxCached {
		clear(c.entries)
	}
	c.entries[id] = entry
}

// forget drops everything: a session or a user has changed, which is rare.
func (c *sessionCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.entries)
	c.epoch++
}
