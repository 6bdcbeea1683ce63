package render

import (
	"slices"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/cells"
)

var severities = map[v1alpha1.Severity]struct {
	rank int
	mark string
	ink  ink
}{
	v1alpha1.SeverityBlocker: {0, "✗", red},
	v1alpha1.SeverityWarning: {1, "!", yellow},
	v1alpha1.SeverityInfo:    {2, "·", dim},
}

// Findings writes findings, most severe first, each blocker with its ways round.
func Findings(fs []v1alpha1.Finding, o Options) string { return findings(fs, o) }

func findings(fs []v1alpha1.Finding, o Options) string {
	sorted := slices.Clone(fs)
	slices.SortStableFunc(sorted, func(a, b v1alpha1.Finding) int { return severities[a.Severity].rank - severities[b.Severity].rank })
	labels := 0
	for s := range severities {
		labels = max(labels, cells.Width(o.Lang.T("cli.severity."+string(s))))
	}
	indent := 2 + 2 + labels + 2
	var b strings.Builder
	for _, f := range sorted {
		s := severities[f.Severity]
		label := o.Lang.T("cli.severity." + string(f.Severity))
		prefix := "  " + o.paint(s.ink, s.mark+" "+label) + strings.Repeat(" ", labels-cells.Width(label)+2)
		b.WriteString(o.hang(prefix, indent, Finding(o.Lang, f)))
		if f.Severity == v1alpha1.SeverityBlocker {
			b.WriteString(ways(f.Ways, indent, o))
		}
	}
	return b.String()
}

// ways lists the flags that remove a blocker, each with what it means.
func ways(list []v1alpha1.Way, indent int, o Options) string {
	if len(list) == 0 {
		return "" // the finding itself says what to do
	}
	head := o.Lang.T("cli.ways") + " "
	flags := 0
	for _, w := range list {
		flags = max(flags, cells.Width(w.Flag))
	}
	var b strings.Builder
	for i, w := range list {
		lead := strings.Repeat(" ", indent+cells.Width(head))
		if i == 0 {
			lead = strings.Repeat(" ", indent) + head
		}
		prefix := lead + o.paint(cyan, w.Flag) + strings.Repeat(" ", flags-cells.Width(w.Flag)+2)
		b.WriteString(o.hang(prefix, indent+cells.Width(head)+flags+2, Way(o.Lang, w)))
	}
	return b.String()
}

// Blockers are the findings that forbid a plan to run.
func Blockers(p *v1alpha1.Plan) []v1alpha1.Finding {
	var out []v1alpha1.Finding
	for _, f := range p.Findings {
		if f.Severity == v1alpha1.SeverityBlocker {
			out = append(out, f)
		}
	}
	return out
}
