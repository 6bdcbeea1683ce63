package follow

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/lang"
)

// stage is a follower in a bubble of time that the test moves.
type stage struct {
	talk   talk
	sights chan client.Sight
	done   chan result
}

// talk is what was said; the bubble's clock is no synchronisation, so it has a lock.
type talk struct {
	mu sync.Mutex
	b  strings.Builder
}

func (t *talk) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *talk) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

func (t *talk) Reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b.Reset()
}

type result struct {
	op  *v1alpha1.Operation
	err error
}

func play(ctx context.Context, terminal bool, stop func(*v1alpha1.Operation) bool) *stage {
	s := &stage{sights: make(chan client.Sight), done: make(chan result, 1)}
	f := New(Configuration{
		Streams: &cli.Streams{Err: &s.talk, ErrTerminal: terminal}, Lang: lang.English, Ref: "operation/x", Server: "https://ops:8443",
		Explain: func(err error) string { return err.Error() },
	})
	go func() {
		op, err := f.Until(ctx, s.sights, stop)
		s.done <- result{op, err}
	}()
	return s
}

// see hands over a sight and returns when it has been drawn.
func (s *stage) see(sight client.Sight) {
	s.sights <- sight
	synctest.Wait()
}

// pass lets time pass; the follower's own ticks have been drawn when it returns.
func (s *stage) pass(d time.Duration) {
	time.Sleep(d + time.Millisecond)
	synctest.Wait()
}

func bubble(t *testing.T, f func(t *testing.T)) { t.Helper(); synctest.Test(t, f) }

func running(at time.Time, wait *v1alpha1.Wait, states ...v1alpha1.StepState) client.Sight {
	op := &v1alpha1.Operation{}
	op.Name, op.Namespace = "x", "demo"
	op.Spec.ApprovedPlan = "aaa"
	op.Status.Phase = v1alpha1.PhaseRunning
	op.Status.Waiting = wait
	op.Status.Plan = &v1alpha1.Plan{Digest: "aaa"}
	for i, st := range states {
		id := string(rune('a' + i))
		op.Status.Plan.Steps = append(op.Status.Plan.Steps, v1alpha1.Step{ID: id, Kind: "none", Title: "Step " + id, ForecastSeconds: 5, TimeoutSeconds: 60})
		started := metav1.NewMicroTime(at)
		entry := v1alpha1.StepStatus{ID: id, State: st, StartedAt: &started}
		if final(st) {
			entry.FinishedAt = &started
		}
		op.Status.Steps = append(op.Status.Steps, entry)
	}
	return client.Sight{Operation: op}
}

func terminal(op *v1alpha1.Operation) bool { return op.Status.Phase.Terminal() }

func TestPlainSaysSomethingEveryTenSeconds(t *testing.T) {
	bubble(t, plainSaysSomethingEveryTenSeconds)
}

func plainSaysSomethingEveryTenSeconds(t *testing.T) {
	s := play(t.Context(), false, terminal)
	began := time.Now()
	s.see(running(began, nil, v1alpha1.StepRunning, v1alpha1.StepPending))
	s.pass(9 * time.Second)
	if s.talk.String() != "" {
		t.Errorf("a step that has only begun is no news: %q", s.talk.String())
	}
	s.pass(time.Second)
	if got := s.talk.String(); strings.Count(got, "Step a") != 1 || !strings.Contains(got, "10 s of ~5 s") {
		t.Errorf("after 10 s: %q", got)
	}
	s.talk.Reset()
	s.pass(35 * time.Second)
	if n := strings.Count(s.talk.String(), "Step a"); n != 3 {
		t.Errorf("in 35 s it was said %d times:\n%s", n, s.talk.String())
	}
	s.talk.Reset()
	s.see(running(began, nil, v1alpha1.StepDone, v1alpha1.StepRunning))
	if got := s.talk.String(); !strings.Contains(got, "✓ 1  Step a") {
		t.Errorf("the end of a step: %q", got)
	}
	s.see(running(began, nil, v1alpha1.StepDone, v1alpha1.StepRunning))
	if n := strings.Count(s.talk.String(), "Step a"); n != 1 {
		t.Errorf("the end of a step was said %d times", n)
	}
	over := running(began, nil, v1alpha1.StepDone, v1alpha1.StepDone)
	over.Operation.Status.Phase = v1alpha1.PhaseSucceeded
	s.sights <- over
	if r := <-s.done; r.err != nil || r.op.Status.Phase != v1alpha1.PhaseSucceeded {
		t.Errorf("the end: %+v", r)
	}
	if !strings.Contains(s.talk.String(), "✓ 2  Step b") {
		t.Errorf("the last step is missing:\n%s", s.talk.String())
	}
}

