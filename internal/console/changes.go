package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/access"
	"kanrin.dev/kanrin/internal/httpapi"
)

// Changes is a source of what /kanrin/v1/changes tells.
type Changes interface {
	// Subscribe returns a channel of changes and what ends the subscription. The source may leave out changes that a later one of
	// the same cluster and area covers, but not the last one.
	Subscribe() (<-chan inventory.Change, func())
}

const (
	// quiet is the least time between two messages to one client.
	quiet = 300 * time.Millisecond
	// ping keeps a silent connection known to be alive, by both ends and by what is in between.
	ping = 15 * time.Second
)

// hub hands the changes of all sources to all clients. A client that is slow gets fewer messages, not older ones: what has not been sent
// is kept once for each cluster and area, so that nothing ever waits for a client.
type hub struct {
	sources []Changes

	mu      sync.Mutex
	clients map[*listener]struct{}
}

type listener struct {
	mu      sync.Mutex
	pending map[topic]inventory.Change
	wake    chan struct{}
}

type topic struct{ cluster, area string }

func newHub(sources []Changes) *hub {
	return &hub{sources: sources, clients: map[*listener]struct{}{}}
}

// run reads all sources until ctx ends, and returns when it has left all of them.
func (h *hub) run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, source := range h.sources {
		changes, leave := source.Subscribe()
		wg.Go(func() {
			defer leave()
			for {
				select {
				case <-ctx.Done():
					return
				case change, ok := <-changes:
					if !ok {
						return
					}
					h.tell(change)
				}
			}
		})
	}
	wg.Wait()
}

func (h *hub) tell(change inventory.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.clients {
		l.add(change)
	}
}

func (h *hub) join() (l *listener, leave func()) {
	l = &listener{pending: map[topic]inventory.Change{}, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clients[l] = struct{}{}
	return l, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.clients, l)
	}
}

func (l *listener) add(change inventory.Change) {
	l.mu.Lock()
	l.pending[topic{change.Cluster, change.Area}] = change
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // awake already
	}
}

func (l *listener) take() map[topic]inventory.Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.pending
	l.pending = map[topic]inventory.Change{}
	return taken
}

// streamChanges serves GET /kanrin/v1/changes: server-sent events, each the JSON of an inventory.Change.
func (c *Console) streamChanges(w http.ResponseWriter, r *http.Request) {
	in := signedInFrom(r.Context())
	ctx, end, ok := c.streams.begin(r.Context(), in.session)
	if !ok {
		c.refuse(w, r, access.Busy(access.CodeBusy, 10))
		return
	}
	defer end()
	// Joined before the first byte: what changes after the client has seen the stream open is told.
	listener, leave := c.hub.join()
	defer leave()

	control := http.NewResponseController(w)
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("X-Accel-Buffering", "no") // for an nginx in between
	w.WriteHeader(http.StatusOK)
	send := func(b []byte) bool {
		if _, err := w.Write(b); err != nil {
			return false
		}
		return control.Flush() == nil
	}
	if !send([]byte(": kanrin\nretry: 2000\n\n")) {
		return
	}
	pings := time.NewTicker(ping)
	defer pings.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pings.C:
			if !send([]byte(": ping\n\n")) {
				return
			}
		case <-listener.wake:
			message, err := c.compose(ctx, in.session.Caller(), listener.take())
			if err != nil {
				return // rights cannot be told now: the client comes back and reads all anew
			}
			if len(message) > 0 && !send(message) {
				return
			}
			select { // what changes meanwhile is gathered
			case <-time.After(quiet):
			case <-ctx.Done():
				return
			}
		}
	}
}

// compose writes the changes that the caller may know of: those of areas that it may watch in that cluster.
func (c *Console) compose(ctx context.Context, caller httpapi.Caller, changes map[topic]inventory.Change) ([]byte, error) {
	var out bytes.Buffer
	for at, change := range changes {
		if at.cluster != "" { // "" says that some cluster has come or gone, which tells nothing of it
			ok, err := c.access.Allowed(ctx, caller, "watch", at.area, at.cluster)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
		}
		data, err := json.Marshal(change)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "data: %s\n\n", data)
	}
	return out.Bytes(), nil
}
