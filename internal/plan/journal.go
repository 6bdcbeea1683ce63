package plan

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
)

// Fence says whether this executor may act. See internal/leader for the one that rests on a lease.
type Fence interface {
	// Check returns nil only while nobody else can have been given the right to act.
	Check() error
	// Deadline is until when Check will return nil if nothing more is heard.
	Deadline() time.Time
	// Epoch is the number of this term; later terms have greater numbers.
	Epoch() int64
}

// Journal owns the status of one operation for as long as its executor may act.
type Journal struct {
	store    Store
	fence    Fence
	identity string

	mu sync.Mutex
	op *v1alpha1.Operation // the last version that was read or written; Status is ours
}

// Claim takes the operation over for this epoch: from then on, every write of an older executor fails.
func Claim(ctx context.Context, store Store, fence Fence, identity string, key client.ObjectKey) (*Journal, error) {
	j := &Journal{store: store, fence: fence, identity: identity}
	for {
		op, err := j.read(ctx, key)
		if err != nil {
			return nil, err
		}
		if e := op.Status.Executor; e != nil {
			if e.Epoch > fence.Epoch() {
				return nil, fmt.Errorf("operation %s is carried out by %s in epoch %d: %w", key, e.Identity, e.Epoch, ErrFenced)
			}
			if e.Epoch == fence.Epoch() && e.Identity == identity {
				j.op = op
				return j, nil
			}
		}
		op.Status.Executor = &v1alpha1.Executor{Identity: identity, Epoch: fence.Epoch()}
		j.op = op
		err = j.write(ctx)
		if apierrors.IsConflict(err) {
			continue // somebody changed the spec in between; read again
		}
		if err != nil {
			return nil, err
		}
		return j, nil
	}
}

// Snapshot returns a copy of the present status and spec.
func (j *Journal) Snapshot() *v1alpha1.Operation {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.op.DeepCopy()
}

// Spec returns the spec as last read. It may be called from within the change of Update.
func (j *Journal) Spec() v1alpha1.OperationSpec { return *j.op.Spec.DeepCopy() }

// Update changes the status and makes it durable before it returns. It keeps trying while the API is out of reach, for as long as
// the fence holds; a status that could not be written leaves the journal as it was.
func (j *Journal) Update(ctx context.Context, change func(*v1alpha1.OperationStatus)) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	before := j.op.DeepCopy()
	change(&j.op.Status)
	want := j.op.Status.DeepCopy()
	for {
		err := j.write(ctx)
		if err == nil {
			return nil
		}
		if apierrors.IsNotFound(err) {
			j.op = before
			return wrapf(ErrCancelled, "operation %s was deleted", before.Name)
		}
		if !apierrors.IsConflict(err) {
			j.op = before
			return err
		}
		// The spec has a new version (a pause, an approval), or a newer executor has claimed it.
		fresh, err := j.read(ctx, client.ObjectKeyFromObject(before))
		if err != nil {
			j.op = before
			return err
		}
		if e := fresh.Status.Executor; e != nil && (e.Epoch != j.fence.Epoch() || e.Identity != j.identity) {
			j.op = fresh
			return fmt.Errorf("operation %s was taken over by %s in epoch %d: %w", fresh.Name, e.Identity, e.Epoch, ErrFenced)
		}
		want.DeepCopyInto(&fresh.Status)
		j.op = fresh
	}
}

// read and write: an error that is returned is final: ErrFenced, a conflict, not found, invalid.
func (j *Journal) read(ctx context.Context, key client.ObjectKey) (op *v1alpha1.Operation, err error) {
	err = j.Retry(ctx, func(ctx context.Context) error {
		op, err = j.store.Get(ctx, key)
		return err
	})
	return op, err
}

func (j *Journal) write(ctx context.Context) error {
	return j.Retry(ctx, func(ctx context.Context) error { return j.store.UpdateStatus(ctx, j.op) })
}

// Retry makes a call to the management API again until it is answered, for as long as the fence holds.
func (j *Journal) Retry(ctx context.Context, call func(context.Context) error) error {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		if err := j.fence.Check(); err != nil {
			return fmt.Errorf("%w: %w", ErrFenced, err)
		}
		limited, cancel := context.WithDeadline(ctx, earlier(time.Now().Add(10*time.Second), j.fence.Deadline()))
		err := call(limited)
		cancel()
		if err == nil || !retriable(err) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// retriable: everything but an answer that would be the same next time.
func retriable(err error) bool {
	switch {
	case Interrupted(err), apierrors.IsConflict(err), apierrors.IsNotFound(err), apierrors.IsAlreadyExists(err), apierrors.IsInvalid(err),
		apierrors.IsForbidden(err), apierrors.IsUnauthorized(err), apierrors.IsBadRequest(err), apierrors.IsRequestEntityTooLargeError(err):
		return false
	}
	return true
}

// SetPhase puts phase, reason and message (status.<reason>) together.
func SetPhase(s *v1alpha1.OperationStatus, p v1alpha1.Phase, reason string, params map[string]string) {
	s.Phase, s.Reason, s.Params = p, reason, params
	s.Message = lang.English.Text("status."+reason, params)
	if p.Terminal() || p == v1alpha1.PhasePaused {
		s.Waiting = nil
	}
}

// step returns the journal entry of a step, making it when it is not there yet.
func step(s *v1alpha1.OperationStatus, id string) *v1alpha1.StepStatus {
	for i := range s.Steps {
		if s.Steps[i].ID == id {
			return &s.Steps[i]
		}
	}
	s.Steps = append(s.Steps, v1alpha1.StepStatus{ID: id, State: v1alpha1.StepPending})
	return &s.Steps[len(s.Steps)-1]
}

func now() *metav1.MicroTime {
	t := metav1.NowMicro()
	return &t
}
