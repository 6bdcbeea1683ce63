package render

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/cells"
)

var stepMarks = map[v1alpha1.StepState]struct {
	mark string
	ink  ink
}{
	v1alpha1.StepPending:   {"·", dim},
	v1alpha1.StepRunning:   {"▸", cyan},
	v1alpha1.StepDone:      {"✓", green},
	v1alpha1.StepSkipped:   {"✓", dim},
	v1alpha1.StepFailed:    {"✗", red},
	v1alpha1.StepUndoing:   {"↺", cyan},
	v1alpha1.StepUndone:    {"↺", green},
	v1alpha1.StepNotUndone: {"–", dim},
}

// StepState is the journal's entry of a step; a step without one is Pending.
func StepState(op *v1alpha1.Operation, id string) v1alpha1.StepStatus {
	for _, s := range op.Status.Steps {
		if s.ID == id {
			return s
		}
	}
	return v1alpha1.StepStatus{ID: id, State: v1alpha1.StepPending}
}

// timesRoom is what a line needs beside the title: mark, number, count, "1 min 20 s (forecast 1 min 10 s)".
const timesRoom = 46

// StepLine is one step on one line: how far it is, what it took against the forecast.
func StepLine(op *v1alpha1.Operation, i int, o Options) string {
	steps := op.Status.Plan.Steps
	s := steps[i]
	st := StepState(op, s.ID)
	mark := stepMarks[st.State]
	number := fmt.Sprintf("%*d", len(strconv.Itoa(len(steps))), i+1)
	right := stepTimes(s, st, o)
	if st.Total > 1 && st.State != v1alpha1.StepPending {
		right = fmt.Sprintf("%d/%d  %s", st.Done, st.Total, right)
	}
	room := min(max(o.Width-timesRoom, 24), 56)
	title := cells.Clip(StepTitle(o.Lang, s), room)
	text := "  " + o.paint(mark.ink, mark.mark) + " " + number + "  " + cells.Pad(title, room) + "  " + right
	return strings.TrimRight(text, " ")
}

func stepTimes(s v1alpha1.Step, st v1alpha1.StepStatus, o Options) string {
	l := o.Lang
	switch st.State {
	case v1alpha1.StepPending:
		return forecastOf(s, o)
	case v1alpha1.StepRunning:
		elapsed := seconds(st.StartedAt, o.Now)
		if s.ForecastSeconds == 0 {
			return l.Duration(elapsed)
		}
		return l.T("cli.step.running", "elapsed", elapsed, "forecast", s.ForecastSeconds)
	case v1alpha1.StepDone, v1alpha1.StepFailed:
		took := int64(0)
		if st.FinishedAt != nil {
			took = seconds(st.StartedAt, st.FinishedAt.Time)
		}
		if s.ForecastSeconds == 0 {
			return l.Duration(took)
		}
		return l.T("cli.step.took", "took", took, "forecast", s.ForecastSeconds)
	}
	return l.T("cli.step." + string(st.State))
}

// seconds from a time to another, rounded; 0 when it is not known.
func seconds(from *metav1.MicroTime, to time.Time) int64 {
	if from == nil {
		return 0
	}
	return max(0, int64(to.Sub(from.Time).Round(time.Second)/time.Second))
}

// StepWhy is why a step failed or could not be undone, indented under it; "" when there is nothing to say.
func StepWhy(op *v1alpha1.Operation, i int, o Options) string {
	st := StepState(op, op.Status.Plan.Steps[i].ID)
	if st.Code == "" && st.Message == "" {
		return ""
	}
	return o.hang(strings.Repeat(" ", 7), 7, StepFailure(o.Lang, st))
}

// WaitLine says what an operation waits for and since when; "" when it does not wait.
func WaitLine(op *v1alpha1.Operation, o Options) string {
	w := op.Status.Waiting
	if w == nil {
		return ""
	}
	since := seconds(&w.Since, o.Now)
	return o.Lang.T("cli.waiting", "seconds", since, "why", Waiting(o.Lang, *w))
}

// WayOut says how a wait ends when it does not end by itself.
func WayOut(op *v1alpha1.Operation, ref string, o Options) string {
	for _, s := range op.Status.Plan.Steps {
		st := StepState(op, s.ID)
		if st.State != v1alpha1.StepRunning {
			continue
		}
		limit := s.TimeoutSeconds
		if limit == 0 {
			limit = 3600
		}
		left := max(0, limit-seconds(st.StartedAt, o.Now))
		return o.Lang.T("cli.wayOut", "ref", ref, "left", left)
	}
	return o.Lang.T("cli.wayOutNoStep", "ref", ref)
}

// Journal writes all steps with their state.
func Journal(op *v1alpha1.Operation, o Options) string {
	if op.Status.Plan == nil {
		return ""
	}
	var b strings.Builder
	for i := range op.Status.Plan.Steps {
		b.WriteString(StepLine(op, i, o))
		b.WriteByte('\n')
		b.WriteString(StepWhy(op, i, o))
	}
	return b.String()
}
