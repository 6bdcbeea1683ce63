package plan

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Control tells an executor what the operation's spec asks for at this moment.
type Control interface {
	Switches() (paused, cancelled bool)
	// Changed returns a channel that is closed at the next change of the switches.
	Changed() <-chan struct{}
	// SetPaused sets spec.paused: a step that gave up waits for a person to say "go on".
	SetPaused(ctx context.Context) error
}

// Executor carries out approved plans. One executor serves one term of leadership.
type Executor struct {
	Store    Store
	Registry *Registry
	Fence    Fence
	Identity string
	// Held returns a phase reason such as v1alpha1.ReasonDiskFull while operations are held back, and "" otherwise.
	Held func() string
	Log  *slog.Logger
}

// beat is how often progress is made durable and the fence, the switches and the disk are looked at without being asked.
const beat = 500 * time.Millisecond

// Execute carries the operation on from wherever its journal stands, until it is over (nil) or this executor has lost its right
// (ErrFenced) or ctx ends. The operation must be Running, Paused or Cancelling.
func (x *Executor) Execute(ctx context.Context, key client.ObjectKey, control Control) error {
	j, err := Claim(ctx, x.Store, x.Fence, x.Identity, key)
	if err != nil {
		return wrapf(err, "taking over operation %s", key)
	}
	op := j.Snapshot()
	members, err := x.Store.Members(ctx, op)
	if err != nil {
		return err
	}
	r := &run{
		x: x, journal: j, control: control, members: members, base: ctx,
		log: &logWriter{journal: j, log: x.Log, next: op.Status.LogChunks},
	}
	stop := r.startBeat(ctx)
	defer stop()
	for {
		err := r.turn(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errAgain):
			continue
		case ctx.Err() != nil:
			return context.Cause(ctx)
		default:
			return err
		}
	}
}

// errAgain asks for another turn: a switch has changed.
var errAgain = errors.New("look again")

// turn does what the operation's phase and switches ask for, until one of them changes.
func (r *run) turn(ctx context.Context) error {
	if err := r.x.Fence.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrFenced, err)
	}
	op := r.journal.Snapshot()
	paused, cancelled := r.control.Switches()
	switch {
	case op.Status.Phase.Terminal():
		return nil
	case cancelled || op.Status.Phase == v1alpha1.PhaseCancelling:
		return r.cancel(ctx)
	case paused:
		reason := v1alpha1.ReasonPausedByUser
		if op.Status.Reason == v1alpha1.ReasonStepFailed {
			reason = "" // says already why
		}
		return r.rest(ctx, reason, nil)
	}
	if held := r.held(); held != "" {
		return r.rest(ctx, held, func() bool { return r.held() == "" })
	}
	if op.Status.Phase != v1alpha1.PhaseRunning {
		err := r.journal.Update(ctx, func(s *v1alpha1.OperationStatus) { SetPhase(s, v1alpha1.PhaseRunning, "Running", nil) })
		if err != nil {
			return err
		}
		r.log.add("info", "", "Resumed", "")
	}
	err := r.forward(ctx)
	var failure *Failure
	switch {
	case err == nil:
		return r.finish(ctx)
	case errors.Is(err, ErrFenced):
		return err
	case Interrupted(err):
		return errAgain
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &failure):
		return r.giveUp(ctx, failure)
	}
	return r.giveUp(ctx, asFailure(err))
}

// rest makes the pause durable and waits until a switch changes or free says that the reason is gone.
func (r *run) rest(ctx context.Context, reason string, free func() bool) error {
	if reason != "" {
		op := r.journal.Snapshot()
		if op.Status.Phase != v1alpha1.PhasePaused || op.Status.Reason != reason {
			err := r.journal.Update(ctx, func(s *v1alpha1.OperationStatus) { SetPhase(s, v1alpha1.PhasePaused, reason, nil) })
			if err != nil {
				return err
			}
			r.log.add("info", "", "Paused", "", "reason", reason)
			if err := r.log.flush(ctx); err != nil {
				return err
			}
		}
	}
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		changed := r.control.Changed()
		if paused, cancelled := r.control.Switches(); cancelled || (free == nil && !paused) {
			return errAgain
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		case <-tick.C:
			if err := r.x.Fence.Check(); err != nil {
				return fmt.Errorf("%w: %w", ErrFenced, err)
			}
			if free != nil && free() {
				return errAgain
			}
		}
	}
}

// giveUp writes down that a step failed and waits for a person: resume tries again, cancel undoes.
func (r *run) giveUp(ctx context.Context, f *Failure) error {
	r.x.Log.Warn("step failed", "operation", r.journal.Snapshot().Name, "code", f.Code, "object", f.Object, "error", f.Error())
	params := map[string]string{"why": f.Error(), "code": f.Code}
	for k, v := range f.Params {
		params[k] = v
	}
	err := r.journal.Update(ctx, func(s *v1alpha1.OperationStatus) {
		SetPhase(s, v1alpha1.PhasePaused, v1alpha1.ReasonStepFailed, params)
	})
	if err != nil {
		return err
	}
	if err := r.log.flush(ctx); err != nil {
		return err
	}
	// A crash before this line leaves a failed step without the switch: the next executor tries it once more, which is harmless.
	err = r.journal.Retry(ctx, r.control.SetPaused)
	if err != nil {
		return wrapf(err, "pausing after a failed step")
	}
	return r.rest(ctx, "", nil)
}

// finish scores the forecast and ends the operation.
func (r *run) finish(ctx context.Context) error {
	op := r.journal.Snapshot()
	planner, err := r.x.Registry.Planner(op.Spec.Type)
	if err != nil {
		return err
	}
	report := &v1alpha1.Report{ForecastSeconds: op.Status.Plan.Forecast.Seconds}
	end := now()
	if op.Status.StartedAt != nil {
		report.TookSeconds = int64(end.Sub(op.Status.StartedAt.Time).Seconds() + 0.5)
	}
	limited, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	report.Lines, report.Measures, err = planner.Report(limited, op, r.members)
	if err != nil {
		// The work is done and stays done; a report that cannot be made is said, not hidden.
		r.log.add("warn", "", "NoReport", "", "error", err)
	}
	r.log.add("info", "", "Succeeded", "", "seconds", report.TookSeconds)
	if err := r.log.flush(ctx); err != nil {
		return err
	}
	return r.journal.Update(ctx, func(s *v1alpha1.OperationStatus) {
		s.Report, s.FinishedAt, s.StepText = report, end, ""
		SetPhase(s, v1alpha1.PhaseSucceeded, v1alpha1.ReasonDone, map[string]string{
			"seconds": fmt.Sprint(report.TookSeconds), "forecast": fmt.Sprint(report.ForecastSeconds),
		})
	})
}

func (r *run) held() string {
	if r.x.Held == nil {
		return ""
	}
	return r.x.Held()
}
