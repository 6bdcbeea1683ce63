package controlplane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// shell is a process that runs a script and is ready when the file exists (at once when file is empty).
func shell(name, script, file string, after ...string) Process {
	return Process{
		Name: name, Path: "/bin/sh", After: after, StopTimeout: 5 * time.Second,
		Args: func(bool) ([]string, error) { return []string{"-c", script}, nil },
		Ready: func(context.Context) error {
			if file == "" {
				return nil
			}
			_, err := os.Stat(file)
			return err
		},
	}
}

func supervise(t *testing.T, dir string, changed func(Status), processes ...Process) *Supervisor {
	t.Helper()
	s, err := NewSupervisor(dir, slog.New(slog.DiscardHandler), changed, processes...)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// eventually waits for a condition of the real world.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited for a minute: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func waitReady(t *testing.T, s *Supervisor) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
}

func isAliveNow(pid int) bool {
	_, err := birth(pid)
	return err == nil
}

func TestSupervisorRestartsWhatEnds(t *testing.T) {
	s := supervise(t, t.TempDir(), nil, shell("a", "echo out of luck; exec sleep 1000", ""))
	waitReady(t, s)
	before := s.Status()[0]
	if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var backOff Status
	eventually(t, "back-off", func() bool { backOff = s.Status()[0]; return backOff.State == StateBackOff })
	if !strings.Contains(backOff.Reason, "signal: killed") || !strings.Contains(backOff.Reason, "out of luck") || !strings.Contains(backOff.Reason, backOff.Log) {
		t.Errorf("the reason names neither the signal, nor the last line, nor the log: %s", backOff.Reason)
	}
	eventually(t, "ready again", func() bool { return s.Status()[0].State == StateReady })
	after := s.Status()[0]
	if after.Restarts != 1 || after.PID == before.PID {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if pause := after.Since.Sub(backOff.Since); pause < firstBackOff {
		t.Errorf("started again after %v, before the pause of %v was over", pause, firstBackOff)
	}
}

func TestSupervisorOrder(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	changed := func(s Status) {
		mu.Lock()
		defer mu.Unlock()
		if s.State == StateReady || s.State == StateStopped {
			seen = append(seen, s.Name+" "+string(s.State))
		}
	}
	dir := t.TempDir()
	up := filepath.Join(dir, "up")
	s, err := NewSupervisor(dir, slog.New(slog.DiscardHandler), changed,
		shell("store", "sleep 0.2; touch "+up+"; exec sleep 1000", up),
		shell("api", "exec sleep 1000", "", "store"),
		shell("controllers", "exec sleep 1000", "", "api"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitReady(t, s)
	var pids []int
	for _, st := range s.Status() {
		pids = append(pids, st.PID)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"store Ready", "api Ready", "controllers Ready", "controllers Stopped", "api Stopped", "store Stopped"}
	if !slices.Equal(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
	for _, pid := range pids {
		if isAliveNow(pid) {
			t.Errorf("process %d is still there", pid)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "run", "*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestSupervisorStops(t *testing.T) {
	dir := t.TempDir()
	deaf := shell("deaf", "trap '' TERM; touch "+dir+"/deaf; while :; do sleep 0.05; done", dir+"/deaf")
	deaf.StopTimeout = 100 * time.Millisecond
	s := supervise(t, dir, nil, deaf)
	waitReady(t, s)
	pid := s.Status()[0].PID
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if isAliveNow(pid) {
		t.Error("a process that ignores SIGTERM was not killed")
	}

	slow := shell("slow", "trap '' TERM; touch "+dir+"/slow; while :; do sleep 0.05; done", dir+"/slow")
	slow.StopTimeout = time.Hour
	s = supervise(t, dir, nil, slow)
	waitReady(t, s)
	pid = s.Status()[0].PID
	now, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(now); err != nil {
		t.Fatal(err)
	}
	if isAliveNow(pid) {
		t.Error("a process outlived a stop that had no time left")
	}
}

func TestWaitReadyTellsWhy(t *testing.T) {
	refuse := errors.New("cannot be started: 127.0.0.1:20001 is in use by another process")
	for name, c := range map[string]struct {
		process Process
		want    []string
	}{
		"keeps ending": {shell("a", "echo 'bad flag: --frob' >&2; exit 7", "/nowhere"), []string{"starting a", "exit status 7", "bad flag: --frob", "a.log"}},
		"no program":   {Process{Name: "a", Path: "/nowhere/a", Args: func(bool) ([]string, error) { return nil, nil }, Ready: func(context.Context) error { return nil }}, []string{"cannot be started", "no such file"}},
		"no arguments": {Process{Name: "a", Path: "/bin/sh", Args: func(bool) ([]string, error) { return nil, refuse }, Ready: func(context.Context) error { return nil }}, []string{"127.0.0.1:20001 is in use"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := supervise(t, t.TempDir(), nil, c.process)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := s.WaitReady(ctx)
			if err == nil || ctx.Err() != nil {
				t.Fatalf("got %v, want an error before the deadline", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q is not in: %v", w, err)
				}
			}
		})
	}
	t.Run("deadline", func(t *testing.T) {
		s := supervise(t, t.TempDir(), nil, shell("a", "exec sleep 1000", "/nowhere"))
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if err := s.WaitReady(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "stat /nowhere") {
			t.Errorf("got %v", err)
		}
	})
}

func TestNotReadyIsSeen(t *testing.T) {
	dir := t.TempDir()
	up := filepath.Join(dir, "up")
	s := supervise(t, dir, nil, shell("a", "touch "+up+"; exec sleep 1000", up))
	waitReady(t, s)
	if err := os.Remove(up); err != nil {
		t.Fatal(err)
	}
	eventually(t, "not ready", func() bool { st := s.Status()[0]; return st.State == StateNotReady && st.Reason != "" && st.PID > 0 })
	if err := os.WriteFile(up, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "ready", func() bool { return s.Status()[0].State == StateReady })
}

func TestLeftovers(t *testing.T) {
	start := func() *exec.Cmd {
		cmd := exec.Command("/bin/sh", "-c", "trap '' TERM; exec sleep 1000")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() { defer close(done); _ = cmd.Wait() }()
		t.Cleanup(func() { _ = cmd.Process.Kill(); <-done })
		return cmd
	}
	dir := t.TempDir()
	if err := privateDir(filepath.Join(dir, "run")); err != nil {
		t.Fatal(err)
	}
	ours, stranger := start(), start()
	if err := rememberProcess(filepath.Join(dir, "run", "ours.json"), ours.Process.Pid); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"stranger": fmt.Sprintf(`{"pid":%d,"birth":"another boot/1"}`, stranger.Process.Pid),
		"nobirth":  fmt.Sprintf(`{"pid":%d}`, stranger.Process.Pid),
		"init":     `{"pid":1,"birth":""}`,
		"group":    `{"pid":-1,"birth":"x"}`,
		"garbage":  "\x00{",
		"empty":    "",
	} {
		if err := os.WriteFile(filepath.Join(dir, "run", name+".json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := stopLeftovers(t.Context(), dir, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if isAliveNow(ours.Process.Pid) {
		t.Error("the process left behind still runs")
	}
	if !isAliveNow(stranger.Process.Pid) {
		t.Error("a stranger's process was ended")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "run", "*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestLogs(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	f, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range 5 {
		if _, err := fmt.Fprintf(f, "generation %d\n", i); err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(maxLogBytes + 1); err != nil { // a hole counts
			t.Fatal(err)
		}
		if err := rotateLog(path); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := fmt.Fprintln(f, "and on"); err != nil {
		t.Fatal(err)
	}
	if got := tail(path, 100); got != "and on\n" {
		t.Errorf("the writer did not go on at the start of the emptied log: %q", got)
	}
	if got := lastLine(path); got != ": and on" {
		t.Errorf("last line %q", got)
	}
	names, _ := filepath.Glob(path + "*")
	if len(names) != 1+keptLogs {
		t.Errorf("kept %q", names)
	}
	if head, err := os.ReadFile(path + ".1"); err != nil || !strings.HasPrefix(string(head), "generation 4\n") {
		t.Errorf("newest rotated log: %v", err)
	}
}

func TestSupervisorRefusesNonsense(t *testing.T) {
	ok := shell("a", "true", "")
	for name, list := range map[string][]Process{
		"twice":         {ok, ok},
		"unknown order": {shell("b", "true", "", "a")},
		"no probe":      {{Name: "a", Path: "/bin/sh", Args: ok.Args}},
	} {
		if _, err := NewSupervisor(t.TempDir(), slog.New(slog.DiscardHandler), nil, list...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
