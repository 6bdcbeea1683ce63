package leader

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// termLock is the lease as one term sees it. It notes when each successful renewal was sent, keeps the epoch fixed for the
// term, and makes the Lease when it is not there.
type termLock struct {
	resourcelock.LeaseLock
	valid time.Duration
	log   *slog.Logger
	// isDead tells holders that cannot come back: earlier terms of this process, and what held the lease before an exclusive start.
	isDead func(holder string) bool

	mu   sync.Mutex
	term *Term // nil until the lease is ours
}

// current is the term that this lock won; nil when it has not.
func (l *termLock) current() *Term {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.term
}

// Get reads the lease, and shows one whose holder cannot come back as free.
func (l *termLock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.LeaseLock.Get(ctx)
	if apierrors.IsNotFound(err) {
		if err := l.makeLease(ctx); err != nil {
			return nil, nil, err
		}
		record, raw, err = l.LeaseLock.Get(ctx)
	}
	if err != nil {
		if ctx.Err() == nil {
			l.log.Warn("the lease cannot be read", "lease", l.Describe(), "error", err)
		}
		return nil, nil, err
	}
	if record.HolderIdentity != "" && l.isDead(record.HolderIdentity) {
		record.HolderIdentity = ""
		if raw, err = json.Marshal(record); err != nil {
			return nil, nil, fmt.Errorf("encoding lease: %w", err)
		}
	}
	return record, raw, nil
}

// makeLease makes a free Lease. Its count of transitions starts with the seconds since a fixed day, so that epochs still
// grow when somebody deleted the Lease: a term takes longer than a second.
func (l *termLock) makeLease(ctx context.Context) error {
	transitions := firstTransitions(time.Now())
	if t := l.current(); t != nil {
		transitions = max(transitions, int32(t.Epoch()))
	}
	seconds := int32(1)
	holder := ""
	_, err := l.Client.Leases(l.LeaseMeta.Namespace).Create(ctx, &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: l.LeaseMeta.Name, Namespace: l.LeaseMeta.Namespace},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, LeaseTransitions: &transitions},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("making lease %s: %w", l.Describe(), err)
	}
	return nil
}

func firstTransitions(at time.Time) int32 {
	return int32(max(0, at.Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))/time.Second))
}

// Create is never needed, because Get makes the Lease.
func (l *termLock) Create(context.Context, resourcelock.LeaderElectionRecord) error {
	return errors.New("a lease with a holder is never created")
}

// Update takes or renews the lease, conditional on its version.
func (l *termLock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	if t := l.current(); t != nil && (t.Epoch() != int64(record.LeaderTransitions) || record.HolderIdentity != l.Identity()) {
		return fmt.Errorf("%w: the lease changed hands during term %d", ErrNotLeading, t.Epoch())
	}
	sent := now()
	if err := l.LeaseLock.Update(ctx, record); err != nil {
		if ctx.Err() == nil && !apierrors.IsConflict(err) {
			l.log.Warn("the lease cannot be renewed", "lease", l.Describe(), "error", err)
		}
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.term == nil {
		l.term = &Term{epoch: int64(record.LeaderTransitions), valid: l.valid}
	}
	l.term.renewed(sent)
	return nil
}

// release gives the lease up, if this term still holds it. The term must be over and its work ended.
func (l *termLock) release(ctx context.Context) error {
	for {
		record, _, err := l.LeaseLock.Get(ctx)
		if err != nil {
			return fmt.Errorf("releasing lease %s: %w", l.Describe(), err)
		}
		if record.HolderIdentity != l.Identity() {
			return nil
		}
		record.HolderIdentity, record.LeaseDurationSeconds = "", 1
		err = l.LeaseLock.Update(ctx, *record)
		if err == nil || apierrors.IsNotFound(err) {
			return nil
		}
		if !apierrors.IsConflict(err) {
			return fmt.Errorf("releasing lease %s: %w", l.Describe(), err)
		}
	}
}

// termIdentity names a term of a process in the lease.
func termIdentity(process string, n int) string { return fmt.Sprintf("%s#%d", process, n) }

func ofProcess(holder, process string) bool { return strings.HasPrefix(holder, process+"#") }
