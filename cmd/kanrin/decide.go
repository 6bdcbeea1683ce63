package main

import (
	"context"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/render"
)

// decide says whether the plan is to be approved; stop ends the command with err.
func (r *act) decide(ctx context.Context) (stop bool, err error) {
	a := r.s.app
	if r.op.Status.Phase != v1alpha1.PhasePlanned {
		return true, r.finish(ctx) // could not be planned, or was cancelled by somebody
	}
	blockers := render.Blockers(r.op.Status.Plan)
	switch {
	case len(blockers) > 0:
		if err := r.print(); err != nil {
			return true, r.abandon(ctx, err)
		}
		if err := r.withdraw(ctx); err != nil {
			return true, err
		}
		a.say("cli.act.blocked", "count", len(blockers))
		return true, cli.Exit(cli.Blocked)
	case r.o.dryRun:
		if err := r.print(); err != nil {
			return true, r.abandon(ctx, err)
		}
		if err := r.withdraw(ctx); err != nil {
			return true, err
		}
		a.say("cli.act.dryRun")
		return true, nil
	case r.o.planOnly:
		a.say("cli.act.planOnly", "ref", r.ref(), "digest", r.op.Status.Plan.Digest)
		return true, r.print()
	case nothingToDo(r.op):
		if err := r.print(); err != nil {
			return true, r.abandon(ctx, err)
		}
		if err := r.withdraw(ctx); err != nil {
			return true, err
		}
		a.say("cli.act.nothingToDo")
		return true, nil
	case r.o.yes:
		return false, nil
	case !a.prompt.Interactive():
		if err := r.withdraw(ctx); err != nil {
			return true, err
		}
		return true, &cli.Error{Code: cli.Usage, What: r.what, Why: a.t("cli.why.nobodyToAsk"), Next: a.t("cli.next.nobodyToAsk")}
	}
	yes, err := r.ask(ctx)
	if err != nil {
		return true, r.abandon(ctx, err)
	}
	if !yes {
		if err := r.withdraw(ctx); err != nil {
			return true, err
		}
		a.say("cli.act.declined")
		return true, cli.Exit(cli.Interrupted)
	}
	return false, nil
}

// ask has the names of what is deleted typed, and then asks whether the plan is to run.
func (r *act) ask(ctx context.Context) (bool, error) {
	a := r.s.app
	if d := r.op.Spec.Drain; d != nil {
		for _, name := range d.Delete {
			typed, err := a.prompt.Typed(ctx, a.t("cli.ask.delete", "pod", name), name)
			if err != nil || !typed {
				return false, err
			}
		}
	}
	if r.op.Spec.RestoreCluster != nil {
		typed, err := a.prompt.Typed(ctx, a.t("cli.ask.restore", "what", render.What(r.op, a.onErr()), "name", r.op.Namespace), r.op.Namespace)
		if err != nil || !typed {
			return false, err
		}
	}
	return a.prompt.Confirm(ctx, a.t("cli.ask.run"))
}

// nothingToDo reports whether the plan would change nothing.
func nothingToDo(op *v1alpha1.Operation) bool {
	if len(op.Status.Plan.Steps) == 0 {
		return true
	}
	done := 0
	for _, f := range op.Status.Plan.Findings {
		if f.Code == "NothingToDo" {
			done++
		}
	}
	return done > 0 && done == len(render.Nodes(op))
}
