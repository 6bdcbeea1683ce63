package render

import (
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Outcome is the end of an operation in one line, marked by how it ended: "✓ drain w3 of demo: done".
func Outcome(op *v1alpha1.Operation, o Options) string {
	mark, color := "▸", cyan
	switch op.Status.Phase {
	case v1alpha1.PhaseSucceeded:
		mark, color = "✓", green
	case v1alpha1.PhaseFailed:
		mark, color = "✗", red
	case v1alpha1.PhasePaused:
		mark, color = "‖", yellow
	case v1alpha1.PhaseCancelled:
		mark, color = "↺", yellow
	}
	why := Status(o.Lang, op)
	if op.Status.Phase == v1alpha1.PhaseSucceeded && op.Status.Report != nil {
		why = o.Lang.T("cli.done") // the report says how long it took
	}
	text := o.Lang.T("cli.outcome", "what", What(op, o), "text", why)
	return o.hang(o.paint(color, mark)+" ", 2, text)
}

// Report is what the forecast was worth; "" when the operation has none.
func Report(op *v1alpha1.Operation, o Options) string {
	r := op.Status.Report
	if r == nil {
		return ""
	}
	var b strings.Builder
	duration := false
	for _, l := range r.Lines {
		duration = duration || l.Code == "Duration"
	}
	if !duration {
		b.WriteString(o.hang("  ", 2, o.Lang.T("cli.report.duration", "forecast", r.ForecastSeconds, "took", r.TookSeconds)))
	}
	for _, l := range r.Lines {
		b.WriteString(o.hang("  ", 2, line(o.Lang, "report", l)))
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
