package plan

import (
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"

	"kanrin.dev/kanrin/api/v1alpha1"
)

func sample() (*v1alpha1.Operation, *Draft) {
	op := &v1alpha1.Operation{Spec: v1alpha1.OperationSpec{Type: v1alpha1.OperationDrain, Drain: &v1alpha1.DrainSpec{Nodes: []string{"w3"}}}}
	op.Namespace = "prod"
	return op, &Draft{
		Plan: v1alpha1.Plan{
			Steps: []v1alpha1.Step{
				{ID: "cordon", Kind: "cordon", Targets: []string{"w3"}, Undo: "uncordon"},
				{ID: "evict-1", Kind: "evict", Members: 1, Args: &runtime.RawExtension{Raw: []byte(`{}`)}},
			},
			Findings: []v1alpha1.Finding{{Severity: v1alpha1.SeverityWarning, Code: "LocalData", Object: "data/search-1"}},
		},
		Members: []v1alpha1.Member{{Step: "evict-1", Object: "shop/cart-5", UID: "u5", Action: "Evict", To: "w6"}},
		Facts:   map[string]int{"pods": 1},
	}
}

func sealed(t *testing.T, change func(*v1alpha1.Operation, *Draft)) string {
	t.Helper()
	op, d := sample()
	if change != nil {
		change(op, d)
	}
	if err := Seal(op, d, time.Now()); err != nil {
		t.Fatal(err)
	}
	return d.Plan.Digest
}

// The digest covers what is done and what was shown as a risk, and nothing that may differ between two looks at the same world.
func TestDigestCovers(t *testing.T) {
	plain := sealed(t, nil)
	for name, change := range map[string]func(*v1alpha1.Operation, *Draft){
		"a target":           func(_ *v1alpha1.Operation, d *Draft) { d.Plan.Steps[0].Targets = []string{"w4"} },
		"a member":           func(_ *v1alpha1.Operation, d *Draft) { d.Members[0].UID = "u6" },
		"a member's action":  func(_ *v1alpha1.Operation, d *Draft) { d.Members[0].Action = "Delete" },
		"an argument":        func(_ *v1alpha1.Operation, d *Draft) { d.Plan.Steps[1].Args.Raw = []byte(`{"graceSeconds":0}`) },
		"a finding":          func(_ *v1alpha1.Operation, d *Draft) { d.Plan.Findings[0].Object = "data/search-2" },
		"a severity":         func(_ *v1alpha1.Operation, d *Draft) { d.Plan.Findings[0].Severity = v1alpha1.SeverityInfo },
		"the order of steps": func(_ *v1alpha1.Operation, d *Draft) { s := d.Plan.Steps; s[0], s[1] = s[1], s[0] },
		"the request":        func(o *v1alpha1.Operation, _ *Draft) { o.Spec.Drain.Wait = true },
		"the cluster":        func(o *v1alpha1.Operation, _ *Draft) { o.Namespace = "dev" },
		"no return":          func(_ *v1alpha1.Operation, d *Draft) { d.Plan.PointOfNoReturn = "evict-1" },
	} {
		if sealed(t, change) == plain {
			t.Errorf("a plan that differs in %s has the same digest", name)
		}
	}
	for name, change := range map[string]func(*v1alpha1.Operation, *Draft){
		"the forecast":      func(_ *v1alpha1.Operation, d *Draft) { d.Plan.Forecast.Seconds = 99; d.Members[0].To = "w7" },
		"the approver":      func(o *v1alpha1.Operation, _ *Draft) { o.Spec.ApprovedBy = "somebody" },
		"a pause":           func(o *v1alpha1.Operation, _ *Draft) { o.Spec.Paused = true },
		"the facts' detail": func(_ *v1alpha1.Operation, d *Draft) { d.Facts = map[string]int{"pods": 2} },
	} {
		if sealed(t, change) != plain {
			t.Errorf("a plan that differs in %s alone has another digest", name)
		}
	}
}

