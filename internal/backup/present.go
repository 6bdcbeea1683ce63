package backup

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/repository"
	"kanrin.dev/kanrin/internal/backup/snapshot"
	"kanrin.dev/kanrin/internal/backup/spool"
)

// SavePresent keeps an etcd snapshot, taken right before a restore, as a set of its own: pinned, and incomplete by nature. A set of that
// name that is there already is left as it is.
func (s *Store) SavePresent(ctx context.Context, cluster, policy, name, version string, r io.Reader) error {
	p, err := s.Policy(ctx, cluster, policy)
	if err != nil {
		return err
	}
	repo, secrets, err := s.Repository(ctx, p)
	if err != nil {
		return err
	}
	f, err := spool.New(s.Scratch())
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it has no name and its key is forgotten
	if _, err := io.Copy(f, r); err != nil {
		return fmt.Errorf("reading the present snapshot: %w", err)
	}
	index, stats, err := snapshot.Build(ctx, f, f.Size(), snapshot.Options{})
	if err != nil {
		return fmt.Errorf("verifying the present snapshot: %w", err)
	}
	session, err := repo.Begin(ctx, name)
	if repository.StateOf(err) == repository.AlreadyExists {
		_, err := s.Rescan(ctx, p)
		return err
	}
	if err != nil {
		return err
	}
	defer session.Close(context.WithoutCancel(ctx)) //nolint:errcheck // what was stored stays for the next try
	began := time.Now().UTC().Truncate(time.Second)
	item, err := session.Put(ctx, EtcdDirectory, func(w *repository.TreeWriter) error { return put(w, f, index) })
	if err != nil {
		return err
	}
	m := &Manifest{
		Format: Format, Cluster: cluster, Backup: name, Policy: policy, Reason: v1alpha1.BackupBeforeRestore, StartedAt: began,
		FinishedAt: time.Now().UTC().Truncate(time.Second), KanrinVersion: version, Recipients: []string{secrets.Recipient},
		Components: []v1alpha1.ComponentStatus{{
			Name: EtcdDirectory, Type: v1alpha1.ComponentEtcd, State: v1alpha1.ComponentCaptured, Digest: item.Digest, Files: int64(item.Files), Bytes: item.Bytes,
			Revision: stats.Revision, Params: map[string]string{"keys": strconv.Itoa(stats.Keys), "sha256": stats.SHA256},
		}},
		Etcd: &Etcd{Revision: stats.Revision, Keys: stats.Keys, Bytes: f.Size(), SHA256: stats.SHA256, Prefix: index.KeyPrefix()},
	}
	raw, err := m.Marshal()
	if err != nil {
		return err
	}
	if _, err := session.Seal(ctx, raw, map[string]string{"policy": policy, "reason": string(m.Reason)}); err != nil {
		return err
	}
	if _, err := s.Rescan(ctx, p); err != nil {
		return err
	}
	return s.pin(ctx, cluster, name)
}

// pin keeps a set whatever the retention says.
func (s *Store) pin(ctx context.Context, cluster, name string) error {
	b := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Namespace: cluster, Name: name}}
	err := s.client.Patch(ctx, b, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"pinned":true}}`)))
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("pinning set %s: %w", name, err)
	}
	return nil
}

func put(w *repository.TreeWriter, f *spool.File, index *snapshot.Index) error {
	a := repository.Attr{Mode: 0o600, ModTime: time.Now().UTC().Truncate(time.Second)}
	if _, err := w.File("snapshot.db", a, f.Reader()); err != nil {
		return err
	}
	pr, pw := io.Pipe()
	var both errgroup.Group
	both.Go(func() error {
		_, err := index.WriteTo(pw)
		pw.CloseWithError(err)
		return err
	})
	both.Go(func() error {
		_, err := w.File("index.bin", a, pr)
		pr.CloseWithError(err)
		return err
	})
	return both.Wait()
}
