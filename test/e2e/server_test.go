package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// full says that everything is to be repeated as often as it takes to believe it.
var full = os.Getenv("KANRIN_E2E") == "full"

func program(t testing.TB, name, env string) string {
	t.Helper()
	path := os.Getenv(env)
	if path == "" {
		path, _ = filepath.Abs(filepath.Join("..", "..", "bin", name))
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is not built: %v; run make build", name, err)
	}
	return path
}

// server is one `kanrin up`.
type server struct {
	t    testing.TB
	dir  string
	port int
	args []string
	// wrap is put in front of the command line, such as unshare.
	wrap []string

	mu  sync.Mutex
	cmd *exec.Cmd
	out *buffer
	end chan struct{}
}

// newServer prepares a server with a data directory of its own; it is stopped with the test.
func newServer(t testing.TB, args ...string) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), port: freePort(t), args: args, out: &buffer{}}
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("kanrin up said:\n%s", tail(s.out.String(), 6000))
		}
	})
	return s
}

// start starts it and waits until the console answers ready.
func (s *server) start() *server {
	s.t.Helper()
	s.spawn()
	s.ready(2 * time.Minute)
	return s
}

func (s *server) spawn() {
	s.t.Helper()
	line := append(append([]string{}, s.wrap...), program(s.t, "kanrin", "KANRIN"), "up", "--data-dir", s.dir, "--listen", fmt.Sprintf("127.0.0.1:%d", s.port), "-v")
	line = append(line, s.args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append(os.Environ(), "KANRIN_KUBE="+program(s.t, "kanrin-kube", "KANRIN_KUBE"), "KANRIN_LANG=en")
	cmd.Stdout, cmd.Stderr = s.out, s.out
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("starting kanrin up: %v", err)
	}
	end := make(chan struct{})
	go func() { _ = cmd.Wait(); close(end) }()
	s.mu.Lock()
	s.cmd, s.end = cmd, end
	s.mu.Unlock()
}

func (s *server) ready(limit time.Duration) {
	s.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		if _, err := os.Stat(s.kubeconfig()); err == nil && s.healthy() {
			return
		}
		select {
		case <-s.end:
			s.t.Fatalf("kanrin up ended while it was starting:\n%s", tail(s.out.String(), 4000))
		case <-time.After(100 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("kanrin up was not ready within %s", limit)
		}
	}
}

var insecure = &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}

func (s *server) healthy() bool {
	res, err := insecure.Get(fmt.Sprintf("https://127.0.0.1:%d/readyz", s.port))
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func (s *server) kubeconfig() string { return filepath.Join(s.dir, "admin.kubeconfig") }

// signal sends a signal; stop sends SIGINT and waits for the end; kill is SIGKILL.
func (s *server) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(sig) // it may have ended
	}
}

func (s *server) wait(limit time.Duration) bool {
	s.mu.Lock()
	end := s.end
	s.mu.Unlock()
	if end == nil {
		return true
	}
	select {
	case <-end:
		return true
	case <-time.After(limit):
		return false
	}
}

func (s *server) stop() {
	s.signal(syscall.SIGCONT)
	s.signal(syscall.SIGINT)
	if !s.wait(time.Minute) {
		s.t.Errorf("kanrin up did not stop within a minute of Ctrl-C")
		s.kill()
	}
	s.none()
}

func (s *server) kill() {
	s.signal(syscall.SIGKILL)
	s.wait(10 * time.Second)
}

// none fails when a process of this server's data directory is still alive.
func (s *server) none() {
	s.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := processes(s.dir)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			s.t.Errorf("still running after the end of kanrin up:\n%s", strings.Join(left, "\n"))
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// processes are the command lines that name the directory.
func processes(dir string) []string {
	var out []string
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range all {
		data, err := os.ReadFile(f)
		if err == nil && bytes.Contains(data, []byte(dir)) {
			out = append(out, strings.TrimPrefix(filepath.Dir(f), "/proc/")+" "+strings.ReplaceAll(string(data), "\x00", " "))
		}
	}
	return out
}

// result of a command.
type result struct {
	out, err string
	code     int
}

// kanrin runs the command line against the server, without a terminal.
func (s *server) kanrin(args ...string) result {
	s.t.Helper()
	return s.as(s.kubeconfig(), args...)
}

func (s *server) as(kubeconfig string, args ...string) result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(s.t, "kanrin", "KANRIN"), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "KANRIN_LANG=en", "NO_COLOR=1")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	code := 0
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		s.t.Fatalf("running kanrin %s: %v", strings.Join(args, " "), err)
	}
	return result{out.String(), errs.String(), code}
}

// must runs the command line and fails the test unless it exits with the code.
func (s *server) must(code int, args ...string) result {
	s.t.Helper()
	r := s.kanrin(args...)
	if r.code != code {
		s.t.Fatalf("kanrin %s: exit %d, want %d\nstdout:\n%s\nstderr:\n%s", strings.Join(args, " "), r.code, code, tail(r.out, 3000), tail(r.err, 3000))
	}
	return r
}

// operation reads an operation as JSON.
func (s *server) operation(r result) *v1alpha1.Operation {
	s.t.Helper()
	var op v1alpha1.Operation
	if err := json.Unmarshal([]byte(r.out), &op); err != nil {
		s.t.Fatalf("reading an operation: %v\n%s", err, tail(r.out, 2000))
	}
	return &op
}

func (s *server) get(name string) *v1alpha1.Operation {
	s.t.Helper()
	return s.operation(s.must(0, "get", "operations", name, "-o", "json"))
}

// eventually waits for a condition.
func eventually(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, limit)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func tail(s string, n int) string {
	if len(s) > n {
		return "… " + s[len(s)-n:]
	}
	return s
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
