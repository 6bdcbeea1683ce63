package app

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup"
	"kanrin.dev/kanrin/internal/ops/restore"
)

// storedSets gives restores the sets of the store.
type storedSets struct{ store *backup.Store }

func (s storedSets) Open(ctx context.Context, cluster, name string) (restore.Set, error) {
	return s.store.Set(ctx, cluster, name)
}

// savePresent keeps what a restore is about to replace, in the repository of the cluster's policy: the one named default, or the first.
func (a *App) savePresent(ctx context.Context, cluster, name string, r io.Reader, _ int64) error {
	var policies v1alpha1.BackupPolicyList
	if err := a.parts.client.List(ctx, &policies, client.InNamespace(cluster)); err != nil {
		return fmt.Errorf("looking for a repository for the present state: %w", err)
	}
	if len(policies.Items) == 0 {
		return errors.New("cluster " + cluster + " has no backup policy, and so no repository for the present state")
	}
	policy := policies.Items[0].Name
	for i := range policies.Items {
		if policies.Items[i].Name == "default" {
			policy = "default"
		}
	}
	return a.parts.sets.SavePresent(ctx, cluster, policy, name, a.conf.Version, r)
}
