package backup

import (
	"context"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/plan"
)

// ProvePlanner plans the proof of a set.
type ProvePlanner struct{ base }

// ProveFacts are what the plan of a proof rests on.
type ProveFacts struct {
	Cluster, Set, Policy, Digest string
	Phase                        v1alpha1.BackupPhase
	Etcd                         bool
	Bytes, Objects               int64
	Databases                    []v1alpha1.ComponentStatus
	Missing                      int32
	AllowDisk                    bool
}

func (p *ProvePlanner) gather(ctx context.Context, op *v1alpha1.Operation) (*ProveFacts, error) {
	b, err := p.backupOf(ctx, op.Namespace, op.Spec.Prove.Backup)
	if err != nil {
		return nil, err
	}
	policy, err := p.policy(ctx, op.Namespace, b.Spec.Policy)
	if err != nil {
		return nil, err
	}
	f := &ProveFacts{
		Cluster: op.Namespace, Set: b.Name, Policy: b.Spec.Policy, Digest: b.Status.Digest, Bytes: b.Status.Bytes, Objects: b.Status.Objects,
		Missing: b.Status.Missing, AllowDisk: policy.Spec.Proof.AllowDisk,
	}
	if b.Status.SnapshotID == "" {
		f.Phase = b.Status.Phase
	}
	for _, c := range b.Status.Components {
		if c.State != v1alpha1.ComponentCaptured {
			continue
		}
		switch c.Type {
		case v1alpha1.ComponentEtcd:
			f.Etcd = true
		case v1alpha1.ComponentMariaDB, v1alpha1.ComponentPostgreSQL:
			c.Params, c.StartedAt = nil, nil
			f.Databases = append(f.Databases, c)
		}
	}
	return f, nil
}

// Plan implements plan.Planner.
func (p *ProvePlanner) Plan(ctx context.Context, op *v1alpha1.Operation) (*plan.Draft, error) {
	f, err := p.gather(ctx, op)
	if err != nil {
		return nil, err
	}
	return ComposeProof(f)
}

// Facts implements plan.Planner.
func (p *ProvePlanner) Facts(ctx context.Context, op *v1alpha1.Operation) (any, error) {
	return p.gather(ctx, op)
}

// databaseArgs are those of the proof of one dump.
type databaseArgs struct {
	setArgs
	Component string                 `json:"component"`
	Type      v1alpha1.ComponentType `json:"type"`
}

// ComposeProof makes the plan of a proof.
func ComposeProof(f *ProveFacts) (*plan.Draft, error) {
	c := &plan.Composer{}
	a := setArgs{Set: f.Set, Policy: f.Policy}
	if f.Phase != "" {
		c.Find(v1alpha1.SeverityBlocker, "SetNotSealed", "Backup", f.Set, nil, "phase", string(f.Phase))
	}
	if f.Missing > 0 {
		c.Find(v1alpha1.SeverityWarning, "SetIncomplete", "Backup", f.Set, nil, "count", int64(f.Missing))
	}
	c.Step(v1alpha1.Step{ID: "verify", Kind: KindVerify, ForecastSeconds: 1 + f.Bytes/(100<<20), TimeoutSeconds: copyTime}, a, "set", f.Set, "bytes", f.Bytes)
	if f.Etcd {
		c.Step(v1alpha1.Step{ID: "boot", Kind: KindBoot, ForecastSeconds: 12 + f.Objects/2000, TimeoutSeconds: captureTime}, a, "set", f.Set, "objects", f.Objects)
	} else if f.Phase == "" {
		c.Find(v1alpha1.SeverityBlocker, "ProofNoEtcd", "Backup", f.Set, nil)
	}
	for _, d := range f.Databases {
		c.Step(v1alpha1.Step{ID: "database-" + d.Name, Kind: KindDatabase, ForecastSeconds: 5 + d.Bytes/(20<<20), TimeoutSeconds: captureTime},
			databaseArgs{a, d.Name, d.Type}, "component", d.Name, "type", string(d.Type))
	}
	c.Step(v1alpha1.Step{ID: "sign", Kind: KindSign, ForecastSeconds: 1, TimeoutSeconds: quick}, a, "set", f.Set)
	c.Say("ProofApart", "set", f.Set)
	return c.Draft(f, f.Set)
}

// Report implements plan.Planner.
func (p *ProvePlanner) Report(ctx context.Context, op *v1alpha1.Operation, _ []v1alpha1.Member) ([]v1alpha1.Line, map[string]int64, error) {
	d, err := p.drill(ctx, op.Namespace, op.Name)
	if err != nil {
		return nil, nil, err
	}
	r := d.Result
	lines := []v1alpha1.Line{}
	if r.Passed {
		lines = append(lines, plan.ReportLine("ProofPassed", "set", r.Backup, "objects", r.Objects, "secrets", r.Secrets, "seconds", r.RecoverySeconds))
	} else {
		lines = append(lines, plan.ReportLine("ProofFailed", "set", r.Backup, "count", len(r.Problems)))
	}
	for _, x := range append(r.Problems, r.Notes...) {
		if len(lines) < 60 {
			lines = append(lines, x)
		}
	}
	for _, x := range r.Databases {
		lines = append(lines, plan.ReportLine("ProofDatabase", "component", x.Component, "server", x.Server, "tables", x.Tables, "rows", x.Rows))
	}
	return lines, map[string]int64{"objects": r.Objects, "secrets": r.Secrets, "recoverySeconds": r.RecoverySeconds, "problems": int64(len(r.Problems))}, nil
}
