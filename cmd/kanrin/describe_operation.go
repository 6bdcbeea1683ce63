package main

import (
	"context"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/output"
	"kanrin.dev/kanrin/internal/cli/render"
)

// logTail is how many journal lines a description ends with.
const logTail = 15

func (a *app) describeOperation(ctx context.Context, s *session, cluster string, op *v1alpha1.Operation) (string, error) {
	o := a.onOut()
	st := op.Status
	approved := ""
	if st.Approval != nil {
		approved = strings.TrimSpace(st.Approval.By + " " + a.when(st.Approval.At.Time))
	}
	started, finished := "", ""
	if st.StartedAt != nil {
		started = a.when(st.StartedAt.Time)
	}
	if st.FinishedAt != nil {
		finished = a.when(st.FinishedAt.Time)
	}
	text := facts([][2]string{
		{a.label("name"), op.Name},
		{a.label("cluster"), cluster},
		{a.label("what"), render.What(op, o)},
		{a.label("phase"), string(st.Phase)},
		{a.label("why"), render.Status(a.lang, op)},
		{a.label("waiting"), render.WaitLine(op, o)},
		{a.label("requestedBy"), strings.TrimSpace(op.Spec.RequestedBy + " " + a.when(op.CreationTimestamp.Time))},
		{a.label("approvedBy"), approved},
		{a.label("started"), started},
		{a.label("finished"), finished},
	})
	if plan := render.Plan(op, o); plan != "" {
		text += "\n" + plan
	}
	if a.output == string(output.Wide) {
		members, err := s.members(ctx, op)
		if err != nil {
			return "", err
		}
		text += members
	}
	if len(st.Steps) > 0 && st.StartedAt != nil {
		text += a.section("journal", render.Journal(op, o))
	}
	text += a.section("report", render.Report(op, o))
	if st.LogChunks == 0 {
		return text, nil
	}
	log, err := s.logTail(ctx, cluster, op.Name)
	if err != nil {
		return text + a.section("log", s.subject().Why(err)), nil
	}
	return text + a.section("log", log), nil
}

// logTail are the last lines of an operation's journal.
func (s *session) logTail(ctx context.Context, cluster, name string) (string, error) {
	var lines []string
	after := int64(0)
	for {
		page, err := s.OperationLog(ctx, cluster, name, after)
		if err != nil {
			return "", err
		}
		for _, l := range page.Lines {
			lines = append(lines, l.Time.Local().Format("15:04:05")+"  "+render.LogLine(s.app.lang, l.LogLine))
		}
		if len(lines) > logTail {
			lines = lines[len(lines)-logTail:]
		}
		if page.Next <= after {
			return strings.Join(lines, "\n"), nil
		}
		after = page.Next
	}
}
