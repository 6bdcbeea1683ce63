package plan

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
)

// run is one executor at work on one operation.
type run struct {
	x       *Executor
	journal *Journal
	control Control
	members []v1alpha1.Member
	log     *logWriter
	base    context.Context // ends with the executor's term; durable writes use it, so that a pause never cuts one off

	mu       sync.Mutex
	dirty    bool
	counts   map[string][2]int
	measures map[string]map[string]int64
	waiting  *v1alpha1.Wait
	undoing  bool
}

// startBeat makes progress, waits and log lines durable while steps run.
func (r *run) startBeat(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			r.persistProgress(ctx)
			if r.log.due(time.Now()) {
				_ = r.log.flush(ctx) // logged there; detail only
			}
		}
	}()
	return func() { cancel(); <-done }
}

func (r *run) persistProgress(ctx context.Context) {
	r.mu.Lock()
	dirty := r.dirty
	r.dirty = false
	r.mu.Unlock()
	if !dirty {
		return
	}
	if err := r.journal.Update(ctx, r.fill); err != nil && ctx.Err() == nil && !Interrupted(err) {
		r.x.Log.Warn("progress could not be stored", "error", err)
	}
}

// fill copies what the steps have said into the status.
func (r *run) fill(s *v1alpha1.OperationStatus) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, c := range r.counts {
		st := step(s, id)
		st.Done, st.Total = int32(c[0]), int32(c[1])
	}
	for id, m := range r.measures {
		st := step(s, id)
		if st.Measures == nil {
			st.Measures = map[string]int64{}
		}
		for k, v := range m {
			st.Measures[k] = v
		}
	}
	s.Waiting = r.waiting.DeepCopy()
}

func (r *run) progress(id string, done, total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[string][2]int{}
	}
	if c := [2]int{done, total}; r.counts[id] != c {
		r.counts[id], r.dirty = c, true
	}
}

func (r *run) measure(id, name string, value int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.measures == nil {
		r.measures = map[string]map[string]int64{}
	}
	if r.measures[id] == nil {
		r.measures[id] = map[string]int64{}
	}
	r.measures[id][name] = value
}

func (r *run) wait(code, object string, pairs ...any) {
	params := lang.P(pairs...)
	params["object"] = object
	text := lang.English.Text("wait."+code, params)
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.waiting; w != nil && w.Code == code && w.Object == object {
		if w.Message != text {
			w.Message, w.Params, r.dirty = text, params, true
		}
		return
	}
	r.waiting = &v1alpha1.Wait{Code: code, Object: object, Params: params, Message: text, Since: *now()}
	r.dirty = true
}

func (r *run) goOn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting != nil {
		r.waiting, r.dirty = nil, true
	}
}

// guard is asked before each change.
func (r *run) guard() error {
	if err := r.x.Fence.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrFenced, err)
	}
	r.mu.Lock()
	undoing := r.undoing
	r.mu.Unlock()
	if undoing {
		return nil // an undo is not paused half-way
	}
	paused, cancelled := r.control.Switches()
	switch {
	case cancelled:
		return ErrCancelled
	case paused:
		return ErrPaused
	case r.held() != "":
		return ErrHeld
	}
	return nil
}

// interruptible returns a context that ends, with the reason as its cause, as soon as guard would refuse.
func (r *run) interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for {
			changed := r.control.Changed()
			if err := r.guard(); err != nil {
				cancel(err)
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-changed:
			case <-tick.C:
			}
		}
	}()
	return ctx, func() { cancel(context.Canceled); <-done }
}

// forward runs what is left of the plan, in order.
func (r *run) forward(ctx context.Context) error {
	ctx, stop := r.interruptible(ctx)
	defer stop()
	steps := r.journal.Snapshot().Status.Plan.Steps
	for i := 0; i < len(steps); {
		end := i + 1
		for steps[i].Group != "" && end < len(steps) && steps[end].Group == steps[i].Group {
			end++
		}
		if err := r.together(ctx, steps[i:end], i, len(steps)); err != nil {
			return err
		}
		i = end
	}
	return nil
}

