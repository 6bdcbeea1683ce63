package controlplane

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// childAttributes: a process group of its own, so that Ctrl-C in the terminal reaches only Kanrin, which then stops its
// children in order; and SIGKILL from the kernel when the thread that started it is gone.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// birth identifies a process beyond its number: the boot, and the clock ticks after it at which the process was started.
func birth(pid int) (string, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("reading the boot's identity: %w", err)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", fmt.Errorf("reading the state of process %d: %w", pid, err)
	}
	// The name stands in parentheses and may hold anything; field 3 follows the last one. Start time is field 22 (proc(5)).
	i := strings.LastIndexByte(string(stat), ')')
	fields := strings.Fields(string(stat[i+1:]))
	if i < 0 || len(fields) < 20 {
		return "", fmt.Errorf("reading the state of process %d: %w", pid, errors.ErrUnsupported)
	}
	if fields[0] == "Z" {
		return "", fmt.Errorf("process %d has ended", pid)
	}
	return strings.TrimSpace(string(boot)) + "/" + fields[19], nil
}
