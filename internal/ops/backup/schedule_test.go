package backup_test

import (
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	opsbackup "kanrin.dev/kanrin/internal/ops/backup"
)

// A schedule asks for a set when its time has come, once, and makes up for a time that was missed.
func TestScheduled(t *testing.T) {
	b := newBench(t)
	w := b.world(t, "scheduled", func(s *v1alpha1.BackupPolicySpec) {
		s.Schedule = &v1alpha1.BackupSchedule{Cron: "30 2 * * *", TimeZone: "Asia/Tokyo"}
	})
	k := opsbackup.NewKeeper(b.deps)
	asked := func() []v1alpha1.Operation {
		t.Helper()
		var l v1alpha1.OperationList
		if err := management.List(t.Context(), &l, client.InNamespace(w.name)); err != nil {
			t.Fatal(err)
		}
		return l.Items
	}
	made := w.policy().CreationTimestamp.Time
	k.At(t.Context(), made.Add(time.Second))
	if n := len(asked()); n != 0 {
		t.Fatalf("%d operations before the time has come", n)
	}
	next := w.policy().Status.NextBackup
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	if next == nil || next.In(tokyo).Format("15:04") != "02:30" || !next.After(made) {
		t.Fatalf("next: %v", next)
	}
	k.At(t.Context(), next.Add(time.Minute))
	k.At(t.Context(), next.Add(2*time.Minute))
	ops := asked()
	if len(ops) != 1 || ops[0].Spec.Backup == nil || ops[0].Spec.Backup.Reason != v1alpha1.BackupScheduled || ops[0].Labels[opsbackup.LabelScheduled] != "default" {
		t.Fatalf("after the time has come: %+v", ops)
	}
	if err := management.Delete(t.Context(), &ops[0]); err != nil {
		t.Fatal(err)
	}
	k.At(t.Context(), next.Add(3*time.Minute))
	if n := len(asked()); n != 0 {
		t.Errorf("the same time was dealt with twice")
	}
	k.At(t.Context(), next.Add(3*24*time.Hour+2*time.Hour)) // Kanrin was down for three days
	if n := len(asked()); n != 1 {
		t.Errorf("%d operations make up for three missed runs, want 1", n)
	}
	suspended := w.policy()
	suspended.Spec.Suspended = true
	if err := management.Update(t.Context(), suspended); err != nil {
		t.Fatal(err)
	}
	for _, o := range asked() {
		if err := management.Delete(t.Context(), &o); err != nil {
			t.Fatal(err)
		}
	}
	k.At(t.Context(), next.Add(9*24*time.Hour))
	if n := len(asked()); n != 0 {
		t.Errorf("a suspended policy has asked for %d operations", n)
	}
}
