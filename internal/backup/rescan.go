package backup

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/repository"
)

// Prepare opens a policy's repository and says whether that has made it.
func (s *Store) Prepare(ctx context.Context, p *v1alpha1.BackupPolicy) (created bool, err error) {
	if _, _, err := s.Repository(ctx, p); err != nil {
		return false, err
	}
	for i := range p.Spec.Copies {
		if _, err := s.Copy(ctx, p, i); err != nil {
			return false, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.open[p.Namespace+"/"+p.Name]; h != nil {
		created, h.created = h.created, false
	}
	return created, nil
}

// Rescan makes a Backup of every set in the policy's repository that has none, and returns how many. The repository is the truth: after
// the loss of the management API, this is how its sets are known again.
func (s *Store) Rescan(ctx context.Context, p *v1alpha1.BackupPolicy) (int, error) {
	repo, _, err := s.Repository(ctx, p)
	if err != nil {
		return 0, err
	}
	sets, err := repo.Sets(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	var errs []error
	for _, info := range sets {
		var b v1alpha1.Backup
		err := s.client.Get(ctx, client.ObjectKey{Namespace: p.Namespace, Name: info.Name}, &b)
		if err == nil && b.Status.SnapshotID != "" {
			continue
		}
		if err != nil && !apierrors.IsNotFound(err) {
			return n, fmt.Errorf("reading backup %s: %w", info.Name, err)
		}
		if err := s.adopt(ctx, p, repo, info, err == nil); err != nil {
			errs = append(errs, err)
			continue
		}
		n++
	}
	return n, errors.Join(errs...)
}

func (s *Store) adopt(ctx context.Context, p *v1alpha1.BackupPolicy, repo *repository.Repository, info repository.SetInfo, exists bool) error {
	set, err := repo.OpenSet(ctx, info.Name)
	if err != nil {
		return err
	}
	raw, err := set.Manifest(ctx)
	if err != nil {
		return err
	}
	m, err := ReadManifest(raw)
	if err != nil {
		return err
	}
	b := &v1alpha1.Backup{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: info.Name, Labels: map[string]string{LabelPolicy: p.Name}},
		Spec:       v1alpha1.BackupSpec{Policy: p.Name, Reason: m.Reason},
	}
	if exists {
		err = s.client.Get(ctx, client.ObjectKeyFromObject(b), b)
	} else {
		err = s.client.Create(ctx, b)
	}
	if err != nil {
		return fmt.Errorf("taking over set %s: %w", info.Name, err)
	}
	Describe(&b.Status, m, raw, info)
	if err := s.client.Status().Update(ctx, b); err != nil {
		return fmt.Errorf("taking over set %s: %w", info.Name, err)
	}
	return nil
}

// LabelPolicy on a Backup and a Drill names the policy.
const LabelPolicy = "kanrin.dev/policy"

// Describe fills a Backup's status from what the repository says of its set.
func Describe(st *v1alpha1.BackupStatus, m *Manifest, raw []byte, info repository.SetInfo) {
	st.SnapshotID, st.Digest, st.Bytes, st.Files = info.ID, Digest(raw), info.Bytes, info.Files
	st.StartedAt, st.FinishedAt = seconds(m.StartedAt), seconds(m.FinishedAt)
	st.KanrinVersion, st.KubernetesVersion = m.KanrinVersion, m.KubernetesVersion
	st.Components, st.Missing = m.Components, Missing(m.Components)
	if m.Etcd != nil {
		st.Revision, st.Objects = m.Etcd.Revision, int64(m.Etcd.Keys)
	}
	if st.Proof == nil || st.Proof.Digest != st.Digest {
		st.Proof = nil
		st.Phase = v1alpha1.BackupCaptured
		if !m.Complete {
			st.Phase = v1alpha1.BackupIncomplete
		}
	}
}

func seconds(t time.Time) *metav1.Time {
	m := metav1.NewTime(t.UTC().Truncate(time.Second))
	return &m
}
