package plan

import (
	"context"
	"strings"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// cancel undoes what can be undone, last step first, and ends the operation. A crash on the way is resumed here, because the phase
// says Cancelling.
func (r *run) cancel(ctx context.Context) error {
	op := r.journal.Snapshot()
	if op.Status.Phase != v1alpha1.PhaseCancelling {
		err := r.journal.Update(ctx, func(s *v1alpha1.OperationStatus) { SetPhase(s, v1alpha1.PhaseCancelling, "Cancelling", nil) })
		if err != nil {
			return err
		}
		r.log.add("info", "", "Cancelling", "")
	}
	r.mu.Lock()
	r.undoing = true
	r.mu.Unlock()

	steps := op.Status.Plan.Steps
	for i := len(steps) - 1; i >= 0; i-- {
		if err := r.undo(ctx, steps[i]); err != nil {
			return err
		}
	}
	var left []string
	done := r.journal.Snapshot()
	for _, e := range done.Status.Steps {
		if e.State == v1alpha1.StepNotUndone && e.Code != "" {
			left = append(left, e.Message)
		}
	}
	r.log.add("info", "", "Cancelled", "")
	if err := r.log.flush(ctx); err != nil {
		return err
	}
	return r.journal.Update(ctx, func(s *v1alpha1.OperationStatus) {
		s.FinishedAt, s.StepText = now(), ""
		if len(left) > 0 {
			SetPhase(s, v1alpha1.PhaseFailed, v1alpha1.ReasonUndoFailed, map[string]string{"left": strings.Join(left, "; ")})
			return
		}
		SetPhase(s, v1alpha1.PhaseCancelled, v1alpha1.ReasonCancelled, nil)
	})
}

// undo takes one step back, if it was ever begun.
func (r *run) undo(ctx context.Context, s v1alpha1.Step) error {
	op := r.journal.Snapshot()
	state := step(&op.Status, s.ID).State
	switch state {
	case v1alpha1.StepPending, v1alpha1.StepSkipped, v1alpha1.StepUndone, v1alpha1.StepNotUndone:
		return nil
	}
	undoer, ok := r.x.Registry.behaviours[s.Kind].(Undoer)
	if !ok {
		return r.ended(s, v1alpha1.StepNotUndone, nil)
	}
	err := r.journal.Update(r.base, func(st *v1alpha1.OperationStatus) { step(st, s.ID).State = v1alpha1.StepUndoing })
	if err != nil {
		return err
	}
	scope := &Scope{Operation: op, Cluster: op.Namespace, Step: s, Members: r.membersOf(s.ID), Resumed: true, run: r}
	limit := 30 * time.Minute
	timed, cancel := context.WithTimeoutCause(ctx, limit, errTimeout)
	defer cancel()
	ours, err := undoer.Undo(timed, scope)
	switch {
	case err != nil && (Interrupted(err) || ctx.Err() != nil):
		return err
	case err != nil && context.Cause(timed) == errTimeout:
		return r.ended(s, v1alpha1.StepNotUndone, Fail("UndoTimeout", s.ID, err, "title", s.Title, "limit", int64(limit.Seconds())))
	case err != nil:
		return r.ended(s, v1alpha1.StepNotUndone, asFailure(err))
	case !ours:
		return r.ended(s, v1alpha1.StepNotUndone, nil)
	}
	return r.ended(s, v1alpha1.StepUndone, nil)
}
