package backup

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup"
	"kanrin.dev/kanrin/internal/backup/repository"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/lang"
	"kanrin.dev/kanrin/internal/plan"
)

// LabelScheduled on an operation says that Kanrin has asked for it by itself, and by which policy.
const LabelScheduled = "kanrin.dev/scheduled-by"

const (
	lookEvery = 5 * time.Second
	// giveUp is how long a scheduled operation whose step failed is left paused: storage may come back. Then the next run has its turn.
	giveUp = time.Hour
	// defaultProvenAge is past what age of the last proven set a cluster needs a person.
	defaultProvenAge = 48 * time.Hour
)

// Keeper makes sets and proofs on schedule, applies the retention, and says of every policy how it stands. What it knows is in the
// policies, the sets and the operations; it can be killed at any time.
type Keeper struct {
	d   Dependencies
	log *slog.Logger
	now func() time.Time
	// asked belongs to act.
	asked map[string]asked

	mu       sync.Mutex
	findings map[string][]v1alpha1.Finding // by cluster

	stop    context.CancelFunc
	running sync.WaitGroup
}

// NewKeeper makes a keeper. Start lets it look, Lead lets it act.
func NewKeeper(d Dependencies) *Keeper {
	return &Keeper{d: d, log: d.Log, now: time.Now, asked: map[string]asked{}, findings: map[string][]v1alpha1.Finding{}}
}

// Start begins to look after what the clusters' status says of their backups.
func (k *Keeper) Start(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	k.stop = cancel
	k.running.Go(func() { every(ctx, k.look) })
	return nil
}

// Stop ends the looking.
func (k *Keeper) Stop(context.Context) error {
	if k.stop != nil {
		k.stop()
		k.running.Wait()
	}
	return nil
}

func every(ctx context.Context, do func(context.Context)) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		do(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Findings implements fleet.Examiner.
func (k *Keeper) Findings(c *fleet.Connection) []v1alpha1.Finding {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.findings[c.Name]
}

// look computes the findings of all clusters.
func (k *Keeper) look(ctx context.Context) {
	var policies v1alpha1.BackupPolicyList
	if err := k.d.Client.List(ctx, &policies); err != nil {
		return // the management API is away; the next round asks again
	}
	found := map[string][]v1alpha1.Finding{}
	for i := range policies.Items {
		p := &policies.Items[i]
		sets, err := Sets(ctx, k.d.Client, p.Namespace, p.Name)
		if err != nil {
			return
		}
		found[p.Namespace] = append(found[p.Namespace], Judge(p, sets, k.now())...)
	}
	k.mu.Lock()
	k.findings = found
	k.mu.Unlock()
}

// Judge says what of a policy needs a person.
func Judge(p *v1alpha1.BackupPolicy, sets []v1alpha1.Backup, now time.Time) []v1alpha1.Finding {
	var out []v1alpha1.Finding
	find := func(severity v1alpha1.Severity, code, kind, object string, pairs ...any) {
		params := lang.P(pairs...)
		params["object"] = object
		out = append(out, v1alpha1.Finding{
			Severity: severity, Code: code, Kind: kind, Object: object, Params: params, Message: lang.English.Text("finding."+code, params),
		})
	}
	limit := time.Duration(p.Spec.MaxProvenAgeHours) * time.Hour
	if limit == 0 {
		limit = defaultProvenAge
	}
	last, proven := newest(sets)
	switch {
	case proven == nil && now.Sub(p.CreationTimestamp.Time) > limit:
		find(v1alpha1.SeverityWarning, "NeverProven", "BackupPolicy", p.Name, "hours", int64(limit.Hours()))
	case proven != nil && now.Sub(proven.Status.StartedAt.Time) > limit:
		find(v1alpha1.SeverityWarning, "ProofTooOld", "BackupPolicy", p.Name, "set", proven.Name, "hours", int64(limit.Hours()))
	}
	if last != nil {
		switch last.Status.Phase {
		case v1alpha1.BackupProofFailed:
			find(v1alpha1.SeverityWarning, "ProofFailed", "Backup", last.Name)
		case v1alpha1.BackupIncomplete:
			find(v1alpha1.SeverityWarning, "BackupIncomplete", "Backup", last.Name, "count", int64(last.Status.Missing))
		}
	}
	if c := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionRepositoryReady); c != nil && c.Status == metav1.ConditionFalse {
		find(v1alpha1.SeverityWarning, "RepositoryNotReady", "BackupPolicy", p.Name, "error", c.Message)
	}
	return out
}