func TestSealRefuses(t *testing.T) {
	for name, change := range map[string]func(*Draft){
		"the same id twice":      func(d *Draft) { d.Plan.Steps[1].ID = "cordon" },
		"a step without kind":    func(d *Draft) { d.Plan.Steps[0].Kind = "" },
		"a member of no step":    func(d *Draft) { d.Members[0].Step = "evict-9" },
		"facts that are no data": func(d *Draft) { d.Facts = make(chan int) },
	} {
		op, d := sample()
		change(d)
		if err := Seal(op, d, time.Now()); err == nil {
			t.Errorf("%s was sealed", name)
		}
	}
	op, d := sample()
	d.Plan.Findings[0].Message = strings.Repeat("x", MaxPlanBytes)
	var f *Failure
	if err := Seal(op, d, time.Now()); !errors.As(err, &f) || f.Reason != v1alpha1.ReasonInvalidInput {
		t.Errorf("a plan of %d bytes: %v", MaxPlanBytes, err)
	}
}

func TestMembersSurvivePacking(t *testing.T) {
	var in []v1alpha1.Member
	for i := range 20000 {
		in = append(in, v1alpha1.Member{Step: "evict-1", Object: "shop/cart-" + strings.Repeat("x", i%50), UID: "u"})
	}
	chunks, err := pack(in)
	if err != nil {
		t.Fatal(err)
	}
	var out []v1alpha1.Member
	for _, c := range chunks {
		if len(c.data) > v1alpha1.MaxChunkBytes {
			t.Errorf("a chunk has %d bytes", len(c.data))
		}
		lines, err := Unpack[v1alpha1.Member](c.data)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, lines...)
	}
	if len(chunks) < 2 || len(out) != len(in) {
		t.Errorf("%d chunks, %d of %d members came back", len(chunks), len(out), len(in))
	}
	a, _ := membersDigest(in)
	if b, _ := membersDigest(out); a != b {
		t.Error("the members came back changed")
	}
}

func FuzzUnpack(f *testing.F) {
	chunks, _ := pack([]v1alpha1.Member{{Step: "a", Object: "b/c"}})
	f.Add(chunks[0].data)
	f.Add([]byte{})
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = Unpack[v1alpha1.Member](data) // an error or lines, never a panic
	})
}

func TestInterlock(t *testing.T) {
	op := func(name string, t v1alpha1.OperationType, p v1alpha1.Phase, nodes ...string) v1alpha1.Operation {
		o := v1alpha1.Operation{}
		o.Name, o.Namespace, o.Spec.Type, o.Status.Phase = name, "prod", t, p
		switch t {
		case v1alpha1.OperationDrain:
			o.Spec.Drain = &v1alpha1.DrainSpec{Nodes: nodes}
		case v1alpha1.OperationCordon:
			o.Spec.Cordon = &v1alpha1.NodesSpec{Nodes: nodes}
		case v1alpha1.OperationUncordon:
			o.Spec.Uncordon = &v1alpha1.NodesSpec{Nodes: nodes}
		}
		return o
	}
	drain, cordon := v1alpha1.OperationDrain, v1alpha1.OperationCordon
	for _, c := range []struct {
		name   string
		op     v1alpha1.Operation
		other  v1alpha1.Operation
		object string
	}{
		{"two drains", op("a", drain, "", "w1"), op("b", drain, v1alpha1.PhaseRunning, "w2"), "prod"},
		{"a paused drain is at work", op("a", drain, "", "w1"), op("b", drain, v1alpha1.PhasePaused, "w2"), "prod"},
		{"a planned one is not", op("a", drain, "", "w1"), op("b", drain, v1alpha1.PhasePlanned, "w1"), ""},
		{"a finished one is not", op("a", drain, "", "w1"), op("b", drain, v1alpha1.PhaseSucceeded, "w1"), ""},
		{"cordon elsewhere", op("a", cordon, "", "w1"), op("b", drain, v1alpha1.PhaseRunning, "w2"), ""},
		{"uncordon under a drain", op("a", v1alpha1.OperationUncordon, "", "w2"), op("b", drain, v1alpha1.PhaseRunning, "w1", "w2"), "w2"},
		{"itself", op("a", drain, v1alpha1.PhaseRunning, "w1"), op("a", drain, v1alpha1.PhaseRunning, "w1"), ""},
	} {
		other, object := Interlock(&c.op, []v1alpha1.Operation{c.other})
		if object != c.object || (other != nil) != (c.object != "") {
			t.Errorf("%s: stopped by %v over %q, want %q", c.name, other, object, c.object)
		}
	}
}
