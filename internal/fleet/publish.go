package fleet

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
)

const (
	// seenEvery is how often the time of the last contact is published when nothing else changed.
	seenEvery = time.Minute
	// writeTimeout bounds one write to the management API.
	writeTimeout = 10 * time.Second
)

// publish writes the status to the management API if this process leads and there is something new to say. It returns
// when to come back.
func (k *keeper) publish() time.Duration {
	if !k.fleet.leader.Load() {
		return refreshAfter
	}
	if wait := k.fleet.settings.StatusInterval - time.Since(k.written); wait > 0 {
		return wait
	}
	if !k.settled() {
		return refreshAfter // the state of affairs wakes the keeper
	}
	next := k.status()
	if next.Health == v1alpha1.HealthUnreachable && k.stopped() {
		next.Health = v1alpha1.HealthStopped
	}
	k.mu.Lock()
	last := k.cluster
	k.mu.Unlock()
	if !worth(&last.Status, &next) {
		return refreshAfter
	}
	k.written = time.Now()
	ctx, cancel := context.WithTimeout(k.ended, writeTimeout)
	defer cancel()
	c := last.DeepCopy()
	next.DeepCopyInto(&c.Status)
	err := k.fleet.management.Status().Update(ctx, c)
	switch {
	case err == nil:
		c.ManagedFields = nil
		k.mu.Lock()
		if k.cluster == last { // the watch has brought nothing newer meanwhile
			k.cluster = c
		}
		k.mu.Unlock()
	case apierrors.IsConflict(err):
		k.reread(ctx)
	case apierrors.IsNotFound(err), k.ended.Err() != nil:
		// Removed; the watch will say so.
	default:
		k.log.Warn("publishing the cluster's status", "err", err)
		return refreshAfter
	}
	return k.fleet.settings.StatusInterval
}

// PowerState is the ConfigMap in a cluster's namespace that a stop writes and a start removes: while it is there and the cluster does not
// answer, it is stopped on purpose.
const PowerState = "power-state"

// stopped reports whether the cluster was stopped by an operation and has not been started since.
func (k *keeper) stopped() bool {
	ctx, cancel := context.WithTimeout(k.ended, writeTimeout)
	defer cancel()
	return k.fleet.management.Get(ctx, client.ObjectKey{Namespace: k.name, Name: PowerState}, &corev1.ConfigMap{}) == nil
}

// settled reports whether the first contact is over, one way or the other.
func (k *keeper) settled() bool {
	k.mu.Lock()
	conn, problem := k.conn, k.problem
	k.mu.Unlock()
	if conn == nil {
		return problem != nil
	}
	s := conn.State()
	return s.Synced || s.Problem != nil
}

// reread takes the newest version of the Cluster object, which the watch may not have brought yet.
func (k *keeper) reread(ctx context.Context) {
	c := &v1alpha1.Cluster{}
	if err := k.fleet.management.Get(ctx, client.ObjectKey{Namespace: k.name, Name: k.name}, c); err != nil {
		k.log.Debug("reading the cluster again", "err", err)
		return
	}
	c.ManagedFields = nil
	k.mu.Lock()
	defer k.mu.Unlock()
	if c.UID == k.uid {
		k.cluster = c
	}
}

// worth reports whether the new status says more than a later time of contact, or that is old enough.
func worth(old, next *v1alpha1.ClusterStatus) bool {
	a, b := *old, *next
	a.LastSeen, b.LastSeen = nil, nil
	if !equality.Semantic.DeepEqual(a, b) {
		return true
	}
	switch {
	case next.LastSeen == nil:
		return false
	case old.LastSeen == nil:
		return true
	}
	return next.LastSeen.Sub(old.LastSeen.Time) >= seenEvery
}
