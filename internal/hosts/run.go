package hosts

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Machine is one machine. It is cheap; connections belong to the pool.
type Machine struct {
	Name    string // of the Host
	Address string // without the port
	Spec    v1alpha1.HostSpec
	pool    *Pool
	target  *target
}

// Command is a program and its arguments. It runs as root: through sudo when the user is another, unless NoSudo.
type Command struct {
	Args  []string
	Stdin io.Reader // read until its end or that of the command; secrets belong here, never in Args
	// Stdout and Stderr, when set, get the output as it comes. Result.Stdout is then empty.
	Stdout, Stderr io.Writer
	NoSudo         bool
	Timeout        time.Duration // 0: Limits.Command. The context may end it earlier.
}

// Result of a command that ended.
type Result struct {
	Stdout    []byte // its first 4 MiB
	Stderr    []byte // its last 64 KiB
	Truncated bool   // Stdout is not all
	ExitCode  int
}

const (
	maxStdout = 4 << 20
	maxStderr = 64 << 10
)

// Run runs a command and waits for it. The errors: *Error when the machine cannot be used or was lost under way (nobody knows then
// how far the command came), *ExitError with the Result when the exit code is not 0, the context's when that ended it.
func (m *Machine) Run(ctx context.Context, c Command) (*Result, error) {
	limit := cmp.Or(c.Timeout, m.pool.limits.Command)
	own, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := m.run(own, c)
	switch {
	case err == nil || ctx.Err() == nil && own.Err() == nil:
		return r, err
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return r, fmt.Errorf("running %s on %s: %w", name(c.Args), m.Name, err)
	case errors.Is(err, context.DeadlineExceeded) && StateOf(err) == v1alpha1.HostUnknown:
		return r, m.target.fail(v1alpha1.HostNoAnswer, "slow", err, "command", name(c.Args), "seconds", int(limit.Seconds()))
	}
	return r, err
}

func (m *Machine) run(ctx context.Context, c Command) (*Result, error) {
	sudo := !c.NoSudo && m.target.user != "root"
	conn, s, free, err := m.open(ctx, sudo)
	if err != nil {
		return nil, err
	}
	defer conn.release()
	defer free()
	argv := c.Args
	if sudo {
		argv = append([]string{"sudo", "-n", "--"}, argv...)
	}
	out, said := &head{max: maxStdout}, &tail{max: maxStderr}
	stdout, stderr := io.Writer(out), io.Writer(said)
	if c.Stdout != nil {
		stdout = c.Stdout
	}
	if c.Stderr != nil {
		stderr = io.MultiWriter(said, c.Stderr) // the error quotes its end
	}
	code, err := conn.exec(ctx, s, argv, c.Stdin, stdout, stderr)
	if err != nil {
		return nil, err
	}
	r := &Result{Stdout: out.data, Stderr: said.data, Truncated: out.cut, ExitCode: code}
	if code == 0 {
		return r, nil
	}
	if sudo && code == 1 { // sudo's own code: rights may have been taken away since they were asked for
		if err := conn.checkSudo(ctx, true); StateOf(err) == v1alpha1.HostSudoRefused {
			return r, err
		}
	}
	return r, &ExitError{Host: m.Name, Command: name(c.Args), Code: code, Stderr: lastLines(said.data, 5)}
}

// open takes a connection and opens a session on it. A pooled connection that turns out dead is replaced, once.
func (m *Machine) open(ctx context.Context, sudo bool) (*connection, *ssh.Session, func(), error) {
	for attempt := 0; ; attempt++ {
		conn, err := m.pool.acquire(ctx, m.target)
		if err != nil {
			return nil, nil, nil, err
		}
		err = errLost
		if conn.hold() {
			var s *ssh.Session
			var free func()
			if s, free, err = conn.ready(ctx, sudo); err == nil {
				return conn, s, free, nil
			}
			conn.release()
		}
		if ctx.Err() != nil {
			return nil, nil, nil, ctx.Err()
		}
		var known *Error
		if errors.As(err, &known) {
			return nil, nil, nil, err
		}
		var full *ssh.OpenChannelError
		if !errors.As(err, &full) {
			conn.close(false) // before the command was sent: trying again does nothing twice
			if attempt == 0 {
				continue
			}
		}
		return nil, nil, nil, m.target.lost(err)
	}
}

// Script runs a fixed POSIX shell script as root. The arguments are its positional parameters. Secrets belong in neither of them.
func (m *Machine) Script(ctx context.Context, script string, args ...string) (*Result, error) {
	return m.Run(ctx, Command{Args: append([]string{"sh", "-s", "--"}, args...), Stdin: strings.NewReader(script)})
}

// WaitReachable polls until a command runs as root, or ctx or half an hour ends. A wrong host key ends it at once.
func (m *Machine) WaitReachable(ctx context.Context) error {
	const forgiving = time.Minute // a machine that boots refuses sign-ins for a while (pam_nologin)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()
	var refusing time.Time
	for {
		_, err := m.Run(ctx, Command{Args: []string{"true"}, Timeout: 15 * time.Second})
		if err == nil {
			return nil
		}
		switch StateOf(err) {
		case v1alpha1.HostKeyChanged, v1alpha1.HostKeyMissing:
			return err
		case v1alpha1.HostUnauthorized, v1alpha1.HostSudoRefused:
			if refusing.IsZero() {
				refusing = time.Now()
			} else if time.Since(refusing) > forgiving {
				return err
			}
		default:
			if errors.Is(err, ErrClosed) {
				return err
			}
			refusing = time.Time{}
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", m.Name, errors.Join(ctx.Err(), err))
		}
	}
}

func name(argv []string) string {
	if len(argv) == 0 {
		return ""
	}
	return argv[0]
}

// lastLines of what a program said, on one line.
func lastLines(data []byte, n int) string {
	const most = 1024
	lines := strings.Split(string(bytes.TrimSpace(data)), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	s := printable(strings.Join(lines, "; "))
	if len(s) > most {
		s = "…" + strings.ToValidUTF8(s[len(s)-most:], "")
	}
	return s
}
