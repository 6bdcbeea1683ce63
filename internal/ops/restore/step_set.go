package restore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"
	"time"

	"kanrin.dev/kanrin/internal/backup/snapshot"
	"kanrin.dev/kanrin/internal/backup/spool"
	"kanrin.dev/kanrin/internal/etcd"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// verify reads the whole set before anything is touched.
type verify struct{ base }

// Done implements plan.Behaviour: what was read before Kanrin was interrupted is read again.
func (verify) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Do implements plan.Behaviour.
func (b verify) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[setArgs](s)
	if err != nil {
		return err
	}
	set, err := b.open(ctx, s, a.Backup)
	if err != nil {
		return err
	}
	defer set.Close() //nolint:errcheck // only read from
	if err := set.Verify(ctx); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return plan.Fail("RestoreSetDamaged", a.Backup, err)
	}
	rc, _, err := set.Open(ctx, path.Join(a.Etcd, fileSnapshot))
	if err != nil {
		return plan.Fail("RestoreSetDamaged", a.Backup, err)
	}
	return rc.Close()
}

func (b base) open(ctx context.Context, s *plan.Scope, backup string) (Set, error) {
	set, err := b.d.Sets.Open(ctx, s.Cluster, backup)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, plan.Fail("RestoreSetUnreadable", backup, err)
	}
	return set, nil
}

// present saves what etcd holds now, and compares it with the set: that is what the restore takes away and brings back.
type present struct{ base }

// MeasurePresent of step present is the revision that was saved; 0 says that nothing could be.
const MeasurePresent = "presentRevision"

// Done implements plan.Behaviour.
func (present) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Do implements plan.Behaviour.
func (b present) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[setArgs](s)
	if err != nil {
		return err
	}
	err = b.save(ctx, s, a)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case plan.Interrupted(err):
		return err
	case !a.WithoutPresent:
		return plan.Fail("RestorePresentNotSaved", s.Cluster, err)
	}
	s.Log("warn", "RestorePresentNotSaved", s.Cluster, "error", oneLine(err))
	s.Measure(MeasurePresent, 0)
	return nil
}

func (b present) save(ctx context.Context, s *plan.Scope, a setArgs) error {
	host, err := b.best(ctx, s.Cluster, a.Via)
	if err != nil {
		return err
	}
	e, err := etcd.Via(ctx, b.Hosts, s.Cluster, []string{host})
	if err != nil {
		return err
	}
	defer e.Close()
	stream, err := e.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer stream.Close() //nolint:errcheck // only read from
	f, err := spool.New(b.d.Scratch)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it has no name and its key is forgotten
	if _, err := io.Copy(f, stream); err != nil {
		return fmt.Errorf("reading the snapshot of %s: %w", host, err)
	}
	index, stats, err := snapshot.Build(ctx, f, f.Size(), snapshot.Options{RequireChecksum: true})
	if err != nil {
		return fmt.Errorf("verifying the snapshot of %s: %w", host, err)
	}
	name := PresentName(s.Operation.Name)
	if b.d.Present != nil {
		if err := s.Guard(); err != nil {
			return err
		}
		if err := b.d.Present(ctx, s.Cluster, name, f.Reader(), f.Size()); err != nil {
			return fmt.Errorf("saving the present state: %w", err)
		}
	}
	s.Measure(MeasurePresent, stats.Revision)
	s.Log("info", "RestorePresentSaved", s.Cluster, "host", host, "revision", stats.Revision, "bytes", f.Size(), "name", name)
	return b.compare(ctx, s, a, index)
}

// best is the host whose member knows most: one with a leader and without errors before others, then that of the highest revision.
func (b base) best(ctx context.Context, cluster string, via []string) (string, error) {
	states, errs := make([]*etcd.Status, len(via)), make([]error, len(via))
	var wg sync.WaitGroup
	for i, host := range via {
		wg.Go(func() {
			limited, cancel := context.WithTimeout(ctx, 20*time.Second)
			defer cancel()
			if states[i], errs[i] = b.statusOf(limited, cluster, host); errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w", host, errs[i])
			}
		})
	}
	wg.Wait()
	best, most := "", int64(-1)
	for i, st := range states {
		if errs[i] != nil {
			continue
		}
		rank := st.Revision
		if st.Leader != "" && len(st.Errors) == 0 && !st.Learner {
			rank += 1 << 62
		}
		if rank > most {
			best, most = via[i], rank
		}
	}
	if best == "" {
		return "", errors.Join(errs...)
	}
	return best, nil
}

func (b base) statusOf(ctx context.Context, cluster, host string) (*etcd.Status, error) {
	e, err := etcd.Via(ctx, b.Hosts, cluster, []string{host})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	return e.Status(ctx)
}

// compare leaves the differences between the present state and the set: counts for the report, names in the journal.
func (b present) compare(ctx context.Context, s *plan.Scope, a setArgs, now *snapshot.Index) error {
	set, err := b.open(ctx, s, a.Backup)
	if err != nil {
		return err
	}
	defer set.Close() //nolint:errcheck // only read from
	then, err := set.Index(ctx)
	if err != nil {
		return plan.Fail("RestoreSetUnreadable", a.Backup, err)
	}
	d := compare(then, now)
	for _, x := range d {
		s.Measure(x.measure(), int64(x.Count))
		code := map[string]string{onlyNow: "RestoreOnlyNow", onlyThen: "RestoreOnlyThen", changed: "RestoreChanged"}[x.Kind]
		s.Log("info", code, x.Resource, "count", x.Count, "names", strings.Join(x.Names, ", "))
	}
	return nil
}
