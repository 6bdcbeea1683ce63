package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/render"
)

func (a *app) newWatch() *cobra.Command {
	c := a.command("watch", "watch OPERATION [flags]", func(cmd *cobra.Command, args []string) error { return a.watch(cmd.Context(), args[0]) })
	c.Args = a.arguments(1, 1, "OPERATION")
	c.Example = "  kanrin watch operation/drain-x7k2p"
	c.ValidArgsFunction = a.completeNames("operations")
	return c
}

// watch shows an operation from where it stands to its end. It ends with the operation's own exit code.
func (a *app) watch(ctx context.Context, arg string) error {
	r, err := a.actOn(ctx, arg, "watch")
	if err != nil {
		return err
	}
	if err := r.planned(ctx); err != nil {
		return r.lost(ctx, err)
	}
	if err := r.show(ctx); err != nil {
		return err
	}
	if r.op.Status.Phase == v1alpha1.PhasePlanned && r.op.Spec.ApprovedPlan == "" {
		if n := len(render.Blockers(r.op.Status.Plan)); n > 0 {
			a.say("cli.watch.blocked", "count", n)
			if err := r.print(); err != nil {
				return err
			}
			return cli.Exit(cli.Blocked)
		}
		a.say("cli.watch.awaiting", "ref", r.ref(), "digest", r.op.Status.Plan.Digest)
		err := r.until(ctx, func(op *v1alpha1.Operation) bool {
			return op.Status.Phase != v1alpha1.PhasePlanned || op.Spec.ApprovedPlan != ""
		})
		if err != nil {
			return r.lost(ctx, err)
		}
	}
	if atRest(r.op) && r.follower == nil { // otherwise its steps were shown as they ended
		fmt.Fprint(a.streams.Err, render.Journal(r.op, a.onErr()))
	}
	return r.finish(ctx)
}
