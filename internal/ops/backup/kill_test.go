package backup_test

import (
	"context"
	"os"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"kanrin.dev/kanrin/api/v1alpha1"
	opsbackup "kanrin.dev/kanrin/internal/ops/backup"
	"kanrin.dev/kanrin/internal/plan/plantest"
)

var full = os.Getenv("KANRIN_E2E") == "full"

// stride kills at each write in full, and at some otherwise: `make e2e` has the time.
func stride(n int64) int64 {
	if full {
		return 1
	}
	return n
}

func backupSpec() v1alpha1.OperationSpec {
	return v1alpha1.OperationSpec{Type: v1alpha1.OperationBackup, Backup: &v1alpha1.BackupRequest{Policy: "default"}}
}

// made makes a set and returns its name.
func (w *world) made(t *testing.T) string {
	t.Helper()
	plantest.Once(t, plantest.Subject{Registry: w.b.registry(), Client: management, Prepare: func(*testing.T, string) plantest.World {
		return plantest.World{Operation: w.operation(backupSpec()), Want: v1alpha1.PhaseSucceeded, Check: func(*testing.T, *v1alpha1.Operation) {}}
	}}, "made")
	return w.sets()[0].Name
}

// A set that is made while Kanrin is killed before and after each durable write is one set, complete and whole.
func TestBackupSurvivesBeingKilled(t *testing.T) {
	b := newBench(t)
	plantest.Run(t, plantest.Subject{
		Registry: b.registry(), Client: management, Parallel: 4, Stride: stride(3),
		Prepare: func(t *testing.T, name string) plantest.World {
			w := b.world(t, "made-"+name, nil)
			return plantest.World{
				Operation: w.operation(backupSpec()), Want: v1alpha1.PhaseSucceeded,
				Check: func(t *testing.T, _ *v1alpha1.Operation) {
					w.t = t
					w.whole(1)
					s := w.sets()[0].Status
					if s.Phase != v1alpha1.BackupCaptured || s.Revision == 0 || s.Objects < 10 || s.Digest == "" || len(s.Components) != 2 {
						t.Errorf("the set: %+v", s)
					}
				},
			}
		},
	})
}

// A cancelled backup leaves nothing behind.
func TestCancelledBackup(t *testing.T) {
	b := newBench(t)
	plantest.Once(t, plantest.Subject{
		Registry: b.registry(), Client: management,
		Prepare: func(t *testing.T, name string) plantest.World {
			w := b.world(t, "cancelled", nil)
			return plantest.World{
				Operation: w.operation(backupSpec()), Want: v1alpha1.PhaseCancelled,
				Drive: func(ctx context.Context, op *v1alpha1.Operation) {
					if op.Status.Phase == v1alpha1.PhaseRunning && len(op.Status.Steps) > 1 && op.Status.Steps[1].State != v1alpha1.StepPending {
						op.Spec.Cancelled = true
						_ = management.Update(ctx, op) // a conflict is tried again in the next turn
					}
				},
				Check: func(t *testing.T, _ *v1alpha1.Operation) { w.t = t; w.whole(0) },
			}
		},
	}, "cancelled")
}

func TestProofSurvivesBeingKilled(t *testing.T) {
	b := newBench(t)
	s := plantest.Subject{
		Registry: b.registry(), Client: management, Parallel: 2,
		Prepare: func(t *testing.T, name string) plantest.World {
			w := b.world(t, "proven-"+name, nil)
			set := w.made(t)
			return plantest.World{
				Operation: w.operation(v1alpha1.OperationSpec{Type: v1alpha1.OperationProve, Prove: &v1alpha1.ProveRequest{Backup: set}}),
				Want:      v1alpha1.PhaseSucceeded,
				Check: func(t *testing.T, op *v1alpha1.Operation) {
					w.t = t
					w.whole(1)
					x := w.sets()[0]
					if x.Status.Phase != v1alpha1.BackupProven || x.Status.Proof == nil || !x.Status.Proof.Passed || x.Status.Proof.Digest != x.Status.Digest {
						t.Errorf("the set: %+v", x.Status)
					}
					var d v1alpha1.Drill
					if err := management.Get(t.Context(), key(w.name, op.Name), &d); err != nil {
						t.Fatal(err)
					}
					if _, err := opsbackup.VerifyDrill(&d); err != nil || d.Result.Secrets == 0 || d.Result.Objects < 10 {
						t.Errorf("the drill: %v, %+v", err, d.Result)
					}
					d.Result.Objects++
					if _, err := opsbackup.VerifyDrill(&d); err == nil {
						t.Error("a drill that was changed is taken for genuine")
					}
				},
			}
		},
	}
	if full {
		plantest.Run(t, s)
	} else {
		plantest.Once(t, s, "once")
	}
}

