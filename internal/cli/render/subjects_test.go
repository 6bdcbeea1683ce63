package render

import (
	"strings"
	"testing"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
)

// TestWhat: an operation is called by what its request names, planned or not, in both languages.
func TestWhat(t *testing.T) {
	object := v1alpha1.SnapshotObject{Group: "apps", Resource: "deployments", Namespace: "shop", Name: "web"}
	for _, tc := range []struct {
		spec v1alpha1.OperationSpec
		want string
	}{
		{v1alpha1.OperationSpec{Type: v1alpha1.OperationBackup, Backup: &v1alpha1.BackupRequest{Policy: "default"}}, "back up prod by policy default"},
		{v1alpha1.OperationSpec{Type: v1alpha1.OperationProve, Prove: &v1alpha1.ProveRequest{Backup: "set-1"}}, "prove set set-1 of prod"},
		{v1alpha1.OperationSpec{Type: v1alpha1.OperationCheckBackups, CheckBackups: &v1alpha1.CheckBackupsRequest{Policy: "default"}}, "check the repository of policy default of prod"},
		{v1alpha1.OperationSpec{Type: v1alpha1.OperationPrune, Prune: &v1alpha1.PruneRequest{Policy: "default"}}, "delete sets of policy default of prod that no rule keeps"},
		{v1alpha1.OperationSpec{Type: v1alpha1.OperationPrune, Prune: &v1alpha1.PruneRequest{Policy: "default", Backups: []string{"set-1", "set-2"}}}, "delete set-1, set-2 of prod"},
		{v1alpha1.OperationSpec{Type: v1alpha1.OperationRestoreObjects, RestoreObjects: &v1alpha1.RestoreObjectsRequest{Objects: []v1alpha1.SnapshotObject{object}}}, "restore deployments.apps/shop/web in prod"},
		{v1alpha1.OperationSpec{Type: v1alpha1.OperationRestoreCluster, RestoreCluster: &v1alpha1.RestoreClusterRequest{Mode: v1alpha1.RestoreAllMembers, Backup: "set-1"}}, "restore prod from set set-1"},
		{v1alpha1.OperationSpec{Type: v1alpha1.OperationRestoreCluster, RestoreCluster: &v1alpha1.RestoreClusterRequest{Mode: v1alpha1.RestoreEverything, Backup: "set-1"}}, "restore everything of prod from set set-1"},
		{v1alpha1.OperationSpec{Type: v1alpha1.OperationRestoreCluster, RestoreCluster: &v1alpha1.RestoreClusterRequest{Mode: v1alpha1.RestoreMember, Member: "cp2"}}, "replace the etcd member on cp2 of prod"},
		{v1alpha1.OperationSpec{Type: v1alpha1.OperationDrain, Drain: &v1alpha1.DrainSpec{Nodes: []string{"w3"}}}, "drain w3 of prod"},
		{v1alpha1.OperationSpec{Type: "Later"}, "Later somewhere"},
	} {
		op := &v1alpha1.Operation{Spec: tc.spec}
		op.Namespace = "prod"
		if tc.spec.Type == "Later" {
			op.Status.Target = "somewhere"
		}
		if got := What(op, Options{Lang: lang.English}); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
		for _, l := range []lang.Lang{lang.English, lang.Japanese} {
			for _, area := range []string{"cli.what.", "cli.what.act.", "cli.what.actOf."} {
				if key := area + Kind(&tc.spec); tc.spec.Type != "Later" && !l.Has(key) {
					t.Errorf("%s lacks %s", l, key)
				}
			}
		}
	}
	if got := List([]string{"a", "b", "c", "d", "e", "f"}); got != "a, b, c, d, e … (6)" {
		t.Errorf("%q", got)
	}
}

func TestUnified(t *testing.T) {
	text := "--- a\n+++ b\n@@ -1 +1 @@\n same\n-was\x1b[2J\n+is\n"
	if got := Unified(text, Options{}); got != text {
		t.Errorf("without colours it is left as it is: %q", got)
	}
	got := Unified(text, Options{Colour: true})
	for _, want := range []string{"\x1b[31m-was\uFFFD[2J\x1b[0m\n", "\x1b[32m+is\x1b[0m\n", "\x1b[36m@@ -1 +1 @@\x1b[0m\n", "\x1b[1m--- a\x1b[0m\n", " same\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
}
