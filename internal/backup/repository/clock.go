package repository

import (
	"sync"
	"time"
)

// clock is the time for what is written. Of two versions of an entry kopia believes the one with the later time, so a machine's clock that
// was put back must not make a deletion older than what it deletes.
type clock struct {
	mu    sync.Mutex
	floor time.Time
}

func (c *clock) Now() time.Time {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Before(c.floor) {
		c.floor = c.floor.Add(time.Microsecond)
		return c.floor
	}
	return now
}

// after makes every later Now come after t.
func (c *clock) after(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t = t.Add(time.Microsecond); t.After(c.floor) {
		c.floor = t
	}
}
