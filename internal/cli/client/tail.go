package client

import (
	"context"
	"errors"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Sight is one look at an operation. Exactly one of its fields Operation, Trouble and End is set.
type Sight struct {
	Operation *v1alpha1.Operation
	// Trouble is why the operation cannot be seen at the moment; Since when. Looking goes on.
	Trouble error
	Since   time.Time
	// End is why looking is over.
	End error
}

// grace is how long an answer that denies the operation is doubted, once it has been seen: a console that is just starting may not know
// its users yet.
const grace = 30 * time.Second

const (
	firstPause  = 200 * time.Millisecond
	longestRest = 2 * time.Second
)

// Tail looks at an operation until ctx ends, and through restarts of the console. The channel is closed when looking is over; the
// caller reads it to its end.
func (c *Client) Tail(ctx context.Context, cluster, name string) <-chan Sight {
	out := make(chan Sight)
	go func() {
		defer close(out)
		t := &tail{c: c, cluster: cluster, name: name, out: out}
		t.run(ctx)
	}()
	return out
}

type tail struct {
	c             *Client
	cluster, name string
	out           chan<- Sight
	seen          bool
	lost          time.Time // since when it cannot be seen
}

func (t *tail) run(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		err := t.look(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			pause = firstPause
			continue
		}
		if t.lost.IsZero() {
			t.lost = time.Now()
		}
		if t.over(err) {
			t.send(ctx, Sight{End: err})
			return
		}
		if !t.send(ctx, Sight{Trouble: err, Since: t.lost}) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, longestRest)
	}
}

// over reports whether there is no point in looking again.
func (t *tail) over(err error) bool {
	var gone *goneError
	if errors.As(err, &gone) {
		return true
	}
	if errors.Is(err, ErrForeign) {
		return !t.seen // behind a proxy, a restart looks like another server
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return !t.seen // not reachable at all: the first look says so at once
	}
	switch status.Status().Code {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return !t.seen || time.Since(t.lost) > grace
	}
	return false
}

// look reads the operation and watches it until the watch ends, which is no error.
func (t *tail) look(ctx context.Context) error {
	op, err := t.c.Operation(ctx, t.cluster, t.name)
	if err != nil {
		return err
	}
	if !t.sight(ctx, op) {
		return nil
	}
	w, err := t.c.WatchOperations(ctx, t.cluster, t.name, op.ResourceVersion)
	if err != nil {
		return err
	}
	defer w.Stop()
	started := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case event, open := <-w.ResultChan():
			if !open {
				return t.ended(ctx, started)
			}
			switch event.Type {
			case watch.Error:
				if err := apierrors.FromObject(event.Object); !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
					return err
				}
				return nil // too old: read again
			case watch.Deleted:
				return &goneError{t.cluster, t.name}
			case watch.Added, watch.Modified:
				if op, ok := event.Object.(*v1alpha1.Operation); ok {
					stamp(&op.TypeMeta, "Operation")
					if !t.sight(ctx, op) {
						return nil
					}
				}
			}
		}
	}
}

// ended keeps a server that ends every watch at once from being asked without rest.
func (t *tail) ended(ctx context.Context, started time.Time) error {
	if rest := firstPause - time.Since(started); rest > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(rest):
		}
	}
	return nil
}

func (t *tail) sight(ctx context.Context, op *v1alpha1.Operation) bool {
	t.seen, t.lost = true, time.Time{}
	return t.send(ctx, Sight{Operation: op})
}

func (t *tail) send(ctx context.Context, s Sight) bool {
	select {
	case <-ctx.Done():
		return false
	case t.out <- s:
		return true
	}
}

// goneError says that the operation was deleted while it was looked at.
type goneError struct{ cluster, name string }

func (e *goneError) Error() string { return "operation " + e.cluster + "/" + e.name + " was deleted" }

// IsGone reports whether an operation was deleted while it was looked at.
func IsGone(err error) bool {
	var gone *goneError
	return errors.As(err, &gone)
}
