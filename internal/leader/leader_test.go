package leader

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
)

// Names of the environment that makes this test binary a candidate, which tells of every moment in which it may act.
const (
	envKubeconfig = "KANRIN_TEST_LEADER_KUBECONFIG"
	envNamespace  = "KANRIN_TEST_LEADER_NAMESPACE"
)

var api *controlplanetest.API

func TestMain(m *testing.M) {
	if path := os.Getenv(envKubeconfig); path != "" {
		if err := candidate(path, os.Getenv(envNamespace)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(controlplanetest.Main(m, &api))
}

func quick(namespace string) Configuration {
	return Configuration{
		Namespace: namespace, Name: "kanrin-leader",
		LeaseDuration: 4 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 250 * time.Millisecond, Margin: time.Second,
	}
}

func newNamespace(t *testing.T) string {
	t.Helper()
	ns, err := api.Client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "leader-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return ns.Name
}

// worker counts how often it leads, and whether it still does.
type worker struct {
	*Leader
	terms   atomic.Int32
	working atomic.Bool
	epochs  sync.Map
}

func start(t *testing.T, conf Configuration, client kubernetes.Interface) *worker {
	t.Helper()
	w := &worker{}
	l, err := New(conf, Dependencies{Client: client, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), Lead: func(ctx context.Context, term *Term) {
		w.terms.Add(1)
		w.epochs.Store(term.Epoch(), true)
		w.working.Store(true)
		<-ctx.Done()
		w.working.Store(false)
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.Leader = l
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, w) })
	return w
}

func stop(t *testing.T, w *worker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func (w *worker) leads() bool { return w.Check() == nil && w.working.Load() }

func eventually(t *testing.T, what string, ok func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > time.Minute {
			t.Fatalf("waited for a minute: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
	return time.Since(began)
}

// neverBoth samples two candidates without pause until the test ends.
func neverBoth(t *testing.T, a, b *worker) {
	t.Helper()
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for samples := 0; ; samples++ {
			select {
			case <-done:
				t.Logf("%d samples", samples)
				return
			default:
			}
			// a before and after b: so both did pass at the moment in which b was asked.
			if a.Check() == nil && b.Check() == nil && a.Check() == nil {
				t.Error("both may act")
				return
			}
		}
	}()
	t.Cleanup(func() { close(done); <-stopped })
}

// proxy forwards TCP to the API until it is cut; then it keeps connections open and forwards nothing, as a lost network does.
type proxy struct {
	net.Listener
	to  string
	cut atomic.Bool
}

func startProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, to: to}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp4", to)
			if err != nil {
				in.Close()
				continue
			}
			go p.pipe(in, out)
			go p.pipe(out, in)
		}
	}()
	t.Cleanup(func() { l.Close() })
	return p
}

