package hosts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

const powerCommandTimeout = 60 * time.Second

var powerCommandName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$`)

// powerCommand is an executable that the administrator of Kanrin's machine has put into power.d. No shell is between.
type powerCommand struct{ dir, name, host, address string }

func (c *powerCommand) State(ctx context.Context) (PowerState, error) {
	out, err := c.run(ctx, "status")
	if err != nil {
		return PowerUnknown, err
	}
	switch s := PowerState(strings.TrimSpace(out)); s {
	case PowerOn, PowerOff:
		return s, nil
	}
	return PowerUnknown, fmt.Errorf("power command %s status %s printed neither on nor off", c.name, c.host)
}

func (c *powerCommand) On(ctx context.Context) error { return c.turn(ctx, PowerOn) }

func (c *powerCommand) Off(ctx context.Context) error { return c.turn(ctx, PowerOff) }

func (c *powerCommand) turn(ctx context.Context, to PowerState) error {
	if s, err := c.State(ctx); err == nil && s == to {
		return nil
	}
	_, err := c.run(ctx, string(to))
	return err
}

// check refuses what somebody without rights on Kanrin's machine may have brought there.
func (c *powerCommand) check() (string, error) {
	if !powerCommandName.MatchString(c.name) {
		return "", fmt.Errorf("%q is not the name of a power command: letters, digits, - and _ only", c.name)
	}
	path := filepath.Join(c.dir, c.name)
	for _, p := range []string{c.dir, path} {
		info, err := os.Lstat(p)
		switch {
		case err != nil:
			return "", fmt.Errorf("finding power command %s: %w", c.name, err)
		case info.Mode().Perm()&0o002 != 0:
			return "", fmt.Errorf("power command %s is refused: everybody may write to %s", c.name, p)
		case p == c.dir && !info.IsDir(), p == path && !info.Mode().IsRegular():
			return "", fmt.Errorf("power command %s is refused: %s is not an ordinary file in an ordinary directory", c.name, p)
		case p == path && info.Mode().Perm()&0o111 == 0:
			return "", fmt.Errorf("power command %s is refused: %s is not executable", c.name, p)
		}
	}
	return path, nil
}

func (c *powerCommand) run(ctx context.Context, verb string) (string, error) {
	path, err := c.check()
	if err != nil {
		return "", err
	}
	own, cancel := context.WithTimeout(ctx, powerCommandTimeout)
	defer cancel()
	cmd := exec.CommandContext(own, path, verb, c.host, c.address)
	cmd.Dir = c.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "LC_ALL=C"} // Kanrin's own may hold secrets
	out, said := &head{max: 4096}, &tail{max: 4096}
	cmd.Stdout, cmd.Stderr = out, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // with what it has started
	cmd.WaitDelay = 2 * time.Second
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("power command %s %s %s: %w", c.name, verb, c.host, ctx.Err())
	case errors.Is(own.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("power command %s %s %s did not end within %s: %w", c.name, verb, c.host, powerCommandTimeout, own.Err())
	case err != nil:
		return "", fmt.Errorf("power command %s %s %s: %w: %s", c.name, verb, c.host, err, lastLines(said.data, 3))
	}
	return string(out.data), nil
}
