package backup

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup"
	"kanrin.dev/kanrin/internal/plan"
)

// Facts are what the plan of a set rests on.
type Facts struct {
	Cluster, Policy string
	Place           string
	Copies          []string
	Components      []v1alpha1.BackupComponent // in the order of capture
	Hosts           map[string][]string        // by component
	Unusable        map[string]string          // hosts and why
	Connected       bool
	DirectEtcd      bool
	// RepositoryProblem is why the repository cannot be used.
	RepositoryProblem string
	// Uncovered are bound claims that no component captures.
	Uncovered int
	// LastSeconds and LastBytes are of the policy's last set by component; they are forecasts and no facts of the plan.
	LastSeconds map[string]int64 `json:"-"`
	Order       string           // why the components cannot be ordered
	Unknown     []string         // asked for, and not in the policy
	Partial     bool
}

// policy reads the policy of a request. A policy that does not exist refuses it.
func (b base) policy(ctx context.Context, cluster, name string) (*v1alpha1.BackupPolicy, error) {
	p, err := b.d.Store.Policy(ctx, cluster, name)
	if apierrors.IsNotFound(err) {
		return nil, plan.Refuse(v1alpha1.ReasonNotFound, "NoBackupPolicy", name, "cluster", cluster)
	}
	return p, err
}

// backupOf reads a Backup. One that does not exist refuses the request.
func (b base) backupOf(ctx context.Context, cluster, name string) (*v1alpha1.Backup, error) {
	var x v1alpha1.Backup
	err := b.d.Client.Get(ctx, client.ObjectKey{Namespace: cluster, Name: name}, &x)
	if apierrors.IsNotFound(err) {
		return nil, plan.Refuse(v1alpha1.ReasonNotFound, "NoBackup", name, "cluster", cluster)
	}
	if err != nil {
		return nil, err
	}
	return &x, nil
}

// sets lists the Backups of a policy, newest first.
func (b base) sets(ctx context.Context, cluster, policy string) ([]v1alpha1.Backup, error) {
	return Sets(ctx, b.d.Client, cluster, policy)
}

// Sets lists the Backups of a policy (of all when it is empty), newest first.
func Sets(ctx context.Context, c client.Client, cluster, policy string) ([]v1alpha1.Backup, error) {
	var list v1alpha1.BackupList
	if err := c.List(ctx, &list, client.InNamespace(cluster)); err != nil {
		return nil, err
	}
	out := slices.DeleteFunc(list.Items, func(x v1alpha1.Backup) bool { return policy != "" && x.Spec.Policy != policy })
	slices.SortFunc(out, func(a, c v1alpha1.Backup) int {
		return cmp.Or(begun(&c).Compare(begun(&a)), strings.Compare(c.Name, a.Name))
	})
	return out, nil
}

// begun is when a set was begun, or asked for.
func begun(b *v1alpha1.Backup) time.Time {
	if b.Status.StartedAt != nil {
		return b.Status.StartedAt.Time
	}
	return b.CreationTimestamp.Time
}

// gather reads the facts of a set to be made.
func (b base) gather(ctx context.Context, op *v1alpha1.Operation) (*Facts, *v1alpha1.BackupPolicy, error) {
	req := op.Spec.Backup
	p, err := b.policy(ctx, op.Namespace, req.Policy)
	if err != nil {
		return nil, nil, err
	}
	env, err := b.env(ctx, op.Namespace, nil)
	if err != nil {
		return nil, nil, err
	}
	f := &Facts{
		Cluster: op.Namespace, Policy: p.Name, Place: backup.Place(p.Spec.Repository), Hosts: map[string][]string{}, Unusable: map[string]string{},
		Connected: env.Connection != nil, DirectEtcd: env.Cluster.Spec.Etcd != nil, LastSeconds: map[string]int64{},
	}
	for _, c := range p.Spec.Copies {
		f.Copies = append(f.Copies, backup.Place(c))
	}
	components := p.Spec.Components
	if len(components) == 0 {
		components = backup.Defaults()
		if f.DirectEtcd && len(env.Machines) == 0 { // nothing that a cluster directory could be read from
			components = slices.DeleteFunc(components, func(c v1alpha1.BackupComponent) bool { return c.Type == v1alpha1.ComponentClusterDirectory })
		}
	}
	if len(req.Components) > 0 {
		all := components
		components = slices.DeleteFunc(slices.Clone(all), func(c v1alpha1.BackupComponent) bool { return !slices.Contains(req.Components, c.Name) })
		for _, name := range req.Components {
			if !slices.ContainsFunc(all, func(c v1alpha1.BackupComponent) bool { return c.Name == name }) {
				f.Unknown = append(f.Unknown, name)
			}
		}
		f.Partial = len(components) < len(all)
		for i := range components { // what is left out is not waited for
			components[i].DependsOn = slices.DeleteFunc(slices.Clone(components[i].DependsOn), func(d string) bool { return !slices.Contains(req.Components, d) })
		}
	}
	if f.Components, err = backup.Order(components); err != nil {
		f.Order, f.Components = err.Error(), components
	}
	for _, c := range f.Components {
		names := env.Chosen(c)
		f.Hosts[c.Name] = names
		for _, name := range names {
			if why := unusable(env.Machines, name); why != "" {
				f.Unusable[name] = why
			}
		}
	}
	if _, _, err := b.d.Store.Repository(ctx, p); err != nil {
		if ctx.Err() != nil {
			return nil, nil, err
		}
		f.RepositoryProblem = err.Error()
	}
	if env.Connection != nil && !slices.ContainsFunc(f.Components, func(c v1alpha1.BackupComponent) bool {
		return c.Type == v1alpha1.ComponentVolumeSnapshots
	}) {
		f.Uncovered = env.BoundClaims()
	}
	if sets, err := b.sets(ctx, op.Namespace, p.Name); err == nil {
		f.learn(sets)
	}
	return f, p, nil
}

// learn takes the durations of the last set that has them.
func (f *Facts) learn(sets []v1alpha1.Backup) {
	for i := range sets {
		if sets[i].Status.SnapshotID == "" {
			continue
		}
		for _, c := range sets[i].Status.Components {
			f.LastSeconds[c.Name] = (c.Milliseconds + 999) / 1000
		}
		return
	}
}

// unusable says why a host cannot be used; "" when it can, as far as is known.
func unusable(hosts []v1alpha1.Host, name string) string {
	for i := range hosts {
		if h := &hosts[i]; h.Name == name {
			switch h.Status.State {
			case v1alpha1.HostReachable, v1alpha1.HostUnknown, "":
				return ""
			}
			return string(h.Status.State)
		}
	}
	return "NotRegistered"
}
