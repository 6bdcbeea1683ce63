package controlplane

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"runtime"
	"syscall"
)

var discard = slog.New(slog.DiscardHandler)

// Run starts a program, waits for its end and kills it, with what it has started, when ctx ends. Like the processes of a
// supervisor it has a small environment and does not outlive this process. What it prints goes to out, unless prepare, which
// may be nil, sends it elsewhere. A status other than 0 is an *exec.ExitError.
func Run(ctx context.Context, out io.Writer, prepare func(*exec.Cmd), path string, args ...string) error {
	// The kernel kills the program when this thread is gone.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = childEnvironment()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = childAttributes()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if prepare != nil {
		prepare(cmd)
	}
	err := cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("running %s: %w", path, err)
	}
	return nil
}
