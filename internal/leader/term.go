package leader

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrNotLeading is in the chain of what Check returns when this process may not act.
var ErrNotLeading = errors.New("this process does not lead")

// Term is one term of leadership. It is a plan.Fence.
type Term struct {
	epoch int64
	valid time.Duration // after the sending of a renewal

	mu   sync.Mutex
	sent instant
	over bool
}

// Check returns nil only while no other process can lead. When it returns nil there is still the margin left for a call that
// was begun just before.
func (t *Term) Check() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return fmt.Errorf("%w: its term %d is over", ErrNotLeading, t.epoch)
	}
	if age := t.sent.age(); age >= t.valid {
		return fmt.Errorf("%w for certain: the last renewal that succeeded was sent %s ago", ErrNotLeading, age.Round(time.Millisecond))
	}
	return nil
}

// Deadline is when Check will begin to refuse if no renewal succeeds any more; for a term that is over it lies in the past.
func (t *Term) Deadline() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return time.Now().Add(-time.Nanosecond)
	}
	return time.Now().Add(t.valid - t.sent.age())
}

// Epoch is the number of the term; later terms, of whichever process, have greater numbers. It is never 0.
func (t *Term) Epoch() int64 { return t.epoch }

func (t *Term) renewed(sent instant) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent = sent
}

func (t *Term) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
}
