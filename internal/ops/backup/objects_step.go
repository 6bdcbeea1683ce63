package backup

import (
	"context"
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"

	"kanrin.dev/kanrin/internal/backup/object"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// apply writes one object back. It is not undone by a cancel: the state before is in the next set, and in the report's object.
type apply struct{ base }

// Done implements plan.Behaviour.
func (b apply) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	done := false
	err := b.with(ctx, s, func(r *restorer, a objectArgs) error {
		u, at, err := r.wanted(ctx, a.Object)
		if err != nil {
			return err
		}
		live, err := at.Get(ctx, a.Object.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := r.owners(ctx, u); err != nil {
			return err
		}
		done = len(object.Diff(object.Clean(live), object.Clean(u))) == 0
		return nil
	})
	return done, err
}

// with opens what the step needs.
func (b base) with(ctx context.Context, s *plan.Scope, fn func(*restorer, objectArgs) error) error {
	a, err := call.Decode[objectArgs](s)
	if err != nil {
		return err
	}
	conn, err := b.Reach(ctx, s)
	if err != nil {
		return err
	}
	set, err := b.d.Store.Set(ctx, s.Cluster, a.Set)
	if err != nil {
		return stored(ctx, a.Set, err)
	}
	defer set.Close() //nolint:errcheck // only read from
	r, err := newRestorer(conn, set, s.Operation.Spec.RestoreObjects)
	if err != nil {
		return err
	}
	return fn(r, a)
}

// Do implements plan.Behaviour. The object that is replaced must be the one that the plan was made for.
func (b apply) Do(ctx context.Context, s *plan.Scope) error {
	return b.with(ctx, s, func(r *restorer, a objectArgs) error {
		u, at, err := r.wanted(ctx, a.Object)
		if err != nil {
			return plan.Fail("ObjectNotRestored", describe(a.Object), err)
		}
		if _, err := r.owners(ctx, u); err != nil {
			return plan.Fail("ObjectNotRestored", describe(a.Object), err)
		}
		var changed error
		err = b.Persist(ctx, s, func(ctx context.Context) error {
			// Whoever writes the status at the same time makes the server ask for another try.
			return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
				var err error
				changed, err = b.put(ctx, s, r, a, u, at)
				return err
			})
		})
		if err == nil {
			err = changed
		}
		if err != nil {
			var f *plan.Failure
			if plan.Interrupted(err) || ctx.Err() != nil || errors.As(err, &f) {
				return err
			}
			return plan.Fail("ObjectNotRestored", describe(a.Object), err)
		}
		return nil
	})
}

// put makes one attempt. changed says that the object is not the one any more that the plan was made for.
func (b apply) put(ctx context.Context, s *plan.Scope, r *restorer, a objectArgs, u *unstructured.Unstructured, at dynamic.ResourceInterface) (changed, err error) {
	live, err := at.Get(ctx, a.Object.Name, metav1.GetOptions{})
	exists := err == nil
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, err
	}
	if exists && !s.Resumed {
		now, err := settings(live)
		if err != nil {
			return err, nil //nolint:nilerr // no other attempt makes it readable
		}
		if now != a.Live {
			return plan.Fail("ObjectChanged", describe(a.Object), nil), nil
		}
	}
	if exists && a.Recreate {
		if err := b.removeFirst(ctx, at, live); err != nil {
			return nil, err
		}
		exists = false
	}
	return nil, r.write(ctx, at, u, live, exists, false)
}

// removeFirst deletes the live object, leaves what belongs to it alone, and waits until it is gone.
func (apply) removeFirst(ctx context.Context, at dynamic.ResourceInterface, live *unstructured.Unstructured) error {
	orphan := metav1.DeletePropagationOrphan
	err := at.Delete(ctx, live.GetName(), metav1.DeleteOptions{PropagationPolicy: &orphan, Preconditions: &metav1.Preconditions{UID: ptr.To(live.GetUID())}})
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	for {
		if _, err := at.Get(ctx, live.GetName(), metav1.GetOptions{}); apierrors.IsNotFound(err) {
			return nil
		}
		if err := call.Sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}
