package power

import (
	"context"
	"maps"
	"slices"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// scaleDown takes a tier of workloads to zero, marked, and waits until their pods are gone.
type scaleDown struct{ base }

// scaleUp gives them back what they had.
type scaleUp struct{ base }

// Done implements plan.Behaviour.
func (b scaleDown) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[scaleArgs](s)
	if err != nil {
		return false, err
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return false, err
	}
	for key := range a.Replicas {
		w, err := b.read(ctx, s, c, key)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil || w.replicas != 0 || w.exist != 0 {
			return false, err
		}
	}
	return true, nil
}

func (b base) read(ctx context.Context, s *plan.Scope, c *fleet.Connection, key string) (w scaled, err error) {
	err = b.Persist(ctx, s, func(ctx context.Context) error {
		w, err = workload(ctx, c, key)
		return err
	})
	return w, err
}

// Do implements plan.Behaviour.
func (b scaleDown) Do(ctx context.Context, s *plan.Scope) error {
	defer clock(s)()
	a, err := call.Decode[scaleArgs](s)
	if err != nil {
		return err
	}
	return b.scaleAll(ctx, s, slices.Sorted(maps.Keys(a.Replicas)), func(_ string, w scaled) (int32, string, bool) {
		return 0, s.ID(), w.replicas != 0
	}, func(w scaled) bool { return w.exist == 0 })
}

// Undo implements plan.Undoer: workloads that carry this operation's mark get back what they had.
func (b scaleDown) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[scaleArgs](s)
	if err != nil {
		return false, err
	}
	ours := false
	err = b.scaleAll(ctx, s, slices.Sorted(maps.Keys(a.Replicas)), func(key string, w scaled) (int32, string, bool) {
		ours = ours || w.by == s.ID()
		return a.Replicas[key], "", w.by == s.ID()
	}, func(scaled) bool { return true })
	return ours, err
}

// Done implements plan.Behaviour.
func (b scaleUp) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[scaleArgs](s)
	if err != nil {
		return false, err
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return false, err
	}
	for key := range a.Replicas {
		w, err := b.read(ctx, s, c, key)
		if err != nil && !apierrors.IsNotFound(err) {
			return false, err
		}
		if err == nil && (w.by == a.By || w.ready < min(w.replicas, a.Replicas[key])) {
			return false, nil
		}
	}
	return true, nil
}

// Do implements plan.Behaviour: only what still carries the mark of the stop is scaled; what somebody has scaled since stays as it is.
func (b scaleUp) Do(ctx context.Context, s *plan.Scope) error {
	defer clock(s)()
	a, err := call.Decode[scaleArgs](s)
	if err != nil {
		return err
	}
	return b.scaleAll(ctx, s, slices.Sorted(maps.Keys(a.Replicas)), func(key string, w scaled) (int32, string, bool) {
		if w.by != a.By {
			s.Log("info", "ScaledMeanwhile", key)
		}
		return a.Replicas[key], "", w.by == a.By
	}, func(w scaled) bool { return w.ready >= w.replicas })
}

// scaleAll brings every workload to what decide says, and waits until each is settled.
func (b base) scaleAll(ctx context.Context, s *plan.Scope, keys []string, decide func(string, scaled) (int32, string, bool), settled func(scaled) bool) error {
	c, err := b.Reach(ctx, s)
	if err != nil {
		return err
	}
	for _, key := range keys {
		for {
			w, err := b.read(ctx, s, c, key)
			if apierrors.IsNotFound(err) {
				s.Log("warn", "WorkloadGone", key)
				break
			}
			if err != nil {
				return plan.Fail("ScaleRefused", key, err)
			}
			to, by, needed := decide(key, w)
			if !needed {
				break
			}
			err = b.Persist(ctx, s, func(ctx context.Context) error { return scale(ctx, c, key, w, to, by) })
			if apierrors.IsConflict(err) {
				continue
			}
			if err != nil {
				return plan.Fail("ScaleRefused", key, err)
			}
			s.Log("info", "Scaled", key, "from", w.replicas, "to", to)
			break
		}
	}
	for i, key := range keys {
		for {
			w, err := b.read(ctx, s, c, key)
			if apierrors.IsNotFound(err) || err == nil && settled(w) {
				break
			}
			if err != nil {
				return plan.Fail("ScaleRefused", key, err)
			}
			s.Wait("Replicas", key, "ready", w.ready, "desired", w.replicas)
			if err := call.Sleep(ctx, 500*time.Millisecond); err != nil {
				return err
			}
		}
		s.Progress(i+1, len(keys))
	}
	s.GoOn()
	return nil
}

// suspend lets requests pass when webhooks do not answer; restore puts the policy back.
type suspend struct{ base }

type restore struct{ base }

// Done implements plan.Behaviour: setting it is cheap and finds out by itself.
func (suspend) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Done implements plan.Behaviour.
func (restore) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Do implements plan.Behaviour.
func (b suspend) Do(ctx context.Context, s *plan.Scope) error {
	_, err := b.policies(ctx, s, admissionv1.Ignore, s.ID())
	return err
}

// Undo implements plan.Undoer.
func (b suspend) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	return b.policies(ctx, s, admissionv1.Fail, "")
}

// Do implements plan.Behaviour.
func (b restore) Do(ctx context.Context, s *plan.Scope) error {
	_, err := b.policies(ctx, s, admissionv1.Fail, "")
	return err
}

func (b base) policies(ctx context.Context, s *plan.Scope, to admissionv1.FailurePolicyType, mark string) (bool, error) {
	defer clock(s)()
	a, err := call.Decode[webhookArgs](s)
	if err != nil {
		return false, err
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return false, err
	}
	any := false
	for _, key := range slices.Sorted(maps.Keys(a.Webhooks)) {
		for {
			var changed bool
			err := b.Persist(ctx, s, func(ctx context.Context) (err error) {
				changed, err = setPolicy(ctx, c.Client, key, a.Webhooks[key], to, mark)
				return err
			})
			if apierrors.IsConflict(err) { // somebody else has changed it meanwhile
				if err := call.Sleep(ctx, firstAgain); err != nil {
					return any, err
				}
				continue
			}
			if apierrors.IsNotFound(err) {
				s.Log("warn", "WebhookGone", key)
				break
			}
			if err != nil {
				return any, plan.Fail("WebhookRefused", key, err)
			}
			if changed {
				any = true
				s.Log("info", "WebhookPolicy", key, "policy", string(to))
			}
			break
		}
	}
	return any, nil
}

const firstAgain = 250 * time.Millisecond