// newest are the last sealed set and the last proven one; sets are newest first.
func newest(sets []v1alpha1.Backup) (last, proven *v1alpha1.Backup) {
	for i := range sets {
		b := &sets[i]
		if b.Status.SnapshotID == "" || b.Status.StartedAt == nil {
			continue
		}
		if last == nil {
			last = b
		}
		if proven == nil && b.Status.Phase == v1alpha1.BackupProven {
			proven = b
		}
	}
	return last, proven
}

// Lead acts until the context, which is the term of leadership, ends.
func (k *Keeper) Lead(ctx context.Context) { every(ctx, k.act) }

func (k *Keeper) act(ctx context.Context) {
	var policies v1alpha1.BackupPolicyList
	if err := k.d.Client.List(ctx, &policies); err != nil {
		return
	}
	for i := range policies.Items {
		p := &policies.Items[i]
		if err := k.policy(ctx, p); err != nil && ctx.Err() == nil {
			k.log.Warn("looking after a backup policy", "cluster", p.Namespace, "policy", p.Name, "error", err)
		}
	}
}

// policy looks after one policy: first what runs, then what is due, then what is said of it.
func (k *Keeper) policy(ctx context.Context, p *v1alpha1.BackupPolicy) error {
	ops, err := k.d.History.Operations(ctx, p.Namespace)
	if err != nil {
		return err
	}
	sets, err := Sets(ctx, k.d.Client, p.Namespace, p.Name)
	if err != nil {
		return err
	}
	busy := false
	for i := range ops {
		o := &ops[i]
		if disproved(o) && !o.Spec.Cancelled { // it has its result; there is nothing to resume
			before := o.DeepCopy()
			o.Spec.Cancelled = true
			if err := k.d.Client.Patch(ctx, o, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); client.IgnoreNotFound(err) != nil {
				return err
			}
			continue
		}
		if o.Labels[LabelScheduled] != p.Name || o.Status.Phase.Terminal() {
			continue
		}
		busy = true
		if err := k.tend(ctx, o); err != nil {
			return err
		}
	}
	status := p.Status.DeepCopy()
	k.describe(ctx, p, sets, status)
	if !busy && !p.Spec.Suspended {
		if err := k.due(ctx, p, sets, ops, status); err != nil {
			return err
		}
	}
	if equality.Semantic.DeepEqual(*status, p.Status) {
		return nil
	}
	p.Status = *status
	return client.IgnoreNotFound(k.d.Client.Status().Update(ctx, p))
}

// disproved reports whether a proof has come to its end and found that the set is not what it should be.
func disproved(o *v1alpha1.Operation) bool {
	return o.Spec.Prove != nil && o.Status.Phase == v1alpha1.PhasePaused &&
		slices.ContainsFunc(o.Status.Steps, func(s v1alpha1.StepStatus) bool { return s.State == v1alpha1.StepFailed && s.Code == "ProofFailed" })
}

