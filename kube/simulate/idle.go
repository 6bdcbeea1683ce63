package simulate

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	// backstop is how often idleness is looked at without a reason to.
	backstop = 5 * time.Millisecond
	// patience is how long a pod that the scheduler has promised a node may keep
	// it without anything happening. A snapshot can contain such a pod, which
	// waits for others that are terminating and never do here.
	patience = 250 * time.Millisecond
)

// settle waits until the scheduler has nothing left to do. It returns false if
// that took longer than the limit.
func (r *rig) settle(ctx context.Context, limit time.Duration) (bool, error) {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(backstop)
	defer tick.Stop()
	last, since := activity{}, time.Now()
	for {
		if err := r.cluster.failed(); err != nil {
			return false, err
		}
		now := r.activity()
		if now != last {
			last, since = now, time.Now()
		}
		switch r.state() {
		case idle:
			if r.activity() == now {
				return true, nil
			}
		case promised:
			if time.Since(since) > patience {
				return true, nil
			}
		}
		select {
		case <-r.cluster.changed:
		case <-tick.C:
		case <-deadline.C:
			return false, nil
		case <-ctx.Done():
			return false, fmt.Errorf("waiting for the scheduler: %w", ctx.Err())
		}
	}
}

// activity changes whenever anything happens.
type activity struct {
	version int64
	popped  int
}

func (r *rig) activity() activity {
	_, popped := r.turnstile.idle()
	return activity{r.cluster.store.latest(), popped}
}

type state int

const (
	busy state = iota
	// promised: nothing happens, but a pod still has a node kept free for it.
	promised
	idle
)

// state looks at everything that could still lead to something: pods in the
// queue or being placed, bindings and preemptions under way, events that the
// scheduler has not seen.
func (r *rig) state() state {
	if free, _ := r.turnstile.idle(); !free || !r.informers.caughtUp() {
		return busy
	}
	if r.cluster.preempting() {
		return busy
	}
	s := idle
	for _, pod := range r.cluster.store.unbound() {
		if pod.Spec.SchedulerName != corev1.DefaultSchedulerName || r.cluster.provisions(pod) {
			continue
		}
		if assumed, err := r.scheduler.Cache.IsAssumedPod(pod); err == nil && assumed {
			return busy
		}
		if pod.Status.NominatedNodeName != "" {
			s = promised
		}
	}
	return s
}

// preempting reports whether a preemption has begun and not been reported yet.
func (c *cluster) preempting() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.unreported) > 0
}

func (c *cluster) provisions(pod *corev1.Pod) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waitsForProvisioning(pod) != ""
}

func (c *cluster) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure
}
