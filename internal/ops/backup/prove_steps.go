package backup

import (
	"context"
	"errors"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup"
	"kanrin.dev/kanrin/internal/backup/proof"
	"kanrin.dev/kanrin/internal/backup/repository"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// verify reads every byte of the set and compares it with what was written.
type verify struct{ base }

// Done implements plan.Behaviour.
func (b verify) Done(ctx context.Context, s *plan.Scope) (bool, error) { return b.said(ctx, s) }

// Do implements plan.Behaviour. Damage is a result, not a failure: it is what the proof is for.
func (b verify) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[setArgs](s)
	if err != nil {
		return err
	}
	began := time.Now()
	x, err := b.backupOf(ctx, s.Cluster, a.Set)
	if err != nil {
		return err
	}
	p, err := b.policy(ctx, s.Cluster, a.Policy)
	if err != nil {
		return err
	}
	repo, _, err := b.d.Store.Repository(ctx, p)
	if err != nil {
		return stored(ctx, a.Set, err)
	}
	report, err := repo.Verify(ctx, true, a.Set)
	var found []v1alpha1.Line
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case repository.StateOf(err) == repository.Damaged || repository.StateOf(err) == repository.NotFound:
		found = append(found, problem("SetDamaged", a.Set, map[string]string{"error": err.Error()}))
	case err != nil:
		return stored(ctx, a.Set, err)
	default:
		for _, d := range report.Problems {
			found = append(found, problem("SetDamaged", d.Object, map[string]string{"error": d.String()}))
		}
	}
	var files, bytes int64
	if report != nil {
		files, bytes = int64(report.Objects), report.Bytes
	}
	set, err := b.d.Store.Set(ctx, s.Cluster, a.Set)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && len(found) == 0:
		return stored(ctx, a.Set, err)
	case err == nil:
		if d := backup.Digest(set.Raw); x.Status.Digest != "" && d != x.Status.Digest {
			found = append(found, problem("ManifestDiffers", a.Set, map[string]string{"want": x.Status.Digest, "have": d}))
		}
		_ = set.Close() // only read from
	}
	return b.record(ctx, s, func(r *v1alpha1.DrillResult) {
		r.StartedAt = *micro(began)
		r.Files, r.Bytes = files, bytes
		r.Stages = append(r.Stages, stage("Verify", time.Since(began)))
		addProblems(r, found...)
	})
}

// boot restores the etcd snapshot of the set, boots a control plane on it, and reads everything back.
type boot struct{ base }

// Done implements plan.Behaviour.
func (b boot) Done(ctx context.Context, s *plan.Scope) (bool, error) { return b.said(ctx, s) }

// Do implements plan.Behaviour.
func (b boot) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[setArgs](s)
	if err != nil {
		return err
	}
	d, _, err := b.readDraft(ctx, s)
	if err != nil {
		return err
	}
	if len(d.Problems) > 0 { // what is damaged is not booted
		return b.record(ctx, s, func(r *v1alpha1.DrillResult) { addNotes(r, problem("NotBooted", a.Set, nil)) })
	}
	p, err := b.policy(ctx, s.Cluster, a.Policy)
	if err != nil {
		return err
	}
	set, err := b.d.Store.Set(ctx, s.Cluster, a.Set)
	if err != nil {
		return stored(ctx, a.Set, err)
	}
	defer set.Close() //nolint:errcheck // only read from
	index, err := set.Index(ctx)
	if err != nil {
		return stored(ctx, a.Set, err)
	}
	encryption, err := set.Encryption(ctx)
	if err != nil {
		return stored(ctx, a.Set, err)
	}
	in, size, err := set.Open(ctx, backup.SnapshotPath)
	if err != nil {
		return stored(ctx, a.Set, err)
	}
	defer in.Close() //nolint:errcheck // only read from
	stages := []string{proof.StageSnapshot, proof.StageRestore, proof.StageEtcd, proof.StageKeys, proof.StageAPI, proof.StageObjects}
	done := 0
	res, err := proof.Run(ctx, proof.Configuration{Binary: b.d.Kube, AllowDisk: p.Spec.Proof.AllowDisk, Log: b.d.Log}, proof.Input{
		Snapshot: in, Size: size, Encryption: encryption, Index: index, EtcdPrefix: set.Manifest.Etcd.Prefix,
	}, func(st proof.Stage) {
		if st.Done {
			done++
			s.Progress(done, len(stages))
		}
	})
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var none *proof.NoScratch
		if errors.As(err, &none) {
			return plan.Fail("NoScratch", a.Set, err)
		}
		return plan.Fail("ProofNotRun", a.Set, err)
	}
	return b.record(ctx, s, func(r *v1alpha1.DrillResult) { b.take(r, res) })
}

// take writes what a boot has shown.
func (base) take(r *v1alpha1.DrillResult, res *proof.Result) {
	r.RecoverySeconds, r.Keys, r.Secrets, r.KubernetesVersion = int64(res.Recovery.Round(time.Second).Seconds()), int64(res.Keys), int64(res.Secrets), res.KubernetesVersion
	for _, x := range res.Resources {
		r.Objects += int64(x.Listed)
	}
	for _, st := range res.Stages {
		r.Stages = append(r.Stages, stage(st.Name, st.Duration))
	}
	for _, x := range res.Problems {
		if x.Code == proof.EtcdAlarm { // it goes with the space that the cluster lacks; the data is all there
			addNotes(r, problem(string(x.Code), x.Object, x.Params))
			continue
		}
		addProblems(r, problem(string(x.Code), x.Object, x.Params))
	}
	for _, x := range res.Excluded {
		addNotes(r, problem(string(x.Code), x.Object, x.Params))
	}
}

// drill is the Drill of an operation.
func (b base) drill(ctx context.Context, cluster, operation string) (*v1alpha1.Drill, error) {
	var d v1alpha1.Drill
	err := b.d.Client.Get(ctx, key(cluster, operation), &d)
	return &d, err
}
