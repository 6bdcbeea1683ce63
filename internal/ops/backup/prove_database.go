package backup

import (
	"context"
	"errors"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/proof"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// database loads a dump into a scratch server of its kind, when this machine has one, and counts what is in it.
type database struct{ base }

// Done implements plan.Behaviour.
func (b database) Done(ctx context.Context, s *plan.Scope) (bool, error) { return b.said(ctx, s) }

// Do implements plan.Behaviour. Without a server the dump stays unproven, and the result says so.
func (b database) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[databaseArgs](s)
	if err != nil {
		return err
	}
	began := time.Now()
	d, problems, notes, err := b.load(ctx, s, a)
	if err != nil {
		return err
	}
	return b.record(ctx, s, func(r *v1alpha1.DrillResult) {
		r.Stages = append(r.Stages, stage("Database "+a.Component, time.Since(began)))
		if d != nil {
			r.Databases = append(r.Databases, *d)
		}
		addProblems(r, problems...)
		addNotes(r, notes...)
	})
}

func (b database) load(ctx context.Context, s *plan.Scope, a databaseArgs) (*v1alpha1.DrillDatabase, []v1alpha1.Line, []v1alpha1.Line, error) {
	set, err := b.d.Store.Set(ctx, s.Cluster, a.Set)
	if err != nil {
		return nil, nil, nil, stored(ctx, a.Set, err)
	}
	defer set.Close() //nolint:errcheck // only read from
	p, err := b.policy(ctx, s.Cluster, a.Policy)
	if err != nil {
		return nil, nil, nil, err
	}
	dump, size, err := set.Dump(ctx, a.Component)
	if err != nil {
		return nil, nil, nil, stored(ctx, a.Set, err)
	}
	defer dump.Close() //nolint:errcheck // only read from
	res, err := proof.Database(ctx, proof.Configuration{Binary: b.d.Kube, AllowDisk: p.Spec.Proof.AllowDisk, Log: b.d.Log},
		proof.Dump{Kind: string(a.Type), SQL: dump, Size: size}, func(proof.Stage) {})
	if ctx.Err() != nil {
		return nil, nil, nil, context.Cause(ctx)
	}
	var none *proof.NoServer
	var scratch *proof.NoScratch
	switch {
	case errors.As(err, &none):
		return nil, nil, []v1alpha1.Line{problem("NoServer", a.Component, map[string]string{"type": string(a.Type)})}, nil
	case errors.As(err, &scratch):
		return nil, nil, nil, plan.Fail("NoScratch", a.Set, err)
	case err != nil:
		return nil, nil, nil, plan.Fail("ProofNotRun", a.Set, err)
	}
	out := &v1alpha1.DrillDatabase{Component: a.Component, Server: res.Server}
	for _, d := range res.Databases {
		for _, t := range d.Tables {
			out.Tables++
			out.Rows += t.Rows
		}
	}
	var problems, notes []v1alpha1.Line
	for _, x := range res.Problems {
		problems = append(problems, problem(string(x.Code), about(a.Component, x.Object), x.Params))
	}
	for _, x := range res.Excluded {
		notes = append(notes, problem(string(x.Code), about(a.Component, x.Object), x.Params))
	}
	return out, problems, notes, nil
}

// about names the component, and what of it when that is known.
func about(component, object string) string {
	if object == "" {
		return component
	}
	return component + " " + object
}