// tend approves a scheduled operation that is not blocked, and ends one that cannot go on.
func (k *Keeper) tend(ctx context.Context, o *v1alpha1.Operation) error {
	before := o.DeepCopy()
	switch {
	case o.Spec.Cancelled:
		return nil
	case o.Status.Phase == v1alpha1.PhasePlanned && o.Status.Plan != nil && plan.Blockers(o.Status.Plan) > 0:
		o.Spec.Cancelled = true
	case o.Status.Phase == v1alpha1.PhasePlanned && o.Status.Plan != nil && o.Spec.ApprovedPlan == "":
		o.Spec.ApprovedPlan = o.Status.Plan.Digest
	case o.Status.Phase == v1alpha1.PhasePaused && o.Status.Reason == v1alpha1.ReasonStepFailed && o.Spec.Prove != nil,
		o.Status.Phase == v1alpha1.PhasePaused && o.Status.Reason == v1alpha1.ReasonStepFailed && k.now().Sub(o.CreationTimestamp.Time) > giveUp:
		o.Spec.Cancelled = true
	case o.Status.Phase == v1alpha1.PhasePaused && o.Status.Reason == v1alpha1.ReasonStepFailed && o.Spec.Paused && k.now().Sub(lastFailure(o)) > time.Minute:
		o.Spec.Paused = false // once more: storage and hosts come back
	default:
		return nil
	}
	return client.IgnoreNotFound(k.d.Client.Patch(ctx, o, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})))
}

func lastFailure(o *v1alpha1.Operation) time.Time {
	at := o.CreationTimestamp.Time
	for _, s := range o.Status.Steps {
		if s.State == v1alpha1.StepFailed && s.FinishedAt != nil && s.FinishedAt.After(at) {
			at = s.FinishedAt.Time
		}
	}
	return at
}

// describe fills in what is known of the policy's sets and its repository.
func (k *Keeper) describe(ctx context.Context, p *v1alpha1.BackupPolicy, sets []v1alpha1.Backup, st *v1alpha1.BackupPolicyStatus) {
	last, proven := newest(sets)
	st.LastBackup, st.LastProven, st.Sets = moment(last), moment(proven), 0
	for i := range sets {
		if sets[i].Status.SnapshotID != "" {
			st.Sets++
		}
	}
	c := metav1.Condition{Type: v1alpha1.ConditionRepositoryReady, Status: metav1.ConditionTrue, Reason: "Opened", Message: "the repository can be opened", ObservedGeneration: p.Generation}
	limited, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	repo, secrets, err := k.d.Store.Repository(limited, p)
	if err == nil {
		st.Recipient = secrets.Recipient
		err = k.answers(limited, p, repo)
	}
	if err != nil && ctx.Err() == nil {
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, "NotOpened", clip(err.Error())
	}
	meta.SetStatusCondition(&st.Conditions, c)
}

const askEvery = 5 * time.Minute

// asked is what a repository said when it was last asked for its sets.
type asked struct {
	at  time.Time
	err error
}

// answers asks the storage now and then: a repository that is open may have lost it since.
func (k *Keeper) answers(ctx context.Context, p *v1alpha1.BackupPolicy, repo *repository.Repository) error {
	key := string(p.UID)
	if a, ok := k.asked[key]; ok && (a.err == nil && k.now().Sub(a.at) < askEvery || k.now().Sub(a.at) < askEvery/10) {
		return a.err
	}
	_, err := repo.Sets(ctx)
	k.asked[key] = asked{k.now(), err}
	return err
}

func clip(s string) string { return s[:min(len(s), 1000)] }

func moment(b *v1alpha1.Backup) *v1alpha1.BackupMoment {
	if b == nil {
		return nil
	}
	return &v1alpha1.BackupMoment{Name: b.Name, At: *b.Status.StartedAt}
}

