// Package follow shows an operation while it is under way: one line a step, what a wait waits for, and lost contact.
//
// It changes nothing: ending it never ends the operation. Invariant: while anything is awaited, something is said at least every 10 s.
package follow

import (
	"context"
	"errors"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/render"
	"kanrin.dev/kanrin/internal/lang"
)

// Beat is how often something is said at least.
const Beat = 10 * time.Second

// lasting is how long a wait has lasted when it is news.
const lasting = 3 * time.Second

// ErrEnded is returned when looking ended before the operation got to where it was awaited.
var ErrEnded = errors.New("lost sight of the operation")

// Configuration of a Follower.
type Configuration struct {
	Streams *cli.Streams
	Lang    lang.Lang
	// Ref names the operation as the person would type it: "operation/drain-x7k2p -n demo".
	Ref string
	// Server is whom contact may be lost to.
	Server string
	// Explain says in one sentence why the server cannot be reached.
	Explain func(error) string
}

// Follower writes to one pair of streams.
type Follower struct {
	conf    Configuration
	screen  screen
	printed map[string]v1alpha1.StepState
	last    *v1alpha1.Operation
	trouble *client.Sight
	started time.Time
}

// New returns a follower for one operation.
func New(conf Configuration) *Follower {
	f := &Follower{conf: conf, printed: map[string]v1alpha1.StepState{}, started: time.Now()}
	if conf.Streams.ErrLive() {
		f.screen = &live{w: conf.Streams.Err, width: conf.Streams.ErrWidth}
	} else {
		f.screen = &plain{w: conf.Streams.Err}
	}
	return f
}

// Skip leaves out the lines of steps that have come to their end already.
func (f *Follower) Skip(op *v1alpha1.Operation) {
	for _, st := range op.Status.Steps {
		if final(st.State) {
			f.printed[st.ID] = st.State
		}
	}
}

// Until shows what happens until stop says that the operation is where it was awaited, and returns it as it was last seen.
func (f *Follower) Until(ctx context.Context, sights <-chan client.Sight, stop func(*v1alpha1.Operation) bool) (*v1alpha1.Operation, error) {
	ticks := time.NewTicker(500 * time.Millisecond)
	defer ticks.Stop()
	defer f.screen.clear()
	for {
		select {
		case <-ctx.Done():
			return f.last, ctx.Err()
		case <-ticks.C:
		case s, open := <-sights:
			switch {
			case !open:
				if ctx.Err() != nil {
					return f.last, ctx.Err()
				}
				return f.last, ErrEnded
			case s.End != nil:
				return f.last, s.End
			case s.Trouble != nil:
				f.trouble = &s
			default:
				f.trouble, f.last = nil, s.Operation
				f.finished()
				if stop(s.Operation) {
					return s.Operation, nil
				}
			}
		}
		f.draw()
	}
}

func (f *Follower) options() render.Options {
	return render.Options{Lang: f.conf.Lang, Width: f.conf.Streams.ErrWidth(), Colour: f.conf.Streams.ErrColour(), Now: time.Now()}
}

// finished prints the lines of steps that have come to an end, once each.
func (f *Follower) finished() {
	op := f.last
	if op.Status.Plan == nil {
		return
	}
	for i, s := range op.Status.Plan.Steps {
		st := render.StepState(op, s.ID).State
		if !final(st) || f.printed[s.ID] == st {
			continue
		}
		f.printed[s.ID] = st
		o := f.options()
		f.screen.keep(render.StepLine(op, i, o) + "\n" + render.StepWhy(op, i, o))
	}
}

func final(s v1alpha1.StepState) bool {
	switch s {
	case v1alpha1.StepDone, v1alpha1.StepSkipped, v1alpha1.StepFailed, v1alpha1.StepUndone, v1alpha1.StepNotUndone:
		return true
	}
	return false
}

// draw shows what is going on right now. The key changes with what is news: a wait, lost contact; a step that has begun is none, its
// line comes when it ends.
func (f *Follower) draw() {
	o := f.options()
	var lines []string
	key := ""
	add := func(k, line string) {
		key += k
		lines = append(lines, line)
	}
	if t := f.trouble; t != nil {
		ago := int64(o.Now.Sub(t.Since).Seconds())
		add("lost", o.Lang.T("cli.follow.lost", "server", f.conf.Server, "seconds", ago, "why", f.conf.Explain(t.Trouble)))
	}
	op := f.last
	switch {
	case op == nil || f.trouble != nil: // what was last seen is not what is
	case op.Status.Phase == v1alpha1.PhasePending || op.Status.Phase == "":
		elapsed := int64(o.Now.Sub(f.started).Seconds())
		news := "" // planning is none: the plan comes in a moment
		if op.Status.Reason == v1alpha1.ReasonPlanFailed {
			news = op.Status.Reason
		}
		add(news, o.Lang.T("cli.follow.planning", "seconds", elapsed, "text", planning(o.Lang, op)))
	case op.Status.Phase == v1alpha1.PhasePlanned:
		add(f.held(op, o))
	case op.Status.Plan != nil:
		f.running(op, o, add)
	}
	f.screen.show(o.Now, key, lines)
}

// held is what a plan waits for before it begins: an approval, its turn, or what keeps Kanrin from beginning.
func (f *Follower) held(op *v1alpha1.Operation, o render.Options) (key, line string) {
	seconds := int64(o.Now.Sub(f.started).Seconds())
	switch {
	case op.Spec.ApprovedPlan == "":
		return "", o.Lang.T("cli.follow.awaiting", "seconds", seconds)
	case op.Status.Reason == v1alpha1.ReasonDiskFull || op.Status.Reason == v1alpha1.ReasonPlanFailed:
		return op.Status.Reason, o.Lang.T("cli.follow.held", "seconds", seconds, "text", render.Status(o.Lang, op))
	}
	return "", o.Lang.T("cli.follow.approved", "seconds", seconds)
}

func planning(l lang.Lang, op *v1alpha1.Operation) string {
	if op.Status.Reason == "" {
		return l.T("cli.follow.queued")
	}
	return render.Status(l, op)
}

func (f *Follower) running(op *v1alpha1.Operation, o render.Options, add func(key, line string)) {
	for i, s := range op.Status.Plan.Steps {
		st := render.StepState(op, s.ID).State
		if st == v1alpha1.StepRunning || st == v1alpha1.StepUndoing {
			add("", render.StepLine(op, i, o))
		}
	}
	if w := op.Status.Waiting; w != nil {
		news := ""
		if o.Now.Sub(w.Since.Time) >= lasting {
			news = "wait " + w.Code + " " + w.Object
		}
		add(news, "       "+render.WaitLine(op, o))
		add("", "       "+render.WayOut(op, f.conf.Ref, o))
	}
}
