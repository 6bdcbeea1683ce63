package restore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// stage brings the snapshot and kanrin-kube to a host. The snapshot goes nowhere but below the data directory of etcd, readable by root
// alone.
type stage struct{ base }

// Done implements plan.Behaviour.
func (b stage) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	if out, err := b.ask(ctx, s, a, "built"); err != nil || out != "" {
		return out != "", err
	}
	return false, nil
}

// Do implements plan.Behaviour.
func (b stage) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	set, err := b.open(ctx, s, a.Backup)
	if err != nil {
		return err
	}
	defer set.Close() //nolint:errcheck // only read from
	if _, err := b.change(ctx, s, a, "room"); err != nil {
		return err
	}
	out, err := b.ask(ctx, s, a, "have")
	if err != nil {
		return err
	}
	m, err := b.Machine(ctx, s, a.Host)
	if err != nil {
		return err
	}
	program, err := sumOf(b.d.Kube)
	if err != nil {
		return plan.Fail("RestoreNoProgram", b.d.Kube, err)
	}
	if !strings.Contains(out, "sum "+program) {
		if err := b.program(ctx, s, m); err != nil {
			return call.OnHost(ctx, a.Host, err)
		}
	}
	rc, size, err := set.Open(ctx, path.Join(a.Etcd, fileSnapshot))
	if err != nil {
		return plan.Fail("RestoreSetUnreadable", a.Backup, err)
	}
	defer rc.Close() //nolint:errcheck // only read from
	target := stageDir(s, a) + "/" + fileSnapshot
	if sizes(out)[target] == size {
		return nil // files are renamed into place when they are whole
	}
	if err := s.Guard(); err != nil {
		return err
	}
	counted := &counter{from: rc, tell: func(n int64) { s.Progress(int(n>>20), int(size>>20)) }}
	// Nothing rests on it yet: it may take longer than the right to act is known to last.
	return call.OnHost(ctx, a.Host, m.WriteFile(ctx, target, 0o600, counted))
}

func (b stage) program(ctx context.Context, s *plan.Scope, m *hosts.Machine) error {
	f, err := os.Open(b.d.Kube)
	if err != nil {
		return fmt.Errorf("opening kanrin-kube: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read from
	if err := s.Guard(); err != nil {
		return err
	}
	return m.WriteFile(ctx, stateDir(s)+"/kanrin-kube", 0o700, f)
}

// Undo implements plan.Undoer.
func (b stage) Undo(ctx context.Context, s *plan.Scope) (bool, error) { return b.sweep(ctx, s) }

// sweep removes what was brought, unless data is still there that was exchanged.
func (b base) sweep(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	_, err = b.change(ctx, s, a, "tidy")
	return err == nil, err
}

// counter tells how much was read.
type counter struct {
	from io.Reader
	n    int64
	tell func(int64)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	c.tell(c.n)
	return n, err
}

var sums struct {
	sync.Mutex
	path string
	info os.FileInfo
	sum  string
}

// sumOf is the SHA-256 of a program, read once for as long as it stays the same.
func sumOf(file string) (string, error) {
	sums.Lock()
	defer sums.Unlock()
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if sums.path == file && os.SameFile(sums.info, info) && sums.info.ModTime().Equal(info.ModTime()) && sums.info.Size() == info.Size() {
		return sums.sum, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read from
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	sums.path, sums.info, sums.sum = file, info, hex.EncodeToString(h.Sum(nil))
	return sums.sum, nil
}

// build makes the new data of etcd out of the snapshot, beside the present one.
type build struct{ base }

// Done implements plan.Behaviour.
func (b build) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	out, err := b.ask(ctx, s, a, "built")
	return out != "", err
}

// busy is the exit code of the script while another life of Kanrin has it run.
const busy = 75

// Do implements plan.Behaviour.
func (b build) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	for {
		m, err := b.Machine(ctx, s, a.Host)
		if err != nil {
			return err
		}
		if err := s.Guard(); err != nil {
			return err
		}
		_, err = m.Script(ctx, hostScript, "build", s.Operation.Name, a.DataDir, a.Member, a.PeerURL, a.Cluster, a.Token, strconv.FormatInt(a.Bump, 10))
		switch {
		case err == nil:
			s.GoOn()
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case exitCode(err) == busy:
			s.Wait("RestoreBuilds", a.Host)
		case lost(err):
			s.Wait("HostUnreachable", a.Host, "error", err)
		default:
			var exit *hosts.ExitError
			if errors.As(err, &exit) {
				return plan.Fail("RestoreNotBuilt", a.Host, nil, "said", exit.Stderr)
			}
			return call.OnHost(ctx, a.Host, err)
		}
		if err := call.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// Undo implements plan.Undoer.
func (b build) Undo(ctx context.Context, s *plan.Scope) (bool, error) { return b.sweep(ctx, s) }
