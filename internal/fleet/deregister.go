package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
)

const (
	// tidyEvery is how often abandoned work is looked for.
	tidyEvery = time.Minute
	// abandonedAfter is how old unfinished work is when whoever began it must be dead; twice what it may take.
	abandonedAfter = 2 * time.Minute
)

// Deregister removes a cluster and everything about it from the management API; the cluster itself is not touched. It is
// refused while an operation is at work on the cluster.
func (f *Fleet) Deregister(ctx context.Context, name string) error {
	ns := &corev1.Namespace{}
	err := f.management.Get(ctx, client.ObjectKey{Name: name}, ns)
	if apierrors.IsNotFound(err) || err == nil && ns.Labels[LabelCluster] != name {
		return apierrors.NewNotFound(v1alpha1.Resource("clusters"), name)
	}
	if err != nil {
		return fmt.Errorf("looking for namespace %s: %w", name, err)
	}
	operations := &v1alpha1.OperationList{}
	if err := f.management.List(ctx, operations, client.InNamespace(name)); err != nil {
		return fmt.Errorf("reading the operations of cluster %s: %w", name, err)
	}
	for _, o := range operations.Items {
		switch o.Status.Phase {
		case v1alpha1.PhaseRunning, v1alpha1.PhasePaused, v1alpha1.PhaseCancelling:
			return conflict(name, "OperationAtWork", "operation", o.Name, "phase", o.Status.Phase)
		}
	}
	if err := f.mark(ctx, ns, workRemoving); err != nil {
		return err
	}
	if err := f.takeDown(ctx, name); err != nil {
		return err // the mark stays: it is finished later
	}
	f.log.Info("a cluster was removed", "cluster", name)
	return nil
}

// takeDown deletes everything about a cluster, the Cluster first and the namespace last. It may be repeated.
func (f *Fleet) takeDown(ctx context.Context, name string) error {
	for _, o := range []client.Object{
		&v1alpha1.Cluster{}, // first: nobody plans anything on it any more
		&v1alpha1.Operation{}, &v1alpha1.OperationLog{}, &v1alpha1.Host{},
		&corev1.Secret{}, &corev1.ConfigMap{}, &coordinationv1.Lease{}, &rbacv1.RoleBinding{}, &corev1.ServiceAccount{},
	} {
		err := f.management.DeleteAllOf(ctx, o, client.InNamespace(name))
		if err != nil && !apierrors.IsNotFound(err) && !meta.IsNoMatchError(err) {
			return fmt.Errorf("deleting what belongs to cluster %s: %w", name, err)
		}
	}
	ns := &corev1.Namespace{}
	ns.Name = name
	err := f.management.Delete(ctx, ns)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil && !apierrors.IsConflict(err): // a conflict says that its deletion is under way
		return fmt.Errorf("deleting namespace %s: %w", name, err)
	}
	if !f.settings.Embedded {
		return nil // the namespace controller does the rest
	}
	if err := f.management.Get(ctx, client.ObjectKey{Name: name}, ns); err != nil {
		return client.IgnoreNotFound(err)
	}
	ns.Spec.Finalizers = nil
	if err := f.management.SubResource("finalize").Update(ctx, ns); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("finalising namespace %s: %w", name, err)
	}
	return nil
}

// tidy finishes what killed processes have begun, at the start and from time to time, as the leader.
func (f *Fleet) tidy(ctx context.Context) {
	ticker := time.NewTicker(tidyEvery)
	defer ticker.Stop()
	for {
		if f.settings.Embedded || f.leader.Load() {
			if err := f.tidyOnce(ctx); err != nil && ctx.Err() == nil {
				f.log.Warn("finishing registrations that were interrupted", "err", err)
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (f *Fleet) tidyOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tidyEvery)
	defer cancel()
	list := &corev1.NamespaceList{}
	if err := f.management.List(ctx, list, client.HasLabels{LabelCluster, labelWork}); err != nil {
		return fmt.Errorf("listing namespaces: %w", err)
	}
	var errs []error
	for i := range list.Items {
		if ns := &list.Items[i]; f.abandoned(ns) {
			f.log.Info("finishing an interrupted registration", "cluster", ns.Name, "mark", ns.Labels[labelWork])
			errs = append(errs, f.finishWork(ctx, ns))
		}
	}
	return errors.Join(errs...)
}

// abandoned reports whether whoever marked the namespace is dead: this process is the only one and did not do it, or too
// much time has passed.
func (f *Fleet) abandoned(ns *corev1.Namespace) bool {
	begun, err := time.Parse(time.RFC3339, ns.Annotations[annotationFrom])
	if err != nil {
		return true // no time, or none that Kanrin writes
	}
	if f.settings.Embedded && begun.Before(f.born.Truncate(time.Second)) {
		return true
	}
	return time.Since(begun) > abandonedAfter
}

// finishWork completes a registration whose Cluster exists, and takes everything else down.
func (f *Fleet) finishWork(ctx context.Context, ns *corev1.Namespace) error {
	if ns.Labels[labelWork] == workPending {
		err := f.management.Get(ctx, client.ObjectKey{Namespace: ns.Name, Name: ns.Name}, &v1alpha1.Cluster{})
		switch {
		case err == nil:
			return f.mark(ctx, ns, "")
		case !apierrors.IsNotFound(err):
			return fmt.Errorf("looking for cluster %s: %w", ns.Name, err)
		}
	}
	return f.takeDown(ctx, ns.Name)
}
