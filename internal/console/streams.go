package console

import (
	"context"
	"sync"
	"time"

	"kanrin.dev/kanrin/internal/access"
)

// streams are the answers without an end that are under way: watches and the stream of changes. They were let in once; this type sees
// to it that they end when they would no longer be.
type streams struct {
	mu   sync.Mutex
	live map[*stream]struct{}
	// closed is set when the server stops: no more begin.
	closed bool
}

type stream struct {
	session, user string
	cancel        context.CancelFunc
}

// checkInterval is how often the sessions of streams are judged anew; endings on this server cut them at once.
const checkInterval = 5 * time.Second

// maxStreams a user may have open at a time.
const maxStreams = 200

// begin registers a stream. It returns a context that ends with the session, and what to call when the stream is over; ok is false when
// the user has too many.
func (s *streams) begin(ctx context.Context, session access.Session) (_ context.Context, end func(), ok bool) {
	ctx, cancel := context.WithCancel(ctx)
	st := &stream{session: session.ID, user: session.User, cancel: cancel}
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := 0
	for other := range s.live {
		if other.user == st.user {
			mine++
		}
	}
	if mine >= maxStreams || s.closed {
		cancel()
		return nil, nil, false
	}
	if s.live == nil {
		s.live = map[*stream]struct{}{}
	}
	s.live[st] = struct{}{}
	return ctx, func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.live, st)
	}, true
}

// cut ends the streams of a session, or all of a user.
func (s *streams) cut(e access.Ended) {
	s.each(func(st *stream) bool {
		return e.Session != "" && st.session == e.Session || e.User != "" && st.user == e.User
	})
}

// close ends all streams, and those that would begin: the server stops.
func (s *streams) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.each(func(*stream) bool { return true })
}

func (s *streams) each(over func(*stream) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := range s.live {
		if over(st) {
			st.cancel()
		}
	}
}

func (s *streams) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.live)
}

// check ends the streams whose session is not in force any more. While that cannot be known they go on.
func (s *streams) check(ctx context.Context, inForce func(context.Context, string) (bool, error)) {
	s.mu.Lock()
	sessions := map[string]bool{}
	for st := range s.live {
		sessions[st.session] = true
	}
	s.mu.Unlock()
	for id := range sessions {
		if ok, err := inForce(ctx, id); err == nil && !ok {
			s.cut(access.Ended{Session: id})
		}
	}
}
