package backup

import (
	"context"
	"errors"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup"
	"kanrin.dev/kanrin/internal/backup/repository"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// seal makes one set of the components that were captured.
type seal struct{ base }

// Done implements plan.Behaviour.
func (b seal) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[setArgs](s)
	if err != nil {
		return false, err
	}
	x, err := b.backupOf(ctx, s.Cluster, a.Set)
	if err != nil {
		return false, err
	}
	return x.Status.SnapshotID != "", nil
}

// Do implements plan.Behaviour. Killed between the seal and the record of it, the next attempt finds the set and takes its manifest.
func (b seal) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[setArgs](s)
	if err != nil {
		return err
	}
	x, err := b.backupOf(ctx, s.Cluster, a.Set)
	if err != nil {
		return err
	}
	p, err := b.policy(ctx, s.Cluster, a.Policy)
	if err != nil {
		return err
	}
	repo, secrets, err := b.d.Store.Repository(ctx, p)
	if err != nil {
		return stored(ctx, a.Set, err)
	}
	info, m, raw, err := existingSet(ctx, repo, a.Set)
	if err != nil {
		return stored(ctx, a.Set, err)
	}
	if info == nil {
		if captured(x.Status.Components) == 0 {
			if err := b.update(ctx, s, a.Set, func(st *v1alpha1.BackupStatus) { st.Phase, st.FinishedAt = v1alpha1.BackupFailed, at(time.Now()) }); err != nil {
				return err
			}
			return plan.Fail("NothingCaptured", a.Set, nil)
		}
		m = b.manifest(ctx, x, p, a, append([]string{secrets.Recipient}, p.Spec.SealTo...))
		if raw, err = m.Marshal(); err != nil {
			return err
		}
		if err := s.Guard(); err != nil {
			return err
		}
		if info, err = write(ctx, repo, a.Set, raw, m); err != nil {
			return stored(ctx, a.Set, err)
		}
	}
	return b.update(ctx, s, a.Set, func(st *v1alpha1.BackupStatus) { backup.Describe(st, m, raw, *info) })
}

// existingSet finds a set that is sealed already.
func existingSet(ctx context.Context, repo *repository.Repository, name string) (*repository.SetInfo, *backup.Manifest, []byte, error) {
	set, err := repo.OpenSet(ctx, name)
	if repository.StateOf(err) == repository.NotFound {
		return nil, nil, nil, nil
	}
	if err != nil {
		return nil, nil, nil, err
	}
	raw, err := set.Manifest(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	m, err := backup.ReadManifest(raw)
	if err != nil {
		return nil, nil, nil, err
	}
	info := set.Info()
	return &info, m, raw, nil
}

// manifest describes the set.
func (b base) manifest(ctx context.Context, x *v1alpha1.Backup, p *v1alpha1.BackupPolicy, a setArgs, recipients []string) *backup.Manifest {
	m := &backup.Manifest{
		Format: backup.Format, Cluster: x.Namespace, Backup: x.Name, Policy: p.Name, Reason: x.Spec.Reason, FinishedAt: time.Now().UTC().Truncate(time.Second),
		KanrinVersion: b.d.Version, Components: x.Status.Components, Recipients: recipients,
	}
	if x.Status.StartedAt != nil {
		m.StartedAt = x.Status.StartedAt.UTC()
	}
	if env, err := b.env(ctx, x.Namespace, nil); err == nil {
		m.KubernetesVersion = env.Cluster.Status.Version
		if env.Connection != nil {
			m.ClusterUID = env.Connection.UID()
		}
	}
	m.Etcd = etcdOf(m.Components)
	m.Complete = backup.Missing(m.Components) == 0 && !a.Partial
	return m
}

// write seals the set.
func write(ctx context.Context, repo *repository.Repository, set string, raw []byte, m *backup.Manifest) (*repository.SetInfo, error) {
	session, err := repo.Begin(ctx, set)
	if err != nil {
		return nil, err
	}
	defer closing(session)
	have := map[string]string{}
	for _, i := range session.Items() {
		have[i.Component] = i.Digest
	}
	for _, c := range m.Components {
		if c.State == v1alpha1.ComponentCaptured && have[c.Name] != c.Digest {
			return nil, plan.Fail("ComponentLost", c.Name, errors.New("it was captured, and the repository does not have it any more"))
		}
	}
	info, err := session.Seal(ctx, raw, map[string]string{"policy": m.Policy, "reason": string(m.Reason), "cluster-uid": m.ClusterUID})
	if err != nil {
		return nil, err
	}
	return &info, nil
}

// copies puts the set into a further repository.
type copies struct{ base }

// Done implements plan.Behaviour.
func (b copies) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[setArgs](s)
	if err != nil {
		return false, err
	}
	x, err := b.backupOf(ctx, s.Cluster, a.Set)
	if err != nil {
		return false, err
	}
	p, err := b.policy(ctx, s.Cluster, a.Policy)
	if err != nil || a.Copy >= len(p.Spec.Copies) {
		return false, err
	}
	place := backup.Place(p.Spec.Copies[a.Copy])
	for _, c := range x.Status.Copies {
		if c.Repository == place {
			return true, nil
		}
	}
	return false, nil
}

// Do implements plan.Behaviour.
func (b copies) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[setArgs](s)
	if err != nil {
		return err
	}
	p, err := b.policy(ctx, s.Cluster, a.Policy)
	if err != nil {
		return err
	}
	if a.Copy >= len(p.Spec.Copies) {
		return plan.Fail("NoSuchCopy", a.Set, nil)
	}
	from, _, err := b.d.Store.Repository(ctx, p)
	if err != nil {
		return stored(ctx, a.Set, err)
	}
	to, err := b.d.Store.Copy(ctx, p, a.Copy)
	if err != nil {
		return stored(ctx, a.Set, err)
	}
	if err := s.Guard(); err != nil {
		return err
	}
	if _, err := from.CopySet(ctx, to, a.Set); err != nil && repository.StateOf(err) != repository.AlreadyExists {
		return stored(ctx, a.Set, err)
	}
	place := backup.Place(p.Spec.Copies[a.Copy])
	return b.update(ctx, s, a.Set, func(x *v1alpha1.BackupStatus) {
		x.Copies = append(x.Copies, v1alpha1.BackupCopy{Repository: place, At: *at(time.Now())})
	})
}