// due begins what is due: a set, a proof, or the retention after a new set.
func (k *Keeper) due(ctx context.Context, p *v1alpha1.BackupPolicy, sets []v1alpha1.Backup, ops []v1alpha1.Operation, st *v1alpha1.BackupPolicyStatus) error {
	now := k.now()
	if p.Spec.Schedule != nil {
		run, err := backup.Due(now, since(st.LastRun, p), backup.Schedule(&p.Spec, p.Namespace))
		if err != nil {
			return err
		}
		st.NextBackup = when(run.Next)
		if run.At != nil {
			if run.Do {
				if err := k.ask(ctx, p, "backup-", v1alpha1.OperationSpec{
					Type: v1alpha1.OperationBackup, Backup: &v1alpha1.BackupRequest{Policy: p.Name, Reason: v1alpha1.BackupScheduled},
				}); err != nil {
					return err
				}
			}
			st.LastRun = at(*run.At)
			return nil
		}
	} else {
		st.NextBackup = nil
	}
	last, _ := newest(sets)
	if last == nil {
		return nil
	}
	provable := last.Status.Revision > 0 && (last.Status.Phase == v1alpha1.BackupCaptured || last.Status.Phase == v1alpha1.BackupIncomplete && last.Status.Proof == nil)
	if p.Spec.Proof.EveryBackup && provable && !tried(ops, last.Name) {
		return k.prove(ctx, p, last.Name)
	}
	if p.Spec.Proof.Cron != "" {
		run, err := backup.Due(now, since(st.LastProof, p), backup.ProofSchedule(&p.Spec, p.Namespace))
		if err != nil {
			return err
		}
		st.NextProof = when(run.Next)
		if run.At != nil {
			if run.Do && last.Status.Revision > 0 {
				if err := k.prove(ctx, p, last.Name); err != nil {
					return err
				}
			}
			st.LastProof = at(*run.At)
			return nil
		}
	} else {
		st.NextProof = nil
	}
	return k.retain(ctx, p, sets, ops)
}

func when(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return at(t)
}

// since is when the schedule was last dealt with: a policy that was just made owes nothing for the time before.
func since(last *metav1.Time, p *v1alpha1.BackupPolicy) time.Time {
	if last != nil {
		return last.Time
	}
	return p.CreationTimestamp.Time
}

// tried reports whether a proof of the set was asked for by the schedule.
func tried(ops []v1alpha1.Operation, set string) bool {
	return slices.ContainsFunc(ops, func(o v1alpha1.Operation) bool {
		return o.Labels[LabelScheduled] != "" && o.Spec.Prove != nil && o.Spec.Prove.Backup == set
	})
}

func (k *Keeper) prove(ctx context.Context, p *v1alpha1.BackupPolicy, set string) error {
	return k.ask(ctx, p, "prove-", v1alpha1.OperationSpec{Type: v1alpha1.OperationProve, Prove: &v1alpha1.ProveRequest{Backup: set}})
}

const pruneEvery = 24 * time.Hour

// retain asks for a prune when there is something to delete, at most once a day; and writes into each set why it is kept.
func (k *Keeper) retain(ctx context.Context, p *v1alpha1.BackupPolicy, sets []v1alpha1.Backup, ops []v1alpha1.Operation) error {
	if (p.Spec.Retention == v1alpha1.BackupRetention{}) || p.Spec.Repository.AppendOnly {
		return nil
	}
	f := JudgePrune(p, sets, nil)
	for i := range sets {
		b := &sets[i]
		keep := f.Keep[b.Name]
		if len(keep) > 10 {
			keep = keep[:10]
		}
		if b.Status.SnapshotID != "" && !slices.Equal(b.Status.Keep, keep) {
			b.Status.Keep = keep
			if err := k.d.Client.Status().Update(ctx, b); err != nil {
				return nil //nolint:nilerr // somebody else was quicker, or it is gone: the next round looks again
			}
		}
	}
	if len(f.Delete) == 0 {
		return nil
	}
	for i := range ops {
		if ops[i].Labels[LabelScheduled] == p.Name && ops[i].Spec.Prune != nil && k.now().Sub(ops[i].CreationTimestamp.Time) < pruneEvery {
			return nil
		}
	}
	return k.ask(ctx, p, "prune-", v1alpha1.OperationSpec{Type: v1alpha1.OperationPrune, Prune: &v1alpha1.PruneRequest{Policy: p.Name}})
}

func (k *Keeper) ask(ctx context.Context, p *v1alpha1.BackupPolicy, prefix string, spec v1alpha1.OperationSpec) error {
	op := &v1alpha1.Operation{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, GenerateName: prefix, Labels: map[string]string{LabelScheduled: p.Name}}, Spec: spec,
	}
	if err := k.d.Client.Create(ctx, op); err != nil {
		return fmt.Errorf("asking for a scheduled %s: %w", spec.Type, err)
	}
	k.log.Info("scheduled", "cluster", p.Namespace, "policy", p.Name, "type", string(spec.Type), "operation", op.Name)
	return nil
}