// together runs the steps of one group at the same time and returns the first error once all have stopped.
func (r *run) together(ctx context.Context, group []v1alpha1.Step, index, total int) error {
	if len(group) == 1 {
		return r.one(ctx, group[0], index, total)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	errs := make(chan error, len(group))
	for i, s := range group {
		go func() {
			err := r.one(ctx, s, index+i, total)
			if err != nil {
				cancel(err)
			}
			errs <- err
		}()
	}
	var first error
	for range group {
		if err := <-errs; err != nil && (first == nil || (Interrupted(err) && !Interrupted(first))) {
			first = err
		}
	}
	return first
}

// one brings a single step to its end: journal, look, do, journal.
func (r *run) one(ctx context.Context, s v1alpha1.Step, index, total int) error {
	behaviour, ok := r.x.Registry.behaviours[s.Kind]
	if !ok {
		return Fail("UnknownStep", s.Kind, nil)
	}
	op := r.journal.Snapshot()
	state := *step(&op.Status, s.ID)
	if state.State == v1alpha1.StepDone || state.State == v1alpha1.StepSkipped {
		return nil
	}
	resumed := state.State != v1alpha1.StepPending
	scope := &Scope{Operation: op, Cluster: op.Namespace, Step: s, Members: r.membersOf(s.ID), Resumed: resumed, run: r}

	done, err := behaviour.Done(ctx, scope)
	if err != nil {
		return r.stopped(ctx, s, err)
	}
	if done {
		end := v1alpha1.StepSkipped
		if resumed {
			end = v1alpha1.StepDone // ours: it was finished before its end could be written
		}
		return r.ended(s, end, nil)
	}
	if err := r.guard(); err != nil {
		return err
	}
	err = r.journal.Update(r.base, func(st *v1alpha1.OperationStatus) {
		e := step(st, s.ID)
		e.State, e.Message, e.Code, e.Params = v1alpha1.StepRunning, "", "", nil
		e.Attempts++
		if e.StartedAt == nil {
			e.StartedAt = now()
		}
		e.FinishedAt = nil
		e.Total = max(e.Total, s.Members)
		st.StepText = fmt.Sprintf("%d/%d", index+1, total)
	})
	if err != nil {
		return err
	}
	r.log.add("info", s.ID, "StepStarted", "", "title", s.Title, "step", index+1, "total", total)

	limit := time.Duration(s.TimeoutSeconds) * time.Second
	if limit <= 0 {
		limit = time.Hour
	}
	timed, cancel := context.WithTimeoutCause(ctx, limit, errTimeout)
	err = behaviour.Do(timed, scope)
	cancel()
	if err != nil {
		if errors.Is(context.Cause(timed), errTimeout) {
			err = r.timedOut(s, limit)
		}
		return r.stopped(ctx, s, err)
	}
	return r.ended(s, v1alpha1.StepDone, nil)
}

var errTimeout = errors.New("the step's deadline has passed")

func (r *run) timedOut(s v1alpha1.Step, limit time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	why := ""
	if r.waiting != nil {
		why = r.waiting.Message
	}
	return Fail("StepTimeout", s.ID, nil, "limit", int64(limit.Seconds()), "wait", why)
}

// stopped sorts an error of a step: an interruption leaves the step Running in the journal, everything else is its failure.
func (r *run) stopped(ctx context.Context, s v1alpha1.Step, err error) error {
	if cause := context.Cause(ctx); cause != nil && Interrupted(cause) {
		return cause
	}
	if Interrupted(err) || r.base.Err() != nil {
		return err
	}
	f := asFailure(err)
	if werr := r.ended(s, v1alpha1.StepFailed, f); werr != nil {
		return werr
	}
	return f
}

func (r *run) ended(s v1alpha1.Step, state v1alpha1.StepState, f *Failure) error {
	r.goOn()
	err := r.journal.Update(r.base, func(st *v1alpha1.OperationStatus) {
		r.fill(st)
		e := step(st, s.ID)
		e.State, e.FinishedAt = state, now()
		e.Message, e.Code, e.Params = "", "", nil // what an earlier attempt has left
		if state == v1alpha1.StepDone || state == v1alpha1.StepSkipped {
			e.Done = max(e.Done, e.Total) // also where the world was found so after an interruption
		}
		if e.StartedAt == nil {
			e.StartedAt = e.FinishedAt
		}
		if f != nil {
			e.Message, e.Code, e.Params = f.Error(), f.Code, f.Params
		}
	})
	if err != nil {
		return err
	}
	if f != nil {
		r.log.add("error", s.ID, "StepFailed", f.Object, "title", s.Title, "why", f.Error())
	} else {
		r.log.add("info", s.ID, "Step"+string(state), "", "title", s.Title)
	}
	return nil
}

func (r *run) membersOf(id string) []v1alpha1.Member {
	var out []v1alpha1.Member
	for _, m := range r.members {
		if m.Step == id {
			out = append(out, m)
		}
	}
	return out
}