func TestPlainTellsWaitsAtOnceAndAgain(t *testing.T) { bubble(t, plainTellsWaitsAtOnceAndAgain) }

func plainTellsWaitsAtOnceAndAgain(t *testing.T) {
	s := play(t.Context(), false, terminal)
	began := time.Now()
	wait := &v1alpha1.Wait{Code: "Budget", Object: "shop/cart", Since: metav1.NewMicroTime(began), Params: map[string]string{"healthy": "4", "desired": "5", "pods": "2"}}
	s.see(running(began, wait, v1alpha1.StepRunning))
	if got := s.talk.String(); got != "" {
		t.Errorf("a wait that has only begun is no news: %q", got)
	}
	s.pass(3 * time.Second)
	if got := s.talk.String(); !strings.Contains(got, "waiting 3 s: budget shop/cart") || !strings.Contains(got, "kanrin pause|cancel operation/x") {
		t.Errorf("a wait is news, with its way out: %q", got)
	}
	s.talk.Reset()
	s.pass(30 * time.Second)
	if n := strings.Count(s.talk.String(), "waiting"); n != 3 || !strings.Contains(s.talk.String(), "waiting 33 s") {
		t.Errorf("in 30 s it was said %d times:\n%s", n, s.talk.String())
	}
	s.talk.Reset()
	wait.Object = "shop/web"
	s.see(running(began, wait, v1alpha1.StepRunning))
	if !strings.Contains(s.talk.String(), "shop/web") {
		t.Errorf("another wait is news: %q", s.talk.String())
	}
	s.sights <- client.Sight{End: errors.New("gone")}
	if r := <-s.done; r.err == nil || r.op == nil {
		t.Errorf("the end: %+v", r)
	}
}

func TestLostContact(t *testing.T) { bubble(t, lostContact) }

func lostContact(t *testing.T) {
	s := play(t.Context(), false, terminal)
	s.see(running(time.Now(), nil, v1alpha1.StepRunning))
	s.see(client.Sight{Trouble: errors.New("connection refused"), Since: time.Now()})
	if got := s.talk.String(); !strings.Contains(got, "no contact with https://ops:8443") || !strings.Contains(got, "connection refused") {
		t.Errorf("lost contact: %q", got)
	}
	s.talk.Reset()
	s.pass(20 * time.Second)
	if n := strings.Count(s.talk.String(), "no contact"); n != 2 {
		t.Errorf("in 20 s it was said %d times:\n%s", n, s.talk.String())
	}
	close(s.sights)
	if r := <-s.done; !errors.Is(r.err, ErrEnded) {
		t.Errorf("the end: %v", r.err)
	}
}

func TestBreakingOff(t *testing.T) { bubble(t, breakingOff) }

func breakingOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := play(ctx, false, terminal)
	s.see(running(time.Now(), nil, v1alpha1.StepRunning))
	cancel()
	if r := <-s.done; !errors.Is(r.err, context.Canceled) || r.op == nil {
		t.Errorf("the end: %+v", r)
	}
}

func TestLiveRewritesInPlace(t *testing.T) {
	t.Setenv("TERM", "xterm")
	bubble(t, liveRewritesInPlace)
}

func liveRewritesInPlace(t *testing.T) {
	s := play(t.Context(), true, terminal)
	began := time.Now()
	s.see(running(began, nil, v1alpha1.StepRunning))
	s.pass(2 * time.Second)
	if n := strings.Count(s.talk.String(), "\x1b[1F\x1b[J"); n != 2 {
		t.Errorf("rewritten %d times: %q", n, s.talk.String())
	}
	over := running(began, nil, v1alpha1.StepDone)
	over.Operation.Status.Phase = v1alpha1.PhaseSucceeded
	s.sights <- over
	<-s.done
	if !strings.HasSuffix(s.talk.String(), "(forecast 5 s)\n") {
		t.Errorf("what stays: %q", s.talk.String())
	}
}

func TestClip(t *testing.T) {
	for _, tc := range []struct {
		line string
		n    int
		want string
	}{
		{"abcdef", 4, "abc…"}, {"\x1b[31mabc\x1b[0mdef", 10, "\x1b[31mabc\x1b[0mdef"}, {"\x1b[31mabc\x1b[0mdef", 5, "\x1b[31mabc\x1b[0md…\x1b[0m"}, {"\x1b[31mabcdef\x1b[0m", 3, "\x1b[31mab…\x1b[0m"},
	} {
		if got := clip(tc.line, tc.n); got != tc.want {
			t.Errorf("clip(%q, %d) = %q, want %q", tc.line, tc.n, got, tc.want)
		}
	}
}
