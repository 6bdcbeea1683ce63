package plan

import (
	"context"
	"fmt"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// LockName is the Lease in a cluster's namespace whose holder is the one disruptive operation that may be at work there. It is a
// Lease for its shape only: it does not run out, it is given back when the operation ends, and taken from operations that are over.
const LockName = "kanrin-disruption"

// LockedError says who holds the lock.
type LockedError struct{ Cluster, Holder string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("cluster %s is locked by operation %s", e.Cluster, e.Holder)
}

// Lock takes the cluster's lock for the operation. Taking it twice is no error. All writes are conditional, so that two executors that
// both believe they lead cannot both succeed.
func Lock(ctx context.Context, c client.Client, op *v1alpha1.Operation) error {
	key := client.ObjectKey{Namespace: op.Namespace, Name: LockName}
	var lease coordinationv1.Lease
	err := c.Get(ctx, key, &lease)
	if apierrors.IsNotFound(err) {
		lease = coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name},
			Spec:       coordinationv1.LeaseSpec{HolderIdentity: ptr.To(op.Name), AcquireTime: now()},
		}
		return wrap(c.Create(ctx, &lease), "taking the lock of cluster %s", op.Namespace)
	}
	if err != nil {
		return wrapf(err, "reading the lock of cluster %s", op.Namespace)
	}
	holder := ptr.Deref(lease.Spec.HolderIdentity, "")
	if holder == op.Name {
		return nil
	}
	if holder != "" {
		active, err := active(ctx, c, op.Namespace, holder)
		if err != nil {
			return err
		}
		if active {
			return &LockedError{Cluster: op.Namespace, Holder: holder}
		}
	}
	lease.Spec.HolderIdentity, lease.Spec.AcquireTime = ptr.To(op.Name), now()
	return wrap(c.Update(ctx, &lease), "taking the lock of cluster %s", op.Namespace)
}

// Unlock gives the lock back if the operation holds it.
func Unlock(ctx context.Context, c client.Client, op *v1alpha1.Operation) error {
	var lease coordinationv1.Lease
	err := c.Get(ctx, client.ObjectKey{Namespace: op.Namespace, Name: LockName}, &lease)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return wrapf(err, "reading the lock of cluster %s", op.Namespace)
	}
	if ptr.Deref(lease.Spec.HolderIdentity, "") != op.Name {
		return nil
	}
	lease.Spec.HolderIdentity = nil
	return wrap(c.Update(ctx, &lease), "giving back the lock of cluster %s", op.Namespace)
}

// active reports whether the holder is at work, or was just about to begin (approved and not yet Running).
func active(ctx context.Context, c client.Client, cluster, name string) (bool, error) {
	var op v1alpha1.Operation
	err := c.Get(ctx, client.ObjectKey{Namespace: cluster, Name: name}, &op)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, wrapf(err, "reading the holder of the lock of cluster %s", cluster)
	}
	switch op.Status.Phase {
	case v1alpha1.PhaseRunning, v1alpha1.PhasePaused, v1alpha1.PhaseCancelling:
		return true, nil
	}
	return false, nil
}

func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return wrapf(err, format, args...)
}
