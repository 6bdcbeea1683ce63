package hosts_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/hosts/hoststest"
)

func TestExitCodes(t *testing.T) {
	m := on(t, hoststest.Start(t, hoststest.Options{}), hosts.Limits{})
	for script, want := range map[string]int{"exit 3": 3, "exit 255": 255, "kill -9 $$": 137, "no-such-program-here": 127} {
		r, err := m.Script(t.Context(), "echo some words >&2\n"+script)
		var exit *hosts.ExitError
		if !errors.As(err, &exit) || exit.Code != want || r.ExitCode != want || !strings.Contains(exit.Stderr, "some words") {
			t.Errorf("%s: %v, want exit code %d", script, err, want)
		}
	}
}

func TestHostileArguments(t *testing.T) {
	m := on(t, hoststest.Start(t, hoststest.Options{}), hosts.Limits{})
	args := []string{
		"", " ", "'", `"`, `\`, "'; touch /tmp/kanrin-was-here; '", "$(id)", "`id`", "$HOME", "*", "~", "!!", "a\nb", "\t", "-n", "--", "é", "日本語",
		"\x01\x7f", "\xff\xfe", "&& false", "|| true", "> /dev/null", "#", strings.Repeat("x", 50000), "%s%n", "\\'", "''", "'\\''",
	}
	want := &bytes.Buffer{}
	for _, a := range args {
		fmt.Fprintf(want, "%s\x00", a)
	}
	for name, run := range map[string]func() (*hosts.Result, error){
		"run": func() (*hosts.Result, error) {
			return m.Run(t.Context(), hosts.Command{Args: append([]string{"/usr/bin/printf", `%s\0`}, args...)})
		},
		"script": func() (*hosts.Result, error) { return m.Script(t.Context(), `printf '%s\0' "$@"`, args...) },
	} {
		r, err := run()
		must(t, err)
		if !bytes.Equal(r.Stdout, want.Bytes()) {
			t.Errorf("%s: the arguments arrived as %.200q", name, r.Stdout)
		}
	}
	if _, err := m.Run(t.Context(), hosts.Command{Args: []string{"echo", "a\x00b"}}); err == nil {
		t.Error("an argument with a NUL byte was sent")
	}
	if _, err := m.Run(t.Context(), hosts.Command{}); err == nil {
		t.Error("no command at all was sent")
	}
}

func TestStreams(t *testing.T) {
	m := on(t, hoststest.Start(t, hoststest.Options{}), hosts.Limits{})
	const size = 64 << 20
	sum := sha256.New()
	counted := &counter{to: sum}
	_, err := m.Run(t.Context(), hosts.Command{Args: []string{"head", "-c", fmt.Sprint(size), "/dev/zero"}, Stdout: counted})
	must(t, err)
	if counted.n != size {
		t.Errorf("%d bytes arrived", counted.n)
	}
	r, err := m.Run(t.Context(), hosts.Command{Args: []string{"head", "-c", fmt.Sprint(size), "/dev/zero"}})
	must(t, err)
	if !r.Truncated || len(r.Stdout) != 4<<20 {
		t.Errorf("kept %d bytes, truncated %v", len(r.Stdout), r.Truncated)
	}
	var back bytes.Buffer
	text := strings.Repeat("both ways ", 1<<20)
	_, err = m.Run(t.Context(), hosts.Command{Args: []string{"cat"}, Stdin: strings.NewReader(text), Stdout: &back})
	must(t, err)
	if back.String() != text {
		t.Error("what went in did not come back")
	}
	// A command that does not read what it is given, and a writer that fails, hold nothing up.
	_, err = m.Run(t.Context(), hosts.Command{Args: []string{"true"}, Stdin: strings.NewReader(text)})
	must(t, err)
	_, err = m.Run(t.Context(), hosts.Command{Args: []string{"cat", "/dev/zero"}, Stdout: &counter{to: io.Discard, limit: 1 << 20}})
	if !errors.Is(err, errFull) {
		t.Errorf("a failing writer gives %v", err)
	}
}

var errFull = errors.New("full")

type counter struct {
	to       io.Writer
	n, limit int
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += len(p)
	if c.limit > 0 && c.n > c.limit {
		return 0, errFull
	}
	return c.to.Write(p)
}

// More commands at once than sshd allows sessions on a connection, over one connection.
func TestConcurrent(t *testing.T) {
	for _, sessions := range []string{"10", "2"} {
		s := hoststest.Start(t, hoststest.Options{Extra: []string{"MaxSessions " + sessions}})
		m := on(t, s, hosts.Limits{})
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				r, err := m.Run(t.Context(), hosts.Command{Args: []string{"echo", fmt.Sprint(i)}})
				if err != nil || strings.TrimSpace(string(r.Stdout)) != fmt.Sprint(i) {
					t.Errorf("command %d: %v", i, err)
				}
			})
		}
		all.Wait()
		if n := strings.Count(s.Log(), "Accepted publickey"); n != 1 {
			t.Errorf("%d connections were made, want one", n)
		}
	}
}

func TestContextEndsCommand(t *testing.T) {
	m := on(t, hoststest.Start(t, hoststest.Options{}), hosts.Limits{})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := m.Run(ctx, hosts.Command{Args: []string{"sleep", "600"}})
	if !errors.Is(err, context.DeadlineExceeded) || hosts.StateOf(err) != v1alpha1.HostUnknown || time.Since(began) > 3*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	_, err = m.Run(t.Context(), hosts.Command{Args: []string{"sleep", "600"}, Timeout: 300 * time.Millisecond})
	if e := hasState(t, err, v1alpha1.HostNoAnswer); e.Params["why"] != "slow" {
		t.Errorf("params %v", e.Params)
	}
	_, err = m.Run(t.Context(), echo) // the connection has outlived it
	must(t, err)
}

func TestConnectionDropsInMidCommand(t *testing.T) {
	s := hoststest.Start(t, hoststest.Options{})
	m := on(t, s, hosts.Limits{})
	_, err := m.Run(t.Context(), echo)
	must(t, err)
	time.AfterFunc(300*time.Millisecond, s.Drop)
	began := time.Now()
	_, err = m.Run(t.Context(), hosts.Command{Args: []string{"sleep", "20"}})
	if e := hasState(t, err, v1alpha1.HostNoAnswer); e.Params["why"] != "lost" || time.Since(began) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(began), e.Params)
	}
	_, err = m.Run(t.Context(), echo)
	must(t, err)
}

// A machine that stands still, as one that lost its power without a word, is noticed within 15 s.
func TestHangInMidCommand(t *testing.T) {
	t.Parallel()
	s := hoststest.Start(t, hoststest.Options{})
	m := on(t, s, hosts.Limits{})
	_, err := m.Run(t.Context(), echo)
	must(t, err)
	time.AfterFunc(300*time.Millisecond, func() { s.Signal(syscall.SIGSTOP) })
	began := time.Now()
	_, err = m.Run(t.Context(), hosts.Command{Args: []string{"sleep", "60"}})
	took := time.Since(began)
	hasState(t, err, v1alpha1.HostNoAnswer)
	if took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
	t.Logf("noticed after %v", took)
	_, err = m.Run(t.Context(), echo) // the server itself lives: a new connection works
	must(t, err)
}

func TestRestartedServerIsRedialled(t *testing.T) {
	s := hoststest.Start(t, hoststest.Options{})
	m := on(t, s, hosts.Limits{})
	for range 3 {
		_, err := m.Run(t.Context(), echo)
		must(t, err)
		s.Restart(t)
	}
	s.Stop()
	_, err := m.Run(t.Context(), echo)
	hasState(t, err, v1alpha1.HostUnreachable)
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	s := hoststest.Start(t, hoststest.Options{})
	m := on(t, s, hosts.Limits{Idle: 200 * time.Millisecond})
	_, err := m.Run(t.Context(), hosts.Command{Args: []string{"sleep", "0.7"}}) // not idle, however long
	must(t, err)
	deadline := time.Now().Add(10 * time.Second)
	for !strings.Contains(s.Log(), "Connection closed") && !strings.Contains(s.Log(), "Disconnected") {
		if time.Now().After(deadline) {
			t.Fatal("the idle connection was not closed")
		}
		time.Sleep(20 * time.Millisecond)
	}
	_, err = m.Run(t.Context(), echo)
	must(t, err)
}

func TestClosedPool(t *testing.T) {
	s := hoststest.Start(t, hoststest.Options{})
	h, secret := s.Objects(cluster, "w1")
	p, _ := pool(t, hosts.Limits{}, h, secret)
	m, err := p.Machine(t.Context(), cluster, "w1")
	must(t, err)
	_, err = m.Run(t.Context(), echo)
	must(t, err)
	p.Close()
	if _, err = m.Run(t.Context(), echo); !errors.Is(err, hosts.ErrClosed) {
		t.Errorf("a closed pool gives %v", err)
	}
}

func TestWaitReachable(t *testing.T) {
	s := hoststest.Start(t, hoststest.Options{})
	m := on(t, s, hosts.Limits{})
	s.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	if err := m.WaitReachable(ctx); !errors.Is(err, context.DeadlineExceeded) || hosts.StateOf(err) != v1alpha1.HostUnreachable {
		t.Errorf("waiting in vain gives %v", err)
	}
	waited := make(chan error, 1)
	go func() { waited <- m.WaitReachable(t.Context()) }()
	time.Sleep(500 * time.Millisecond)
	s.Restart(t)
	must(t, <-waited)
}

func TestUnit(t *testing.T) {
	m := on(t, hoststest.Start(t, hoststest.Options{}), hosts.Limits{})
	for _, bad := range []string{"", "-x", "a b", "a;b", "../x", "a/b"} {
		if _, err := m.Unit(t.Context(), bad); err == nil {
			t.Errorf("unit %q was asked for", bad)
		}
		if err := m.Systemctl(t.Context(), "start", bad); err == nil {
			t.Errorf("unit %q was started", bad)
		}
	}
	if err := m.Systemctl(t.Context(), "poweroff", "x"); err == nil {
		t.Error("a verb was accepted that is not in the list")
	}
}
