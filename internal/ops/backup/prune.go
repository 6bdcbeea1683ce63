package backup

import (
	"context"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup"
	"kanrin.dev/kanrin/internal/backup/repository"
	"kanrin.dev/kanrin/internal/backup/retention"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// PrunePlanner plans what the retention does not keep to be deleted.
type PrunePlanner struct{ base }

// PruneFacts are the sets and what becomes of each.
type PruneFacts struct {
	Policy, Place string
	AppendOnly    bool
	Delete        []string
	Keep          map[string][]string // reasons by set
	Refused       map[string]string   // asked for by name, and why not
	NoRule        bool
}

func (p *PrunePlanner) gather(ctx context.Context, op *v1alpha1.Operation) (*PruneFacts, error) {
	req := op.Spec.Prune
	policy, err := p.policy(ctx, op.Namespace, req.Policy)
	if err != nil {
		return nil, err
	}
	sets, err := p.sets(ctx, op.Namespace, policy.Name)
	if err != nil {
		return nil, err
	}
	return JudgePrune(policy, sets, req.Backups), nil
}

// Zone is the time zone of a policy: that of its schedule.
func Zone(p *v1alpha1.BackupPolicy) *time.Location {
	if p.Spec.Schedule != nil && p.Spec.Schedule.TimeZone != "" {
		if l, err := time.LoadLocation(p.Spec.Schedule.TimeZone); err == nil {
			return l
		}
	}
	return time.UTC
}

// Retain decides about the sealed sets of a policy.
func Retain(p *v1alpha1.BackupPolicy, sets []v1alpha1.Backup) []retention.Decision {
	var in []retention.Set
	for i := range sets {
		x := &sets[i]
		if x.Status.SnapshotID == "" || x.Status.StartedAt == nil {
			continue
		}
		in = append(in, retention.Set{
			Name: x.Name, Time: x.Status.StartedAt.Time, Complete: x.Status.Missing == 0, Proven: x.Status.Phase == v1alpha1.BackupProven, Pinned: x.Spec.Pinned,
		})
	}
	r := p.Spec.Retention
	return retention.Decide(in, retention.Policy{
		Last: int(r.Last), Hourly: int(r.Hourly), Daily: int(r.Daily), Weekly: int(r.Weekly), Monthly: int(r.Monthly), Yearly: int(r.Yearly),
	}, Zone(p))
}

// JudgePrune decides about every set of a policy.
func JudgePrune(p *v1alpha1.BackupPolicy, sets []v1alpha1.Backup, asked []string) *PruneFacts {
	f := &PruneFacts{
		Policy: p.Name, Place: backup.Place(p.Spec.Repository), AppendOnly: p.Spec.Repository.AppendOnly, Keep: map[string][]string{}, Refused: map[string]string{},
		NoRule: p.Spec.Retention == v1alpha1.BackupRetention{},
	}
	decisions := Retain(p, sets)
	if len(asked) == 0 {
		for _, d := range decisions {
			if d.Keep {
				f.Keep[d.Name] = reasons(d)
			} else {
				f.Delete = append(f.Delete, d.Name)
			}
		}
		slices.Sort(f.Delete)
		return f
	}
	last := ""
	for i := range sets { // newest first
		if sets[i].Status.Phase == v1alpha1.BackupProven {
			last = sets[i].Name
			break
		}
	}
	for _, name := range asked {
		i := slices.IndexFunc(sets, func(x v1alpha1.Backup) bool { return x.Name == name })
		switch {
		case i < 0:
			f.Refused[name] = "NotThere"
		case sets[i].Spec.Pinned:
			f.Refused[name] = "Pinned"
		case name == last:
			f.Refused[name] = "LastProven"
		case sets[i].Status.Phase == v1alpha1.BackupInProgress:
			f.Refused[name] = "InProgress"
		default:
			f.Delete = append(f.Delete, name)
		}
	}
	slices.Sort(f.Delete)
	return f
}

func reasons(d retention.Decision) []string {
	var out []string
	for _, r := range d.Reasons {
		out = append(out, strings.TrimSpace(r.Rule+" "+r.Key))
	}
	return out
}

// Plan implements plan.Planner.
func (p *PrunePlanner) Plan(ctx context.Context, op *v1alpha1.Operation) (*plan.Draft, error) {
	f, err := p.gather(ctx, op)
	if err != nil {
		return nil, err
	}
	return ComposePrune(f)
}

// Facts implements plan.Planner.
func (p *PrunePlanner) Facts(ctx context.Context, op *v1alpha1.Operation) (any, error) {
	return p.gather(ctx, op)
}

// pruneArgs are those of both steps.
type pruneArgs struct {
	Policy string   `json:"policy"`
	Sets   []string `json:"sets,omitempty"`
}

const setsPerStep = 200

// ComposePrune makes the plan.
func ComposePrune(f *PruneFacts) (*plan.Draft, error) {
	c := &plan.Composer{}
	if f.AppendOnly {
		c.Find(v1alpha1.SeverityBlocker, "AppendOnly", "BackupPolicy", f.Policy, nil, "place", f.Place)
	}
	for _, name := range sortedKeys(f.Refused) {
		c.Find(v1alpha1.SeverityBlocker, "SetKept"+f.Refused[name], "Backup", name, nil)
	}
	if f.NoRule && len(f.Delete) == 0 && len(f.Refused) == 0 {
		c.Find(v1alpha1.SeverityInfo, "NoRetention", "BackupPolicy", f.Policy, nil)
	}
	now := f.Delete[:min(len(f.Delete), setsPerStep)]
	if len(now) < len(f.Delete) {
		c.Find(v1alpha1.SeverityInfo, "PruneRest", "BackupPolicy", f.Policy, nil, "count", len(f.Delete)-len(now))
	}
	if len(now) > 0 {
		c.Step(v1alpha1.Step{ID: "delete", Kind: KindDelete, Targets: now, ForecastSeconds: int64(1 + len(now)/5), TimeoutSeconds: captureTime},
			pruneArgs{f.Policy, now}, "count", len(now), "place", f.Place)
		c.NoReturn("delete")
	}
	c.Step(v1alpha1.Step{ID: "free", Kind: KindFree, ForecastSeconds: 5, TimeoutSeconds: copyTime}, pruneArgs{Policy: f.Policy}, "place", f.Place)
	c.Say("PruneSets", "delete", len(f.Delete), "keep", len(f.Keep))
	for i, name := range sortedKeys(f.Keep) {
		if i < 40 {
			c.Say("PruneKeeps", "set", name, "why", strings.Join(f.Keep[name], ", "))
		}
	}
	return c.Draft(f, f.Policy)
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Report implements plan.Planner.
func (p *PrunePlanner) Report(_ context.Context, op *v1alpha1.Operation, _ []v1alpha1.Member) ([]v1alpha1.Line, map[string]int64, error) {
	n := 0
	for _, st := range op.Status.Plan.Steps {
		if st.Kind == KindDelete {
			n = len(st.Targets)
		}
	}
	return []v1alpha1.Line{plan.ReportLine("Pruned", "count", n, "policy", op.Spec.Prune.Policy)}, map[string]int64{"deleted": int64(n)}, nil
}

// remove deletes sets: first from the repository, then the Backup, so that nothing in the repository is forgotten.
type remove struct{ base }

// Done implements plan.Behaviour.
func (b remove) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[pruneArgs](s)
	if err != nil {
		return false, err
	}
	sets, err := b.sets(ctx, s.Cluster, a.Policy)
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(sets, func(x v1alpha1.Backup) bool { return slices.Contains(a.Sets, x.Name) }), nil
}

// Do implements plan.Behaviour.
func (b remove) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[pruneArgs](s)
	if err != nil {
		return err
	}
	p, err := b.policy(ctx, s.Cluster, a.Policy)
	if err != nil {
		return err
	}
	repo, _, err := b.d.Store.Repository(ctx, p)
	if err != nil {
		return stored(ctx, a.Policy, err)
	}
	for i, name := range a.Sets {
		s.Progress(i, len(a.Sets))
		if err := s.Guard(); err != nil {
			return err
		}
		if err := repo.DeleteSet(ctx, name); err != nil && repository.StateOf(err) != repository.NotFound {
			return stored(ctx, name, err)
		}
		err := b.Persist(ctx, s, func(ctx context.Context) error {
			x := &v1alpha1.Backup{}
			x.Namespace, x.Name = s.Cluster, name
			return client.IgnoreNotFound(b.d.Client.Delete(ctx, x))
		})
		if err != nil {
			return err
		}
		s.Log("info", "SetDeleted", name)
	}
	return nil
}

// free gives back the space of what nothing refers to any more.
type free struct{ base }

// Done implements plan.Behaviour.
func (free) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Do implements plan.Behaviour.
func (b free) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[pruneArgs](s)
	if err != nil {
		return err
	}
	p, err := b.policy(ctx, s.Cluster, a.Policy)
	if err != nil {
		return err
	}
	repo, _, err := b.d.Store.Repository(ctx, p)
	if err != nil {
		return stored(ctx, a.Policy, err)
	}
	if err := s.Guard(); err != nil {
		return err
	}
	if _, err := repo.Maintain(ctx, repository.MaintainOptions{}); err != nil {
		return stored(ctx, a.Policy, err)
	}
	return nil
}