func (p *proxy) pipe(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		for p.cut.Load() {
			time.Sleep(5 * time.Millisecond)
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func through(t *testing.T, p *proxy) kubernetes.Interface {
	t.Helper()
	config := rest.CopyConfig(api.Config)
	config.Host = "https://" + p.Addr().String()
	config.Timeout = 2 * time.Second
	return kubernetes.NewForConfigOrDie(config)
}

func host(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(api.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func TestCutOff(t *testing.T) {
	ns := newNamespace(t)
	p := startProxy(t, host(t))
	a := start(t, quick(ns), through(t, p))
	eventually(t, "a leads", a.leads)
	b := start(t, quick(ns), api.Client)
	neverBoth(t, a, b)
	first := a.Epoch()
	if first <= 0 || b.Epoch() != 0 || b.Check() == nil || !b.Deadline().Before(time.Now()) {
		t.Fatalf("a in %d, b in %d: %v until %v", first, b.Epoch(), b.Check(), b.Deadline())
	}
	if d := time.Until(a.Deadline()); d <= 0 || d > 3*time.Second {
		t.Errorf("a's deadline is in %v", d)
	}

	p.cut.Store(true)
	took := eventually(t, "b leads", b.leads)
	t.Logf("b leads %v after the cut", took)
	if a.Check() == nil || a.working.Load() {
		t.Error("a works on")
	}
	second := b.Epoch()
	if second <= first {
		t.Errorf("epochs %d, %d do not grow", first, second)
	}

	p.cut.Store(false)
	stop(t, b)
	took = eventually(t, "a leads again", a.leads)
	t.Logf("a leads %v after b's orderly end", took)
	if a.Epoch() <= second || a.terms.Load() != 2 {
		t.Errorf("after epoch %d comes %d, in term %d of a", second, a.Epoch(), a.terms.Load())
	}
}

func TestCutOffAlone(t *testing.T) {
	ns := newNamespace(t)
	p := startProxy(t, host(t))
	a := start(t, quick(ns), through(t, p))
	eventually(t, "a leads", a.leads)
	before := a.Epoch()
	p.cut.Store(true)
	eventually(t, "a ends its term", func() bool { return a.Check() != nil && !a.working.Load() })
	p.cut.Store(false)
	took := eventually(t, "a leads again", a.leads)
	t.Logf("leads %v after the network is back", took)
	if a.Epoch() <= before {
		t.Errorf("epochs %d, %d do not grow", before, a.Epoch())
	}
}

func TestOrderlyHandover(t *testing.T) {
	ns := newNamespace(t)
	conf := quick(ns)
	conf.LeaseDuration, conf.RenewDeadline = time.Hour, time.Minute // so that only a release lets the other in
	a := start(t, conf, api.Client)
	eventually(t, "a leads", a.leads)
	b := start(t, conf, api.Client)
	neverBoth(t, a, b)
	stop(t, a)
	if a.working.Load() || a.Check() == nil || a.Epoch() != 0 {
		t.Error("a works on after its stop")
	}
	eventually(t, "b leads", b.leads)
}

func hold(t *testing.T, ns, holder string, d time.Duration) {
	t.Helper()
	seconds, transitions := int32(d/time.Second), int32(41)
	at := metav1.NewMicroTime(time.Now())
	_, err := api.Client.CoordinationV1().Leases(ns).Create(t.Context(), &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: "kanrin-leader"},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, LeaseTransitions: &transitions, RenewTime: &at, AcquireTime: &at},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func TestExclusiveStartDoesNotWaitForTheDead(t *testing.T) {
	ns := newNamespace(t)
	hold(t, ns, "killed-1234#3", time.Hour)
	conf := quick(ns)
	conf.LeaseDuration, conf.RenewDeadline, conf.Exclusive = time.Hour, time.Minute, true
	w := start(t, conf, api.Client)
	t.Logf("leads after %v", eventually(t, "leads", w.leads))
	if w.Epoch() != 42 {
		t.Errorf("epoch %d, want 42", w.Epoch())
	}
}

func TestOthersAreWaitedFor(t *testing.T) {
	ns := newNamespace(t)
	hold(t, ns, "alive-1234#3", 4*time.Second)
	w := start(t, quick(ns), api.Client)
	if took := eventually(t, "leads", w.leads); took < 4*time.Second {
		t.Errorf("leads after %v, before the lease of the other had run out", took)
	}
}

func TestDeletedLease(t *testing.T) {
	ns := newNamespace(t)
	w := start(t, quick(ns), api.Client)
	eventually(t, "leads", w.leads)
	before := w.Epoch()
	if err := api.Client.CoordinationV1().Leases(ns).Delete(t.Context(), "kanrin-leader", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "leads in another term", func() bool { return w.leads() && w.Epoch() != before })
	if w.Epoch() < before || w.terms.Load() != 2 {
		t.Errorf("after epoch %d comes %d, in term %d", before, w.Epoch(), w.terms.Load())
	}
}

func TestRobbedLease(t *testing.T) {
	ns := newNamespace(t)
	w := start(t, quick(ns), api.Client)
	eventually(t, "leads", w.leads)
	eventually(t, "robbed", func() bool { // races with renewals
		lease, err := api.Client.CoordinationV1().Leases(ns).Get(t.Context(), "kanrin-leader", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		thief := "thief"
		lease.Spec.HolderIdentity = &thief
		_, err = api.Client.CoordinationV1().Leases(ns).Update(t.Context(), lease, metav1.UpdateOptions{})
		return err == nil
	})
	// What the thief may do is fenced by nothing but the deadline; so the term must end by then.
	took := eventually(t, "term over", func() bool { return w.Check() != nil })
	if took > 3*time.Second {
		t.Errorf("the term went on for %v", took)
	}
}

// TestPausedProcess stops a leading process with SIGSTOP, lets another take over, and wakes it up: from the moment in which
// the other may act, it must not believe that it may.
func TestPausedProcess(t *testing.T) {
	ns := newNamespace(t)
	path := t.TempDir() + "/kubeconfig"
	if err := os.WriteFile(path, api.Kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envKubeconfig+"="+path, envNamespace+"="+ns)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var mu sync.Mutex
	var last time.Duration // since boot, when the child last found that it may act
	var moments int
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var at int64
			if _, err := fmt.Sscan(lines.Text(), &at); err == nil {
				mu.Lock()
				last, moments = time.Duration(at), moments+1
				mu.Unlock()
			}
		}
	}()
	count := func() int { mu.Lock(); defer mu.Unlock(); return moments }
	eventually(t, "the child leads", func() bool { return count() > 100 })
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	b := start(t, quick(ns), api.Client)
	eventually(t, "the other leads", func() bool { return b.Check() == nil })
	taken := sinceBoot()
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	// Long enough for many samples of the child: it would print again within a millisecond if it believed.
	time.Sleep(500 * time.Millisecond)
	mu.Lock()
	defer mu.Unlock()
	if last >= taken {
		t.Errorf("the woken process believed that it may act %v after the other could", last-taken)
	}
}

func candidate(path, namespace string) error {
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	l, err := New(quick(namespace), Dependencies{Client: client, Lead: func(ctx context.Context, _ *Term) { <-ctx.Done() }})
	if err != nil {
		return err
	}
	if err := l.Start(context.Background()); err != nil {
		return err
	}
	for w := io.Writer(os.Stdout); ; {
		at := sinceBoot() // before the check, so that a pause between the two is not held against it
		if l.Check() == nil {
			fmt.Fprintln(w, int64(at))
		}
		time.Sleep(200 * time.Microsecond)
	}
}

func TestConfiguration(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Configuration){
		"no lease":               func(c *Configuration) { c.Name = "" },
		"no margin":              func(c *Configuration) { c.Margin = 0 },
		"deadline past the term": func(c *Configuration) { c.RenewDeadline = 14 * time.Second },
		"retry too slow":         func(c *Configuration) { c.RetryPeriod = 6 * time.Second },
		"half seconds":           func(c *Configuration) { c.LeaseDuration += time.Second / 2 },
	} {
		c := Default()
		change(&c)
		if c.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := New(Default(), Dependencies{}); err == nil {
		t.Error("accepted without a client")
	}
}

func TestTerm(t *testing.T) {
	term := &Term{epoch: 7, valid: time.Minute, sent: now()}
	if err := term.Check(); err != nil {
		t.Error(err)
	}
	asleep := now()
	asleep.boot -= 2 * time.Minute
	term.renewed(asleep)
	if err := term.Check(); err == nil || !strings.Contains(err.Error(), "2m0s ago") || !term.Deadline().Before(time.Now()) {
		t.Errorf("after two minutes of sleep: %v, until %v", err, term.Deadline())
	}
	frozen := now()
	frozen.wall = frozen.wall.Add(-2 * time.Minute)
	term.renewed(frozen)
	if term.Check() == nil {
		t.Error("passes although the wall clock says that two minutes are gone")
	}
	term.renewed(now())
	term.end()
	if err := term.Check(); err == nil || !strings.Contains(err.Error(), "term 7 is over") {
		t.Errorf("after its end: %v", err)
	}
}
