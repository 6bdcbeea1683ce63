package restore

import (
	"context"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/plan"
)

// Planner plans restores of clusters.
type Planner struct{ base }

// Plan implements plan.Planner.
func (p *Planner) Plan(ctx context.Context, op *v1alpha1.Operation) (*plan.Draft, error) {
	o := OptionsOf(op.Spec.RestoreCluster)
	if err := o.validate(); err != nil {
		return nil, err
	}
	f, err := p.gather(ctx, op, o, true)
	if err != nil {
		return nil, err
	}
	if o.Mode == v1alpha1.RestoreMember {
		return ComposeMember(op.Name, f, o, CheckMember(f, o))
	}
	if o.Mode == v1alpha1.RestoreEverything {
		return ComposeEverything(op.Name, f, CheckEverything(f, o))
	}
	return ComposeAll(op.Name, f, o, CheckAll(f, o))
}

// Facts implements plan.Planner.
func (p *Planner) Facts(ctx context.Context, op *v1alpha1.Operation) (any, error) {
	o := OptionsOf(op.Spec.RestoreCluster)
	if err := o.validate(); err != nil {
		return nil, err
	}
	return p.gather(ctx, op, o, false)
}

func (o Options) validate() error {
	if o.Mode == v1alpha1.RestoreMember && o.Member == "" {
		return plan.Refuse(v1alpha1.ReasonInvalidInput, "RestoreNoMember", string(o.Mode))
	}
	return nil
}