// A prune that is killed anywhere deletes what it said, and nothing else.
func TestPruneSurvivesBeingKilled(t *testing.T) {
	b := newBench(t)
	plantest.Run(t, plantest.Subject{
		Registry: b.registry(), Client: management, Parallel: 4, Stride: stride(3),
		Prepare: func(t *testing.T, name string) plantest.World {
			w := b.world(t, "pruned-"+name, func(s *v1alpha1.BackupPolicySpec) { s.Retention.Last = 1; s.Components = s.Components[:1] })
			w.made(t)
			w.made(t)
			keep := w.sets()[0].Name
			return plantest.World{
				Operation: w.operation(v1alpha1.OperationSpec{Type: v1alpha1.OperationPrune, Prune: &v1alpha1.PruneRequest{Policy: "default"}}),
				Want:      v1alpha1.PhaseSucceeded,
				Check: func(t *testing.T, _ *v1alpha1.Operation) {
					w.t = t
					w.whole(1)
					if got := w.sets()[0].Name; got != keep {
						t.Errorf("%s was kept, want %s", got, keep)
					}
				},
			}
		},
	})
}

// An object that was changed and one that was deleted are as they were, whenever Kanrin is killed.
func TestRestoredObjectsSurviveBeingKilled(t *testing.T) {
	b := newBench(t)
	plantest.Run(t, plantest.Subject{
		Registry: b.registry(), Client: management, Parallel: 4, Stride: stride(3),
		Prepare: func(t *testing.T, name string) plantest.World {
			w := b.world(t, "objects-"+name, func(s *v1alpha1.BackupPolicySpec) { s.Components = s.Components[:1] })
			other := settings(w.name, "other", "green")
			w.create(other)
			set := w.made(t)
			changed := settings(w.name, "settings", "red")
			if err := management.Update(t.Context(), changed); err != nil {
				t.Fatal(err)
			}
			if err := management.Delete(t.Context(), other); err != nil {
				t.Fatal(err)
			}
			return plantest.World{
				Operation: w.operation(v1alpha1.OperationSpec{Type: v1alpha1.OperationRestoreObjects, RestoreObjects: &v1alpha1.RestoreObjectsRequest{
					Backup: set, Objects: []v1alpha1.SnapshotObject{
						{Resource: "configmaps", Namespace: w.name, Name: "settings"}, {Resource: "configmaps", Namespace: w.name, Name: "other"},
					},
				}}),
				Want: v1alpha1.PhaseSucceeded,
				Check: func(t *testing.T, _ *v1alpha1.Operation) {
					for name, want := range map[string]string{"settings": "blue", "other": "green"} {
						m := settings(w.name, name, "")
						if err := management.Get(t.Context(), key(w.name, name), m); err != nil || m.Data["colour"] != want {
							t.Errorf("%s: %v, %v", name, m.Data, err)
						}
					}
				},
			}
		},
	})
}

// What a request names and does not exist refuses it.
func TestUnknownNames(t *testing.T) {
	b := newBench(t)
	w := b.world(t, "unknown", nil)
	for name, spec := range map[string]v1alpha1.OperationSpec{
		"policy": {Type: v1alpha1.OperationBackup, Backup: &v1alpha1.BackupRequest{Policy: "none"}},
		"set":    {Type: v1alpha1.OperationProve, Prove: &v1alpha1.ProveRequest{Backup: "none"}},
	} {
		t.Run(name, func(t *testing.T) {
			plantest.Once(t, plantest.Subject{Registry: b.registry(), Client: management, Prepare: func(*testing.T, string) plantest.World {
				return plantest.World{Operation: w.operation(spec), Want: v1alpha1.PhaseFailed, Check: func(t *testing.T, op *v1alpha1.Operation) {
					if op.Status.Reason != v1alpha1.ReasonNotFound {
						t.Errorf("reason %s: %s", op.Status.Reason, op.Status.Message)
					}
				}}
			}}, name)
		})
	}
	if err := management.Get(t.Context(), key("unknown", "none"), &v1alpha1.Backup{}); !apierrors.IsNotFound(err) {
		t.Error(err)
	}
}
