package e2e

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// A drain survives SIGKILL of the whole program at any moment: no child is left alive, the next start carries on, the operation ends, and
// nothing that was not there before is left cordoned after its undo.
func TestKilledAtRandomMoments(t *testing.T) {
	times := 3
	if full {
		times = 20
	}
	s := newServer(t, "--demo").start()
	running(t, s)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for i := range times {
		cancel := i%4 == 3
		op := s.operation(s.must(0, "drain", "w6", "w9", "--plan-only", "-o", "json"))
		s.must(0, "approve", "operation/"+op.Name, "--plan", op.Status.Plan.Digest)
		if cancel {
			s.kanrin("cancel", "operation/"+op.Name, "--yes")
		}
		moment := time.Duration(random.Int64N(int64(6 * time.Second)))
		time.Sleep(moment) // the one thing that this test is about: any moment
		s.kill()
		if left := processes(s.dir); len(left) > 0 {
			eventually(t, 5*time.Second, "the children of a killed server are gone", func() bool { return len(processes(s.dir)) == 0 })
		}
		s.start()
		eventually(t, 2*time.Minute, "the drain is over after a kill", func() bool {
			r := s.kanrin("get", "operations", op.Name, "-o", "json")
			return r.code == 0 && s.operation(r).Status.Phase.Terminal()
		})
		got := s.get(op.Name)
		want := v1alpha1.PhaseSucceeded
		if cancel && got.Status.Phase == v1alpha1.PhaseCancelled {
			want = v1alpha1.PhaseCancelled
		}
		if got.Status.Phase != want {
			t.Fatalf("kill %d after %s: %s, %s", i, moment, got.Status.Phase, got.Status.Message)
		}
		for _, st := range got.Status.Steps {
			if want == v1alpha1.PhaseSucceeded && st.State != v1alpha1.StepDone && st.State != v1alpha1.StepSkipped {
				t.Errorf("kill %d after %s: step %s is %s", i, moment, st.ID, st.State)
			}
		}
		if want == v1alpha1.PhaseCancelled {
			if out := s.must(0, "get", "nodes", "-o", "json").out; strings.Contains(out, "cordonedBy") {
				t.Errorf("kill %d after %s: something is left cordoned after the undo", i, moment)
			}
			continue
		}
		s.must(0, "uncordon", "w6", "w9", "--yes")
	}
}

// running waits until the demo's pods run.
func running(t *testing.T, s *server) {
	t.Helper()
	eventually(t, 2*time.Minute, "the demo runs", func() bool {
		r := s.kanrin("get", "workloads", "--cluster", "demo", "-o", "json")
		return r.code == 0 && strings.Count(r.out, `"state": "Healthy"`) >= 8 && !strings.Contains(r.out, `"state": "Progressing"`)
	})
}

// The second start is quick, and knows all that the first did.
func TestSecondStart(t *testing.T) {
	s := newServer(t, "--demo").start()
	running(t, s)
	op := s.operation(s.must(0, "drain", "w6", "--yes", "-o", "json"))
	s.stop()
	began := time.Now()
	s.start()
	t.Logf("second start: %s", time.Since(began).Round(100*time.Millisecond))
	if got := s.get(op.Name); got.Status.Phase != v1alpha1.PhaseSucceeded || got.Status.Plan.Digest != op.Status.Plan.Digest {
		t.Errorf("after a restart: %s %s", got.Status.Phase, got.Status.Plan.Digest)
	}
	eventually(t, time.Minute, "the node is still cordoned", func() bool {
		r := s.kanrin("get", "nodes", "w6", "-o", "json")
		return r.code == 0 && strings.Contains(r.out, op.Name)
	})
}
