package nodes

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// A job is a script that runs on a host as a transient unit of systemd: it goes on when the connection or Kanrin ends, there is one of
// them at a time, and who comes after can wait for it or stop it.

const (
	jobUnit = "kanrin-job.service"
	runDir  = "/run/kanrin" // of root alone; gone with a reboot
	jobLog  = runDir + "/job.log"
)

//go:embed job.sh
var jobScript string

// jobState looks whether a job runs.
func jobState(ctx context.Context, m *hosts.Machine) (running bool, err error) {
	u, err := m.Unit(ctx, jobUnit)
	if err != nil {
		return false, err
	}
	return u.Active == "active" || u.Active == "activating" || u.Active == "deactivating" || u.Active == "reloading", nil
}

// awaitJob waits until no job runs.
func awaitJob(ctx context.Context, m *hosts.Machine) error {
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		running, err := jobState(ctx, m)
		if err != nil && !lost(err) {
			return err
		}
		if err == nil && !running {
			return nil
		}
		if err := call.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// stopJob ends a job that runs.
func stopJob(ctx context.Context, m *hosts.Machine) error {
	running, err := jobState(ctx, m)
	if err != nil || !running {
		return err
	}
	return m.Systemctl(ctx, "stop", jobUnit)
}

// runJob starts a job and waits for its end. Its last lines are the error.
func runJob(ctx context.Context, s *plan.Scope, m *hosts.Machine, script string, args ...string) error {
	if err := awaitJob(ctx, m); err != nil {
		return err
	}
	if err := s.Guard(); err != nil {
		return err
	}
	if _, err := m.Script(ctx, jobScript, append([]string{script}, args...)...); err != nil {
		return fmt.Errorf("starting a job: %w", err)
	}
	if err := awaitJob(ctx, m); err != nil {
		return err
	}
	out, err := m.Script(ctx, `cat `+runDir+`/job.rc 2>/dev/null; tail -c 8192 `+jobLog)
	if err != nil {
		return err
	}
	rc, said, _ := strings.Cut(string(out.Stdout), "\n")
	if rc == "0" {
		return nil
	}
	return &jobError{host: m.Name, code: rc, said: telling(said)}
}

// jobError is a job that failed.
type jobError struct{ host, code, said string }

func (e *jobError) Error() string {
	if e.said == "" {
		return "it ended with exit code " + e.code
	}
	return e.said
}

// telling are the lines that say why: those that kubeadm marks as errors, else the last ones.
func telling(said string) string {
	var marked, last []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "To see the stack trace") {
			continue
		}
		if strings.HasPrefix(line, "[ERROR") || strings.HasPrefix(line, "error ") || strings.HasPrefix(line, "error:") {
			marked = append(marked, strings.TrimPrefix(line, "error: "))
		}
		last = append(last, line)
	}
	if len(marked) == 0 {
		marked = last[max(0, len(last)-4):]
	}
	text := strings.Join(marked[max(0, len(marked)-6):], "; ")
	if len(text) > 1200 {
		text = strings.ToValidUTF8(text[:1200], "") + "…"
	}
	return text
}

// lost reports whether the machine was lost under a call, and may come back.
func lost(err error) bool {
	switch hosts.StateOf(err) {
	case "Unreachable", "NoAnswer":
		return true
	}
	return false
}
