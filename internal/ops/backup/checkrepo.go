package backup

import (
	"context"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// CheckPlanner plans the check of a repository.
type CheckPlanner struct{ base }

type checkFacts struct {
	Policy, Place string
	Sets          int
	Bytes         int64 `json:"-"`
}

// checkArgs are those of the check.
type checkArgs struct {
	Policy   string `json:"policy"`
	ReadData bool   `json:"readData"`
}

func (p *CheckPlanner) gather(ctx context.Context, op *v1alpha1.Operation) (*checkFacts, error) {
	policy, err := p.policy(ctx, op.Namespace, op.Spec.CheckBackups.Policy)
	if err != nil {
		return nil, err
	}
	sets, err := p.sets(ctx, op.Namespace, policy.Name)
	if err != nil {
		return nil, err
	}
	f := &checkFacts{Policy: policy.Name, Place: backup.Place(policy.Spec.Repository), Sets: len(sets)}
	for i := range sets {
		f.Bytes += sets[i].Status.Bytes
	}
	return f, nil
}

// Plan implements plan.Planner.
func (p *CheckPlanner) Plan(ctx context.Context, op *v1alpha1.Operation) (*plan.Draft, error) {
	f, err := p.gather(ctx, op)
	if err != nil {
		return nil, err
	}
	c := &plan.Composer{}
	req := op.Spec.CheckBackups
	forecast := int64(2)
	kind := "CheckStructure"
	if req.ReadData {
		forecast, kind = 2+f.Bytes/(100<<20), "CheckEverything"
	}
	c.Step(v1alpha1.Step{ID: "check", Kind: KindCheck, ForecastSeconds: forecast, TimeoutSeconds: 24 * 3600}, checkArgs{f.Policy, req.ReadData}, "place", f.Place, "count", f.Sets)
	c.Say(kind, "place", f.Place, "count", f.Sets)
	return c.Draft(f, f.Policy)
}

// Facts implements plan.Planner.
func (p *CheckPlanner) Facts(ctx context.Context, op *v1alpha1.Operation) (any, error) {
	return p.gather(ctx, op)
}

// Report implements plan.Planner.
func (p *CheckPlanner) Report(_ context.Context, op *v1alpha1.Operation, _ []v1alpha1.Member) ([]v1alpha1.Line, map[string]int64, error) {
	m := map[string]int64{}
	for _, st := range op.Status.Steps {
		for k, v := range st.Measures {
			m[k] = v
		}
	}
	return []v1alpha1.Line{plan.ReportLine("RepositoryWhole", "policy", op.Spec.CheckBackups.Policy, "files", m["files"], "bytes", m["bytes"])}, m, nil
}

// check checks a repository.
type check struct{ base }

// Done implements plan.Behaviour.
func (check) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Do implements plan.Behaviour.
func (b check) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[checkArgs](s)
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
	report, err := repo.Verify(ctx, a.ReadData, "")
	if err != nil {
		return stored(ctx, a.Policy, err)
	}
	s.Measure("files", int64(report.Objects))
	s.Measure("bytes", report.Bytes)
	if len(report.Problems) > 0 {
		for i, d := range report.Problems {
			if i < 50 {
				s.Log("error", "Damage", d.Object, "error", d.String())
			}
		}
		return plan.Fail("RepositoryDamage", a.Policy, nil, "count", len(report.Problems), "first", report.Problems[0].String())
	}
	return nil
}
