package drain

import (
	"context"
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/plan"
)

// base is what every step needs.
type base struct{ fleet Connections }

func (b base) connect(ctx context.Context, s *plan.Scope) (*fleet.Connection, error) {
	for {
		c, err := connect(ctx, b.fleet, s.Cluster)
		if err == nil {
			s.GoOn()
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var f *plan.Failure
		if errors.As(err, &f) && f.Code == "ClusterUnknown" {
			return nil, err // removed from Kanrin; no waiting brings it back
		}
		s.Wait("ApiUnreachable", s.Cluster, "error", err)
		if err := sleep(ctx, time.Second); err != nil {
			return nil, err
		}
	}
}

const (
	callLimit  = 20 * time.Second
	firstRetry = 250 * time.Millisecond
	lastRetry  = 10 * time.Second
)

// outcome sorts the answers of an API server by what to do next.
type outcome int

const (
	answered   outcome = iota // done, or an answer that would be the same next time
	overloaded                // 429 of the server itself
	unclear                   // no answer: it may have happened or not
)

func sortOut(err error) outcome {
	switch {
	case err == nil, apierrors.IsNotFound(err), apierrors.IsConflict(err), apierrors.IsInvalid(err), apierrors.IsForbidden(err),
		apierrors.IsAlreadyExists(err), apierrors.IsBadRequest(err), apierrors.IsMethodNotSupported(err), apierrors.IsRequestEntityTooLargeError(err):
		return answered
	case apierrors.IsTooManyRequests(err):
		return overloaded
	}
	return unclear
}

// retryAfter is what the server asked for, at least a second.
func retryAfter(err error) time.Duration {
	if s, ok := apierrors.SuggestsClientDelay(err); ok && s > 0 {
		return min(time.Duration(s)*time.Second, time.Minute)
	}
	return time.Second
}

// persist makes one idempotent call until the server has answered it, guarded each time, and says what it waits for.
func (b base) persist(ctx context.Context, s *plan.Scope, call func(context.Context) error) error {
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		if err := s.Guard(); err != nil {
			return err
		}
		limited, cancel := s.Call(ctx, callLimit)
		err := call(limited)
		cancel()
		wait := pause
		switch sortOut(err) {
		case answered:
			s.GoOn()
			return err
		case overloaded:
			wait = max(wait, retryAfter(err))
			s.Wait("ApiOverloaded", s.Cluster, "seconds", int64(wait.Seconds()))
		default:
			s.Wait("ApiUnreachable", s.Cluster, "error", err)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// sleep waits, or returns why the step has to stop.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
