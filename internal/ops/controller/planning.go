package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
	"kanrin.dev/kanrin/internal/plan"
)

// planTimeout bounds one attempt at a plan.
const planTimeout = 3 * time.Minute

// retryPlan is how soon a plan that could not be made is tried again.
const retryPlan = 5 * time.Second

// makePlan plans a pending operation. What the request itself makes impossible ends it; everything else is tried again.
func (t *term) makePlan(ctx context.Context, op *v1alpha1.Operation) (time.Duration, error) {
	if op.Spec.Cancelled {
		return 0, t.end(ctx, op, v1alpha1.PhaseCancelled, v1alpha1.ReasonCancelled, "CancelledPlanned", nil)
	}
	if time.Since(op.CreationTimestamp.Time) > t.c.ApprovalTimeout {
		return 0, t.expire(ctx, op)
	}
	j, err := t.claim(ctx, op)
	if err != nil {
		return 0, err
	}
	if op.Status.Phase == "" {
		err := j.Update(ctx, func(s *v1alpha1.OperationStatus) {
			plan.SetPhase(s, v1alpha1.PhasePending, "Planning", nil)
			s.ObservedGeneration = op.Generation
		})
		if err != nil {
			return 0, err
		}
	}
	draft, err := t.draft(ctx, op)
	if err != nil {
		return t.cannotPlan(ctx, j, err)
	}
	return 0, t.publish(ctx, j, draft, "", nil)
}

// draft makes a sealed plan.
func (t *term) draft(ctx context.Context, op *v1alpha1.Operation) (*plan.Draft, error) {
	planner, err := t.d.Registry.Planner(op.Spec.Type)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, planTimeout)
	defer cancel()
	began := time.Now()
	d, err := planner.Plan(limited, op)
	if err != nil {
		return nil, err
	}
	if err := plan.Seal(op, d, time.Now()); err != nil {
		return nil, err
	}
	planSeconds.WithLabelValues(string(op.Spec.Type)).Observe(time.Since(began).Seconds())
	return d, nil
}

func (t *term) cannotPlan(ctx context.Context, j *plan.Journal, err error) (time.Duration, error) {
	if ctx.Err() != nil {
		return 0, err
	}
	var f *plan.Failure
	params := map[string]string{"why": err.Error()}
	if errors.As(err, &f) {
		params = lang.P("why", f.Error(), "code", f.Code)
		for k, v := range f.Params {
			params[k] = v
		}
		if f.Reason != "" {
			return 0, j.Update(ctx, func(s *v1alpha1.OperationStatus) {
				plan.SetPhase(s, v1alpha1.PhaseFailed, f.Reason, params)
				s.FinishedAt = micro(time.Now())
			})
		}
	}
	err = j.Update(ctx, func(s *v1alpha1.OperationStatus) {
		plan.SetPhase(s, v1alpha1.PhasePending, v1alpha1.ReasonPlanFailed, params)
	})
	return retryPlan, err
}

// publish makes a plan the operation's present one. Members first: a plan whose members are not stored is never seen. reason is empty for
// a first plan, or why an approval was refused.
func (t *term) publish(ctx context.Context, j *plan.Journal, d *plan.Draft, reason string, params map[string]string) error {
	op := j.Snapshot()
	if err := plan.StoreMembers(ctx, t.store, op, &d.Plan, d.Members); err != nil {
		return err
	}
	return j.Update(ctx, func(s *v1alpha1.OperationStatus) {
		s.Plan, s.Target, s.ObservedGeneration = &d.Plan, d.Target, op.Generation
		meta.SetStatusCondition(&s.Conditions, metav1.Condition{
			Type: v1alpha1.ConditionPlanned, Status: metav1.ConditionTrue, Reason: "Planned", Message: "plan " + d.Plan.Digest, ObservedGeneration: op.Generation,
		})
		switch n := plan.Blockers(&d.Plan); {
		case reason != "":
			plan.SetPhase(s, v1alpha1.PhasePlanned, reason, params)
		case n > 0:
			plan.SetPhase(s, v1alpha1.PhasePlanned, v1alpha1.ReasonBlocked, lang.P("count", n))
		default:
			plan.SetPhase(s, v1alpha1.PhasePlanned, v1alpha1.ReasonAwaiting, lang.P("name", op.Name, "digest", d.Plan.Digest))
		}
	})
}

// end closes an operation that never ran.
func (t *term) end(ctx context.Context, op *v1alpha1.Operation, phase v1alpha1.Phase, reason, text string, params map[string]string) error {
	j, err := t.claim(ctx, op)
	if err != nil {
		return err
	}
	err = j.Update(ctx, func(s *v1alpha1.OperationStatus) {
		plan.SetPhase(s, phase, reason, params)
		s.Message = lang.English.Text("status."+text, params)
		s.FinishedAt = micro(time.Now())
	})
	if err != nil {
		return fmt.Errorf("ending operation: %w", err)
	}
	return plan.Unlock(ctx, t.d.Client, op)
}

func (t *term) expire(ctx context.Context, op *v1alpha1.Operation) error {
	return t.end(ctx, op, v1alpha1.PhaseCancelled, v1alpha1.ReasonNotApproved, v1alpha1.ReasonNotApproved, lang.P("seconds", int64(t.c.ApprovalTimeout.Seconds())))
}

func micro(t time.Time) *metav1.MicroTime {
	m := metav1.NewMicroTime(t)
	return &m
}
