package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/output"
)

// members lists what each step of an operation's plan acts on, and where it is expected to land; for -o wide.
func (s *session) members(ctx context.Context, op *v1alpha1.Operation) (string, error) {
	if op.Status.Plan == nil || op.Status.Plan.MemberChunks == 0 {
		return "", nil
	}
	list, err := s.Members(ctx, op.Namespace, op.Name)
	if err != nil {
		return "", err
	}
	g := &output.Grid{Headers: []string{"STEP", "POD", "ACTION", "FROM", "TO", "OWNER", "BUDGETS"}}
	for _, m := range list {
		to := m.To
		if m.Pending != "" {
			to = "Pending"
		}
		g.Rows = append(g.Rows, []string{stepNumber(op, m.Step), m.Object, strings.ToLower(m.Action), m.From, orNone(to), orNone(m.Owner), orNone(strings.Join(m.Budgets, ","))})
	}
	return s.app.section("members", gridText(g)), nil
}

// stepNumber is how the plan numbers a step for people.
func stepNumber(op *v1alpha1.Operation, id string) string {
	i := slices.IndexFunc(op.Status.Plan.Steps, func(st v1alpha1.Step) bool { return st.ID == id })
	if i < 0 {
		return id
	}
	return strconv.Itoa(i + 1)
}

func orNone(s string) string {
	if s == "" {
		return "<none>"
	}
	return s
}
