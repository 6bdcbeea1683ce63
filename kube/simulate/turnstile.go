package simulate

import (
	"sync"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler/backend/queue"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// recheck is how often the scheduling loop looks at its queue without having
// been woken: the queue moves pods that failed with an error by a clock of its
// own.
const recheck = 20 * time.Millisecond

// turnstile stands before the scheduler's queue. Closed, it holds the scheduling
// loop back until all pods of a round are in the queue, so that they are taken
// in the queue's order and not in the order in which they happened to arrive.
// And it knows when the loop has run out of work.
type turnstile struct {
	queue queue.SchedulingQueue

	mu   sync.Mutex
	cond *sync.Cond
	open bool
	// waiting is true while the loop is between two pods.
	waiting bool
	closed  bool
	popped  int
	// known counts pods seen in the queue and not taken yet, because looking
	// costs as much as the queue is long.
	known int
}

func newTurnstile(q queue.SchedulingQueue) *turnstile {
	t := &turnstile{queue: q}
	t.cond = sync.NewCond(&t.mu)
	return t
}

// setOpen lets the loop take pods, or stops it before the next one.
func (t *turnstile) setOpen(open bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = open
	t.cond.Broadcast()
}

// close ends the loop.
func (t *turnstile) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.cond.Broadcast()
}

// wake makes a waiting loop look at its queue.
func (t *turnstile) wake() { t.cond.Broadcast() }

// pop is the scheduler's NextPod; a nil pod ends the loop.
func (t *turnstile) pop(logger klog.Logger) (*framework.QueuedPodInfo, error) {
	if !t.await() {
		return nil, nil
	}
	// Blocks only if a pod left the queue after it was counted.
	pod, err := t.queue.Pop(logger)
	t.mu.Lock()
	defer t.mu.Unlock()
	for !t.open && !t.closed {
		t.cond.Wait()
	}
	if t.closed {
		return nil, nil
	}
	t.waiting = false
	t.popped++
	return pod, err
}

// await returns true once the turnstile is open and there is a pod to take.
func (t *turnstile) await() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = true
	for !t.closed {
		if t.open {
			if t.known == 0 {
				t.known = t.ready()
			}
			if t.known > 0 {
				t.known--
				return true
			}
		}
		timer := time.AfterFunc(recheck, t.cond.Broadcast)
		t.cond.Wait()
		timer.Stop()
	}
	return false
}

// ready counts the pods that the scheduler would take now. Of those in back-off
// it takes the ones that something has happened for, when there is nothing else
// to do. The others, which no plugin rejected, failed with an error and are
// retried by the clock: for them the answer is in already.
func (t *turnstile) ready() int {
	n := len(t.queue.PodsInActiveQ())
	for _, pod := range t.queue.PodsInBackoffQ() {
		info, ok := t.queue.GetPod(pod.Name, pod.Namespace)
		if ok && info.UnschedulablePlugins.Len()+info.PendingPlugins.Len() > 0 {
			n++
		}
	}
	return n
}

// idle reports whether the loop waits and there is nothing for it to take, and
// how many pods it has taken so far.
func (t *turnstile) idle() (bool, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waiting && t.ready() == 0 && len(t.queue.InFlightPods()) == 0, t.popped
}
