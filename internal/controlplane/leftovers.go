package controlplane

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// runFile says which process was started; Birth tells it from a later one with the same number.
type runFile struct {
	PID   int    `json:"pid"`
	Birth string `json:"birth"`
}

func rememberProcess(path string, pid int) error {
	b, err := birth(pid)
	if err != nil {
		return err
	}
	data, err := json.Marshal(runFile{PID: pid, Birth: b})
	if err != nil {
		return fmt.Errorf("encoding %s: %w", path, err)
	}
	return writeFile(path, data, 0o600)
}

// stopLeftovers ends processes that an earlier Kanrin started in this directory and left behind. A file that cannot be
// read names nobody, and a process with another birth is a stranger: both are left alone.
func stopLeftovers(ctx context.Context, dir string, log *slog.Logger) error {
	paths, err := filepath.Glob(filepath.Join(dir, "run", "*.json"))
	if err != nil {
		return fmt.Errorf("looking for processes left behind: %w", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("looking for processes left behind: %w", err)
		}
		var f runFile
		if json.Unmarshal(data, &f) == nil && f.PID > 1 && f.Birth != "" && isAlive(f) {
			log.Warn("stopping a process that an earlier run left behind", "pid", f.PID, "file", path)
			if err := endLeftover(ctx, f); err != nil {
				return err
			}
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("forgetting a process left behind: %w", err)
		}
	}
	return nil
}

func isAlive(f runFile) bool {
	b, err := birth(f.PID)
	return err == nil && b == f.Birth
}

func endLeftover(ctx context.Context, f runFile) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := syscall.Kill(f.PID, signal); err != nil && isAlive(f) {
			return fmt.Errorf("stopping process %d, which an earlier run left behind: %w", f.PID, err)
		}
		patience := time.After(5 * time.Second)
	wait:
		for {
			if !isAlive(f) {
				return nil
			}
			select {
			case <-tick.C:
			case <-patience:
				break wait
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return fmt.Errorf("process %d, which an earlier run left behind, does not end; end it and start again", f.PID)
}
