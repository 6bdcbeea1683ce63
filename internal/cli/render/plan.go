package render

import (
	"fmt"
	"strconv"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/cells"
)

// Plan writes the plan of an operation; "" when it has none yet.
func Plan(op *v1alpha1.Operation, o Options) string {
	p := op.Status.Plan
	if p == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(planHead(op, o))
	b.WriteByte('\n')
	if summary := planSummary(p, o); summary != "" {
		b.WriteString(summary)
		b.WriteByte('\n')
	}
	if len(p.Findings) > 0 {
		b.WriteString(findings(p.Findings, o))
		b.WriteByte('\n')
	}
	b.WriteString(planSteps(p, o))
	b.WriteString(pointOfNoReturn(p, o))
	return b.String()
}

// planHead is the line that names the plan: its digest, what it does to what, and what it was rehearsed on.
func planHead(op *v1alpha1.Operation, o Options) string {
	p := op.Status.Plan
	what := What(op, o)
	left := o.Lang.T("cli.plan.head", "digest", p.Digest, "what", what)
	width := cells.Width(left)
	left = strings.Replace(left, p.Digest, o.paint(bold, p.Digest), 1)
	right := rehearsal(op, o)
	if gap := o.Width - width - cells.Width(right); gap >= 3 && right != "" {
		return left + strings.Repeat(" ", min(gap, 20)) + o.paint(dim, right) + "\n"
	}
	if right == "" {
		return left + "\n"
	}
	return left + "\n" + o.hang("  ", 2, right)
}

// What says in a few words what an operation does: "drain w3, w4 of prod".
func What(op *v1alpha1.Operation, o Options) string {
	target := op.Status.Target
	if names := Subjects(op); target == "" || len(Nodes(op)) == 0 && len(names) > 0 {
		target = List(names)
	}
	key := "cli.what." + Kind(&op.Spec)
	if !o.Lang.Has(key) {
		return string(op.Spec.Type) + " " + target
	}
	return o.Lang.T(key, "target", target, "cluster", op.Namespace)
}

// Nodes are those that the request names.
func Nodes(op *v1alpha1.Operation) []string { return op.Spec.Subjects() }

func rehearsal(op *v1alpha1.Operation, o Options) string {
	r := op.Status.Plan.Rehearsal
	if r == nil {
		if op.Spec.Type == v1alpha1.OperationDrain {
			return o.Lang.T("cli.plan.notRehearsed")
		}
		return ""
	}
	ago := o.Lang.T("cli.justNow")
	if s := int64(o.Now.Sub(r.At.Time).Seconds()); s >= 60 {
		ago = o.Lang.T("cli.ago", "seconds", s)
	}
	return o.Lang.T("cli.plan.rehearsed", "ago", ago, "nodes", r.Nodes, "pods", r.Pods, "engine", r.Engine)
}

// planSummary is the plan in sentences; the longest part stands under the duration it explains.
func planSummary(p *v1alpha1.Plan, o Options) string {
	var b strings.Builder
	duration := false
	longest := func() {
		if l := p.Forecast.Longest; l != nil {
			b.WriteString(o.hang("    ", 4, line(o.Lang, "summary", *l)))
		}
	}
	for _, s := range p.Summary {
		b.WriteString(o.hang("  ", 2, line(o.Lang, "summary", s)))
		if s.Code == "Duration" {
			duration = true
			longest()
		}
	}
	if !duration && len(p.Steps) > 0 {
		b.WriteString(o.hang("  ", 2, o.Lang.T("cli.plan.duration", "seconds", p.Forecast.Seconds, "atMost", p.Forecast.AtMostSeconds)))
		longest()
	}
	return b.String()
}

// stepRow is one step, cut into columns.
type stepRow struct {
	number, title, landings, forecast, undo string
}

