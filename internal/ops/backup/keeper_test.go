package backup

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
)

func sealed(name string, age time.Duration, now time.Time, phase v1alpha1.BackupPhase) v1alpha1.Backup {
	return v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: v1alpha1.BackupStatus{
		SnapshotID: "x", Phase: phase, StartedAt: &metav1.Time{Time: now.Add(-age)},
	}}
}

func TestJudge(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	policy := func(age time.Duration) *v1alpha1.BackupPolicy {
		return &v1alpha1.BackupPolicy{ObjectMeta: metav1.ObjectMeta{Name: "default", CreationTimestamp: metav1.NewTime(now.Add(-age))}}
	}
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		policy *v1alpha1.BackupPolicy
		sets   []v1alpha1.Backup
		want   string
	}{
		"a new policy owes nothing":     {policy(time.Hour), nil, ""},
		"an old one without a proof":    {policy(3 * day), nil, "NeverProven"},
		"a fresh proof":                 {policy(30 * day), []v1alpha1.Backup{sealed("a", day, now, v1alpha1.BackupProven)}, ""},
		"an old proof":                  {policy(30 * day), []v1alpha1.Backup{sealed("a", 3*day, now, v1alpha1.BackupProven)}, "ProofTooOld"},
		"a captured one is no proof":    {policy(30 * day), []v1alpha1.Backup{sealed("b", time.Hour, now, v1alpha1.BackupCaptured), sealed("a", 3*day, now, v1alpha1.BackupProven)}, "ProofTooOld"},
		"the last proof failed":         {policy(30 * day), []v1alpha1.Backup{sealed("b", time.Hour, now, v1alpha1.BackupProofFailed), sealed("a", day, now, v1alpha1.BackupProven)}, "ProofFailed"},
		"the last one is not complete":  {policy(30 * day), []v1alpha1.Backup{sealed("b", time.Hour, now, v1alpha1.BackupIncomplete), sealed("a", day, now, v1alpha1.BackupProven)}, "BackupIncomplete"},
		"one under way is not the last": {policy(30 * day), []v1alpha1.Backup{{Status: v1alpha1.BackupStatus{Phase: v1alpha1.BackupInProgress}}, sealed("a", day, now, v1alpha1.BackupProven)}, ""},
	} {
		got := ""
		for _, f := range Judge(c.policy, c.sets, now) {
			got += f.Code
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestJudgePrune(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	p := &v1alpha1.BackupPolicy{Spec: v1alpha1.BackupPolicySpec{Retention: v1alpha1.BackupRetention{Last: 1}}}
	pinned := sealed("pinned", 9*time.Hour, now, v1alpha1.BackupCaptured)
	pinned.Spec.Pinned = true
	sets := []v1alpha1.Backup{
		sealed("newest", time.Hour, now, v1alpha1.BackupCaptured), sealed("middle", 2*time.Hour, now, v1alpha1.BackupCaptured),
		sealed("proven", 3*time.Hour, now, v1alpha1.BackupProven), pinned,
		{ObjectMeta: metav1.ObjectMeta{Name: "under way"}},
	}
	f := JudgePrune(p, sets, nil)
	if len(f.Delete) != 1 || f.Delete[0] != "middle" || len(f.Keep) != 3 {
		t.Errorf("by the retention: delete %v, keep %v", f.Delete, f.Keep)
	}
	f = JudgePrune(p, sets, []string{"newest", "proven", "pinned", "nowhere"})
	if len(f.Delete) != 1 || f.Delete[0] != "newest" || f.Refused["proven"] != "LastProven" || f.Refused["pinned"] != "Pinned" || f.Refused["nowhere"] != "NotThere" {
		t.Errorf("by name: delete %v, refused %v", f.Delete, f.Refused)
	}
}
