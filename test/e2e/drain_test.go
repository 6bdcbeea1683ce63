package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
)

// One demo serves the tests of this file, one after the other. Their order matters: what a drain has moved stays where it landed.
func TestDemo(t *testing.T) {
	s := newServer(t, "--demo").start()
	eventually(t, 2*time.Minute, "the demo's pods are running", func() bool {
		r := s.kanrin("get", "pods", "--cluster", "demo", "-o", "json")
		return r.code == 0 && strings.Count(r.out, `"state": "Running"`) > 20 && !strings.Contains(r.out, `"state": "ContainerCreating"`)
	})
	t.Run("lists", func(t *testing.T) { lists(t, s) })
	s.settled(t)
	t.Run("drain", func(t *testing.T) { drain(t, s) })
	s.settled(t)
	t.Run("approval", func(t *testing.T) { approval(t, s) })
	s.settled(t)
	t.Run("blockers", func(t *testing.T) { blockers(t, s) })
	t.Run("mistakes", func(t *testing.T) { mistakes(t, s) })
	t.Run("viewer", func(t *testing.T) { viewer(t, s) })
	t.Run("clusters", func(t *testing.T) { clusters(t, s) })
	t.Run("no secrets", func(t *testing.T) { noSecrets(t, s) })
}

// settled waits until every disruption budget of the demo allows what it allows at rest: pods that were moved are Ready some moments
// before the disruption controller has counted them, and a plan made in between is rightly blocked.
func (s *server) settled(t *testing.T) {
	t.Helper()
	eventually(t, 2*time.Minute, "the demo's workloads and budgets are whole", func() bool {
		var list struct{ Items []inventory.Workload }
		r := s.kanrin("get", "workloads", "--cluster", "demo", "-o", "json")
		if r.code != 0 || json.Unmarshal([]byte(r.out), &list) != nil || len(list.Items) == 0 {
			return false
		}
		for _, w := range list.Items {
			if w.Ready < w.Desired {
				return false
			}
			if len(w.Budgets) > 1 {
				continue // of several budgets the controller counts only one
			}
			for _, b := range w.Budgets {
				if b.Healthy < b.Expected {
					return false
				}
			}
		}
		return true
	})
}

func lists(t *testing.T, s *server) {
	if out := s.must(0, "get", "nodes").out; strings.Count(out, "\n") != 13 {
		t.Errorf("get nodes shows %d lines, want a head and 12 nodes:\n%s", strings.Count(out, "\n"), out)
	}
	for _, args := range [][]string{
		{"get", "clusters"},
		{"get", "workloads"},
		{"get", "operations"},
		{"get", "nodes", "-o", "wide"},
		{"get", "nodes", "-o", "yaml"},
		{"get", "nodes", "w3", "-o", "json"},
		{"get", "nodes", "-o", "jsonpath={.items[*].name}"},
		{"get", "nodes", "-o", "name"},
		{"describe", "node", "w3"},
		{"describe", "cluster", "demo"},
		{"capacity"},
		{"capacity", "-o", "json"},
		{"whoami"},
		{"version"},
	} {
		if r := s.must(0, args...); r.out == "" && args[1] != "operations" {
			t.Errorf("kanrin %s says nothing", strings.Join(args, " "))
		}
	}
	var list struct{ Items []map[string]any }
	if err := json.Unmarshal([]byte(s.must(0, "get", "nodes", "-o", "json").out), &list); err != nil || len(list.Items) != 12 {
		t.Errorf("get nodes -o json: %d items, %v", len(list.Items), err)
	}
}

func drain(t *testing.T, s *server) {
	op := s.operation(s.must(0, "drain", "w6", "--yes", "-o", "json"))
	if op.Status.Phase != v1alpha1.PhaseSucceeded || op.Status.Report == nil {
		t.Fatalf("phase %s, report %v", op.Status.Phase, op.Status.Report)
	}
	if e, l := op.Status.Report.Measures["expected"], op.Status.Report.Measures["landed"]; l < e {
		t.Errorf("%d of %d pods landed", l, e)
	}
	node := s.must(0, "get", "nodes", "w6", "-o", "json").out
	if !strings.Contains(node, op.Name) {
		t.Errorf("the node does not say who cordoned it:\n%s", node)
	}
	if r := s.must(0, "drain", "w6", "--yes"); !strings.Contains(r.out+r.err, "w6") {
		t.Errorf("draining an empty node again says %q", r.out+r.err)
	}
	s.must(0, "uncordon", "w6", "--yes")
	if node := s.must(0, "get", "nodes", "w6", "-o", "json").out; strings.Contains(node, "cordonedBy") {
		t.Errorf("still cordoned after uncordon:\n%s", node)
	}
	s.must(0, "cordon", "w6", "--yes")
	s.must(0, "uncordon", "w6", "--yes")
}

