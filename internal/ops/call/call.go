// Package call is how steps of operations talk to clusters and machines: with deadlines, guarded before each change, saying what they
// wait for, for as long as the step may take. It knows nothing of any one operation.
package call

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/plan"
)

// Connections gives the connection to a cluster.
type Connections interface {
	Connection(cluster string) (*fleet.Connection, error)
}

// Base is what steps call through.
type Base struct {
	Fleet Connections
	Hosts *hosts.Pool
}

const (
	syncTimeout = 30 * time.Second
	firstRetry  = 250 * time.Millisecond
)

// Limit is what one call may take, and LastRetry the longest pause between two.
const (
	Limit     = 20 * time.Second
	LastRetry = 10 * time.Second
)

// Connect returns the connection with fresh caches, or a Failure. Planners use it.
func (b Base) Connect(ctx context.Context, cluster string) (*fleet.Connection, error) {
	c, err := b.Fleet.Connection(cluster)
	if err != nil {
		return nil, plan.Fail("ClusterUnknown", cluster, err)
	}
	limited, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	if err := c.WaitSynced(limited); err != nil {
		return nil, plan.Fail("ClusterUnreachable", cluster, err)
	}
	return c, nil
}

// Reach is Connect for steps: it waits until the cluster answers.
func (b Base) Reach(ctx context.Context, s *plan.Scope) (*fleet.Connection, error) {
	for {
		c, err := b.Connect(ctx, s.Cluster)
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
		if err := Sleep(ctx, time.Second); err != nil {
			return nil, err
		}
	}
}

// Persist makes one idempotent call until the server has answered it, guarded each time, and says what it waits for.
func (b Base) Persist(ctx context.Context, s *plan.Scope, do func(context.Context) error) error {
	for pause := firstRetry; ; pause = min(2*pause, LastRetry) {
		if err := s.Guard(); err != nil {
			return err
		}
		limited, cancel := s.Call(ctx, Limit)
		err := do(limited)
		cancel()
		wait := pause
		switch {
		case answered(err):
			s.GoOn()
			return err
		case apierrors.IsTooManyRequests(err):
			if d, ok := apierrors.SuggestsClientDelay(err); ok && d > 0 {
				wait = max(wait, min(time.Duration(d)*time.Second, time.Minute))
			}
			s.Wait("ApiOverloaded", s.Cluster, "seconds", int64(max(wait, time.Second).Seconds()))
		default:
			s.Wait("ApiUnreachable", s.Cluster, "error", err)
		}
		if err := Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// answered: done, or an answer that would be the same next time.
func answered(err error) bool {
	return err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) || apierrors.IsInvalid(err) || apierrors.IsForbidden(err) ||
		apierrors.IsAlreadyExists(err) || apierrors.IsBadRequest(err) || apierrors.IsMethodNotSupported(err)
}

// Machine waits until commands run on the host, for as long as the step may take. What no waiting changes (another host key, a refused
// login, a key that cannot be read) ends it at once.
func (b Base) Machine(ctx context.Context, s *plan.Scope, host string) (*hosts.Machine, error) {
	for {
		m, err := b.Hosts.Machine(ctx, s.Cluster, host)
		if err == nil {
			_, err = m.Run(ctx, hosts.Command{Args: []string{"true"}, Timeout: Limit})
		}
		if err == nil {
			s.GoOn()
			return m, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var unusable *hosts.Error
		switch {
		case apierrors.IsNotFound(err):
			return nil, plan.Fail("HostGone", host, err)
		case errors.As(err, &unusable) && unusable.State != v1alpha1.HostUnreachable && unusable.State != v1alpha1.HostNoAnswer:
			return nil, plan.Fail("HostUnusable", host, err)
		}
		s.Wait("HostUnreachable", host, "error", err)
		if err := Sleep(ctx, time.Second); err != nil {
			return nil, err
		}
	}
}

// OnHost turns the error of a machine into a failure that names it.
func OnHost(ctx context.Context, host string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var f *plan.Failure
	if errors.As(err, &f) || plan.Interrupted(err) {
		return err
	}
	return plan.Fail("OnHost", host, err)
}

// Decode reads the arguments of a step.
func Decode[T any](s *plan.Scope) (T, error) {
	var a T
	if s.Step.Args == nil {
		return a, fmt.Errorf("step %s has no arguments", s.Step.ID)
	}
	if err := json.Unmarshal(s.Step.Args.Raw, &a); err != nil {
		return a, fmt.Errorf("reading the arguments of step %s: %w", s.Step.ID, err)
	}
	return a, nil
}

// Sleep waits, or returns why the step has to stop.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
