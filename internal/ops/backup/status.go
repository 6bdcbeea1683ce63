package backup

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// update changes a Backup's status, guarded, conditional on the version that was read, again when somebody else was quicker.
func (b base) update(ctx context.Context, s *plan.Scope, name string, change func(*v1alpha1.BackupStatus)) error {
	for {
		if err := s.Guard(); err != nil {
			return err
		}
		var x v1alpha1.Backup
		err := b.d.Client.Get(ctx, client.ObjectKey{Namespace: s.Cluster, Name: name}, &x)
		if err == nil {
			change(&x.Status)
			limited, cancel := s.Call(ctx, call.Limit)
			err = b.d.Client.Status().Update(limited, &x)
			cancel()
		}
		switch {
		case err == nil:
			return nil
		case apierrors.IsNotFound(err):
			return plan.Fail("BackupGone", name, err)
		case apierrors.IsConflict(err):
		default:
			return err
		}
		if err := call.Sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// put sets the entry of a component, and drops what an earlier attempt said of it.
func put(s *v1alpha1.BackupStatus, component string, entries ...v1alpha1.ComponentStatus) {
	var out []v1alpha1.ComponentStatus
	for _, c := range s.Components {
		if c.Name != component && !partOf(c.Name, component) {
			out = append(out, c)
		}
	}
	s.Components = append(out, entries...)
}

// maxMissing bounds the entries of one component: the rest is counted in one more.
const maxMissing = 30

func partOf(name, component string) bool {
	return len(name) > len(component) && name[:len(component)] == component && name[len(component)] == '/'
}

func entryOf(s *v1alpha1.BackupStatus, component string) *v1alpha1.ComponentStatus {
	for i := range s.Components {
		if s.Components[i].Name == component {
			return &s.Components[i]
		}
	}
	return nil
}

func at(t time.Time) *metav1.Time {
	m := metav1.NewTime(t.UTC().Truncate(time.Second))
	return &m
}
