package hosts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/crypto/ssh"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// exec runs argv in the session and returns its exit code. Nothing is written to stdout and stderr after it has returned.
func (c *connection) exec(ctx context.Context, s *ssh.Session, argv []string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	defer s.Close() //nolint:errcheck // it has ended already, or the connection has
	line, err := commandLine(argv)
	if err != nil {
		return 0, err
	}
	broken := make(chan error, 2)
	out, errs := &gate{to: stdout, broken: broken}, &gate{to: stderr, broken: broken}
	defer out.shut()
	defer errs.shut()
	s.Stdout, s.Stderr = out, errs
	if stdin != nil {
		s.Stdin = stdin
	}
	started, done := make(chan error, 1), make(chan error, 1)
	go func() { // ends with the session, at the latest when the connection is closed
		err := s.Start(line)
		started <- err
		if err == nil {
			done <- s.Wait()
		}
	}()
	timer := time.NewTimer(c.limits.Handshake)
	defer timer.Stop()
	silent := timer.C
	for {
		select {
		case err := <-started:
			if err != nil {
				return 0, c.target.lost(err)
			}
			silent = nil
		case <-silent:
			return 0, c.target.lost(errSilent)
		case err := <-done:
			return c.ended(err, broken)
		case err := <-broken:
			return 0, err
		case <-ctx.Done():
			_ = s.Signal(ssh.SIGTERM) // as a courtesy; closing the session takes away its pipes
			return 0, ctx.Err()
		}
	}
}

// ended turns the end of a session into an exit code.
func (c *connection) ended(err error, broken <-chan error) (int, error) {
	select {
	case err := <-broken:
		return 0, err
	default:
	}
	var exit *ssh.ExitError
	var missing *ssh.ExitMissingError
	switch {
	case err == nil, errors.Is(err, io.EOF): // EOF: the command has ended well without reading all of its input
		return 0, nil
	case errors.As(err, &exit):
		return exit.ExitStatus(), nil
	case errors.As(err, &missing):
		return 0, c.target.lost(err)
	}
	return 0, fmt.Errorf("reading what the command is to read: %w", err)
}

// ready opens a session for a command, after sudo is known to work.
func (c *connection) ready(ctx context.Context, sudo bool) (*ssh.Session, func(), error) {
	if sudo {
		if err := c.checkSudo(ctx, false); err != nil {
			return nil, nil, err
		}
	}
	return c.session(ctx)
}

// checkSudo asks whether sudo works without a password: once per connection, or again. It decides on the exit code, as the words of
// sudo depend on its version and language.
func (c *connection) checkSudo(ctx context.Context, again bool) error {
	c.sudo.Lock()
	defer c.sudo.Unlock()
	if c.sudo.works && !again {
		return nil
	}
	s, free, err := c.session(ctx)
	if err != nil {
		return err
	}
	defer free()
	said := &tail{max: 4096}
	code, err := c.exec(ctx, s, []string{"sudo", "-n", "--", "true"}, nil, io.Discard, said)
	if err != nil {
		return err
	}
	if c.sudo.works = code == 0; !c.sudo.works {
		// A sudo that is not installed ends with 127.
		return c.target.fail(v1alpha1.HostSudoRefused, "", nil, "error", lastLines(said.data, 1))
	}
	return nil
}

// gate passes writes on until it is shut, and tells of a writer that fails, which would otherwise stall the command.
type gate struct {
	mu     sync.Mutex
	to     io.Writer
	closed bool
	broken chan<- error
}

var errShut = errors.New("nobody listens any more")

func (g *gate) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return 0, errShut
	}
	n, err := g.to.Write(p)
	if err != nil {
		g.closed = true
		g.broken <- err // room for one of each gate
	}
	return n, err
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// head keeps the first bytes.
type head struct {
	data []byte
	max  int
	cut  bool
}

func (h *head) Write(p []byte) (int, error) {
	room := h.max - len(h.data)
	if room < len(p) {
		h.cut = true
		h.data = append(h.data, p[:room]...)
	} else {
		h.data = append(h.data, p...)
	}
	return len(p), nil
}

// tail keeps the last bytes.
type tail struct {
	data []byte
	max  int
}

func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if extra := len(t.data) - t.max; extra > 0 {
		t.data = append(t.data[:0], t.data[extra:]...)
	}
	return len(p), nil
}

// printable makes foreign text fit for a line of a terminal, a log or a status.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
}
