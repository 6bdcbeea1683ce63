package simulate

import (
	"sync"

	"k8s.io/apimachinery/pkg/watch"
)

// watcher hands on events in order and never makes the sender wait, however far
// behind the receiver is.
type watcher struct {
	result chan watch.Event
	done   chan struct{}
	stop   sync.Once

	mu      sync.Mutex
	pending []watch.Event
	wake    chan struct{}
}

func newWatcher() *watcher {
	w := &watcher{
		result: make(chan watch.Event),
		done:   make(chan struct{}),
		wake:   make(chan struct{}, 1),
	}
	go w.run()
	return w
}

func (w *watcher) send(e watch.Event) {
	w.mu.Lock()
	w.pending = append(w.pending, e)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run ends with Stop, which store.close calls at the latest.
func (w *watcher) run() {
	defer close(w.result)
	for {
		w.mu.Lock()
		events := w.pending
		w.pending = nil
		w.mu.Unlock()
		for _, e := range events {
			select {
			case w.result <- e:
			case <-w.done:
				return
			}
		}
		if len(events) > 0 {
			continue
		}
		select {
		case <-w.wake:
		case <-w.done:
			return
		}
	}
}

// ResultChan and Stop implement watch.Interface.
func (w *watcher) ResultChan() <-chan watch.Event { return w.result }
func (w *watcher) Stop()                          { w.stop.Do(func() { close(w.done) }) }
