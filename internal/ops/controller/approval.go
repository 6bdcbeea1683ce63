package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
	"kanrin.dev/kanrin/internal/plan"
)

// await looks after an operation whose plan waits: cancelled, expired, approved, or none of these.
func (t *term) await(ctx context.Context, op *v1alpha1.Operation) (time.Duration, error) {
	switch {
	case op.Spec.Cancelled:
		return 0, t.end(ctx, op, v1alpha1.PhaseCancelled, v1alpha1.ReasonCancelled, "CancelledPlanned", nil)
	case op.Spec.ApprovedPlan == "":
		left := t.c.ApprovalTimeout - time.Since(op.Status.Plan.CreatedAt.Time)
		if left <= 0 {
			return 0, t.expire(ctx, op)
		}
		return left, nil
	}
	j, err := t.claim(ctx, op)
	if err != nil {
		return 0, err
	}
	if held := t.held(); held != "" {
		err := j.Update(ctx, func(s *v1alpha1.OperationStatus) { plan.SetPhase(s, v1alpha1.PhasePlanned, held, nil) })
		return 2 * time.Second, err
	}
	// Who stands in the way comes before whether the plan is fresh: an operation at work is what makes it stale.
	if holder, object, err := t.inTheWay(ctx, op); err != nil || holder != "" {
		if err == nil {
			err = t.refuse(ctx, j, v1alpha1.ReasonLocked, lang.P("holder", holder, "object", object), nil)
		}
		return 0, err
	}
	fresh, draft, err := t.fresh(ctx, op)
	if err != nil {
		return t.cannotPlanAgain(ctx, j, err)
	}
	if !fresh {
		return 0, t.refuse(ctx, j, v1alpha1.ReasonStalePlan, lang.P("old", op.Spec.ApprovedPlan), draft)
	}
	if plan.Blockers(op.Status.Plan) > 0 { // the API refuses this; nothing relies on that alone
		return 0, t.refuse(ctx, j, v1alpha1.ReasonBlocked, lang.P("count", plan.Blockers(op.Status.Plan)), nil)
	}
	holder, err := t.lock(ctx, op)
	if err != nil {
		return 0, err
	}
	if holder != "" {
		return 0, t.refuse(ctx, j, v1alpha1.ReasonLocked, lang.P("holder", holder, "object", op.Namespace), nil)
	}
	return 0, t.begin(ctx, j)
}

// fresh reports whether the approved plan still fits the cluster; if not, draft is the plan that does.
func (t *term) fresh(ctx context.Context, op *v1alpha1.Operation) (bool, *plan.Draft, error) {
	if op.Spec.ApprovedPlan == op.Status.Plan.Digest {
		planner, err := t.d.Registry.Planner(op.Spec.Type)
		if err != nil {
			return false, nil, err
		}
		facts, err := planner.Facts(ctx, op)
		if err != nil {
			return false, nil, err
		}
		now, err := plan.FactsDigest(facts)
		if err != nil {
			return false, nil, err
		}
		if now == op.Status.Plan.FactsDigest {
			return true, nil, nil
		}
	}
	// Something has changed. What matters is whether the plan would be another.
	d, err := t.draft(ctx, op)
	if err != nil {
		return false, nil, err
	}
	return d.Plan.Digest == op.Spec.ApprovedPlan, d, nil
}

// cannotPlanAgain: what made the plan possible is gone. A request that has become impossible ends; anything else waits, approved.
func (t *term) cannotPlanAgain(ctx context.Context, j *plan.Journal, err error) (time.Duration, error) {
	var f *plan.Failure
	if errors.As(err, &f) && f.Reason != "" {
		return t.cannotPlan(ctx, j, err)
	}
	if ctx.Err() != nil {
		return 0, err
	}
	werr := j.Update(ctx, func(s *v1alpha1.OperationStatus) {
		plan.SetPhase(s, v1alpha1.PhasePlanned, v1alpha1.ReasonPlanFailed, lang.P("why", err.Error()))
	})
	return retryPlan, werr
}

// inTheWay asks the interlocks. holder is who stands in the way, object what both want.
func (t *term) inTheWay(ctx context.Context, op *v1alpha1.Operation) (holder, object string, err error) {
	var all v1alpha1.OperationList
	if err := t.d.Client.List(ctx, &all, client.InNamespace(op.Namespace)); err != nil {
		return "", "", fmt.Errorf("reading the operations of cluster %s: %w", op.Namespace, err)
	}
	if other, object := plan.Interlock(op, all.Items); other != nil {
		return other.Name, object, nil
	}
	return "", "", nil
}

// lock takes the cluster's lock for a disruptive operation. holder is who has it.
func (t *term) lock(ctx context.Context, op *v1alpha1.Operation) (holder string, err error) {
	if !plan.Disruptive(op.Spec.Type) {
		return "", nil
	}
	var locked *plan.LockedError
	if err := plan.Lock(ctx, t.d.Client, op); errors.As(err, &locked) {
		return locked.Holder, nil
	} else if err != nil {
		return "", err
	}
	return "", nil
}

// refuse withdraws an approval and says why. The reason is durable before the approval is emptied: a crash in between repeats both.
func (t *term) refuse(ctx context.Context, j *plan.Journal, reason string, params map[string]string, draft *plan.Draft) error {
	text := lang.English.Text("status."+reason, params)
	condition := metav1.Condition{Type: v1alpha1.ConditionApproved, Status: metav1.ConditionFalse, Reason: reason, Message: text}
	if draft != nil {
		if err := t.publish(ctx, j, draft, reason, params); err != nil {
			return err
		}
	}
	err := j.Update(ctx, func(s *v1alpha1.OperationStatus) {
		plan.SetPhase(s, v1alpha1.PhasePlanned, reason, params)
		condition.ObservedGeneration = s.ObservedGeneration
		meta.SetStatusCondition(&s.Conditions, condition)
	})
	if err != nil {
		return err
	}
	op := j.Snapshot()
	patch := fmt.Sprintf(`{"metadata":{"resourceVersion":%q},"spec":{"approvedPlan":"","approvedBy":""}}`, op.ResourceVersion)
	if err := t.d.Client.Patch(ctx, op, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		return fmt.Errorf("withdrawing a refused approval: %w", err)
	}
	return nil
}

// begin makes the approval and the journal's first state durable; the executor takes it from there.
func (t *term) begin(ctx context.Context, j *plan.Journal) error {
	return j.Update(ctx, func(s *v1alpha1.OperationStatus) {
		op := j.Spec()
		s.Approval = &v1alpha1.Approval{Plan: op.ApprovedPlan, By: op.ApprovedBy, At: *micro(time.Now())}
		s.StartedAt = micro(time.Now())
		s.Steps = make([]v1alpha1.StepStatus, len(s.Plan.Steps))
		for i, st := range s.Plan.Steps {
			s.Steps[i] = v1alpha1.StepStatus{ID: st.ID, State: v1alpha1.StepPending, Total: st.Members}
		}
		meta.SetStatusCondition(&s.Conditions, metav1.Condition{
			Type: v1alpha1.ConditionApproved, Status: metav1.ConditionTrue, Reason: "Approved", Message: "plan " + op.ApprovedPlan + " approved by " + op.ApprovedBy,
		})
		plan.SetPhase(s, v1alpha1.PhaseRunning, "Running", nil)
	})
}