func blockers(t *testing.T, s *server) {
	r := s.must(4, "drain", "w3", "--yes", "-o", "json")
	op := s.operation(r)
	found := map[string]bool{}
	for _, f := range op.Status.Plan.Findings {
		found[f.Code] = true
		if f.Severity == v1alpha1.SeverityBlocker && len(f.Ways) == 0 {
			t.Errorf("blocker %s has no way round", f.Code)
		}
	}
	if !found["BudgetNeverMet"] {
		t.Errorf("draining w3 finds %v, want BudgetNeverMet", found)
	}
	if node := s.must(0, "get", "nodes", "w3", "-o", "json").out; strings.Contains(node, "cordonedBy") {
		t.Error("a blocked drain has cordoned its node")
	}
	text := s.must(4, "drain", "w3", "--yes").out
	for _, want := range []string{"shop/web", "--surge shop/web", "--wait", "Nothing was changed"} {
		if !strings.Contains(text+r.err, want) && !strings.Contains(s.kanrin("drain", "w3", "--yes").err, want) {
			t.Errorf("the blocked plan does not say %q:\n%s", want, text)
		}
	}
	// The way round that it names works.
	s.settled(t)
	op = s.operation(s.must(0, "drain", "w3", "--surge", "shop/web", "--yes", "-o", "json"))
	if op.Status.Phase != v1alpha1.PhaseSucceeded {
		t.Errorf("with a surge: %s %s", op.Status.Phase, op.Status.Message)
	}
	s.must(0, "uncordon", "w3", "--yes")
}

func approval(t *testing.T, s *server) {
	first := s.operation(s.must(0, "drain", "w6", "--plan-only", "-o", "json"))
	second := s.operation(s.must(0, "drain", "w9", "--plan-only", "-o", "json"))
	name := "operation/" + first.Name
	s.must(5, "approve", name, "--plan", "000000000000")
	s.must(5, "approve", name, "--plan", second.Status.Plan.Digest)

	s.must(0, "approve", name, "--plan", first.Status.Plan.Digest)
	if r := s.kanrin("approve", "operation/"+second.Name, "--plan", second.Status.Plan.Digest); r.code == 6 {
		if !strings.Contains(r.err, first.Name) {
			t.Errorf("locked, but by whom? %s", r.err)
		}
	} else if s.get(first.Name).Status.FinishedAt == nil {
		t.Errorf("a second drain beside the first: exit %d\n%s", r.code, r.err)
	}
	s.must(5, "approve", name, "--plan", first.Status.Plan.Digest)
	eventually(t, time.Minute, "the approved drain is over", func() bool { return s.get(first.Name).Status.Phase == v1alpha1.PhaseSucceeded })
	s.must(5, "approve", name, "--plan", first.Status.Plan.Digest)
	s.kanrin("cancel", "operation/"+second.Name, "--yes")
	eventually(t, time.Minute, "the other is over", func() bool { return s.get(second.Name).Status.Phase.Terminal() })
	s.must(0, "uncordon", "w6", "w9", "--yes")
}

func mistakes(t *testing.T, s *server) {
	s.must(7, "drain", "nowhere", "--yes")
	s.must(7, "get", "nodes", "nowhere")
	s.must(7, "get", "operations", "nowhere")
	s.must(2, "drain")
	s.must(2, "drain", "w6", "--grace-period", "soon")
	s.must(2, "frobnicate")
	s.must(7, "watch", "operation/nowhere")
	garbage := filepath.Join(t.TempDir(), "garbage")
	for _, content := range []string{"", "\x00\x01\x02", "clusters: [", "just a sentence", `{"clusters": 7}`} {
		if err := os.WriteFile(garbage, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := s.as(garbage, "get", "nodes"); r.code != 2 || r.err == "" || r.out != "" {
			t.Errorf("kubeconfig %q: exit %d, %s", content, r.code, r.err)
		}
		if r := s.kanrin("cluster", "add", "bad", "--kubeconfig", garbage); r.code != 2 {
			t.Errorf("cluster add with kubeconfig %q: exit %d, %s", content, r.code, r.err)
		}
	}
	if out := s.must(0, "get", "clusters", "-o", "name").out; strings.Contains(out, "bad") {
		t.Errorf("something half-registered stays: %s", out)
	}
}