// planSteps writes a line a step: number, title, forecast, undo, and where pods land; the latter on a line of its own where the lines
// would get too long.
func planSteps(p *v1alpha1.Plan, o Options) string {
	rows := make([]stepRow, 0, len(p.Steps))
	titles, landings, forecasts, undos := 0, 0, 0, 0
	numbers := len(strconv.Itoa(len(p.Steps)))
	for i, s := range p.Steps {
		r := stepRow{
			number: fmt.Sprintf("%*d", numbers, i+1), title: StepTitle(o.Lang, s),
			landings: Landings(s.To, 6, o), forecast: forecastOf(s, o),
		}
		if i > 0 && s.Group != "" && p.Steps[i-1].Group == s.Group {
			r.title += " " + o.Lang.T("cli.plan.together", "step", i)
		}
		if s.Undo != "" {
			r.undo = o.Lang.T("cli.plan.undo", "what", Undo(o.Lang, s))
		}
		titles = max(titles, cells.Width(r.title))
		landings = max(landings, cells.Width(r.landings))
		forecasts = max(forecasts, cells.Width(r.forecast))
		undos = max(undos, cells.Width(r.undo))
		rows = append(rows, r)
	}
	indent := 2 + numbers + 2
	rest := 2 + forecasts + 2 + undos
	titles = min(titles, max(o.Width-indent-rest, 24), 60)
	inline := indent+titles+2+forecasts+2+max(landings, undos) <= o.Width
	var b strings.Builder
	for _, r := range rows {
		lines := cells.Wrap(r.title, titles)
		last := len(lines) - 1
		for i, text := range lines {
			lead := strings.Repeat(" ", indent)
			if i == 0 {
				lead = "  " + r.number + "  "
			}
			if i < last {
				b.WriteString(lead + text + "\n")
				continue
			}
			line := lead + cells.Pad(text, titles) + "  " + cells.Pad(r.forecast, forecasts)
			if inline && r.landings != "" {
				line += "  " + r.landings
			}
			if r.undo != "" {
				line += "  " + o.paint(dim, r.undo)
			}
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
		if !inline && r.landings != "" {
			b.WriteString(o.hang(strings.Repeat(" ", indent), indent, r.landings))
		}
	}
	return b.String()
}

func forecastOf(s v1alpha1.Step, o Options) string {
	if s.ForecastSeconds == 0 {
		return ""
	}
	return o.Lang.T("cli.plan.about", "seconds", s.ForecastSeconds)
}

// Landings says where pods are expected: "→ w5 9 · w6 8 · +3 more 5 · Pending 1"; at most n nodes are named.
func Landings(to []v1alpha1.Landing, n int, o Options) string {
	if len(to) == 0 {
		return ""
	}
	var parts []string
	var pending, others, otherPods int32
	for _, l := range to {
		switch {
		case l.Node == "":
			pending += l.Pods
		case len(parts) < n:
			parts = append(parts, fmt.Sprintf("%s %d", l.Node, l.Pods))
		default:
			others++
			otherPods += l.Pods
		}
	}
	if others > 0 {
		parts = append(parts, o.Lang.T("cli.plan.otherNodes", "nodes", others, "pods", otherPods))
	}
	if pending > 0 {
		parts = append(parts, o.Lang.T("cli.plan.pending", "pods", pending))
	}
	return "→ " + strings.Join(parts, " · ")
}

func pointOfNoReturn(p *v1alpha1.Plan, o Options) string {
	if p.PointOfNoReturn == "" {
		return o.hang("  ", 2, o.Lang.T("cli.plan.noPointOfNoReturn"))
	}
	for i, s := range p.Steps {
		if s.ID == p.PointOfNoReturn {
			text := o.Lang.T("cli.plan.pointOfNoReturn", "step", i+1, "title", StepTitle(o.Lang, s))
			return o.paint(yellow, strings.TrimRight(o.hang("  ", 2, text), "\n")) + "\n"
		}
	}
	return o.hang("  ", 2, o.Lang.T("cli.plan.pointOfNoReturn", "step", "?", "title", p.PointOfNoReturn))
}
