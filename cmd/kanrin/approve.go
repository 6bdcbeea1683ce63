package main

import (
	"context"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli"
)

type approveOptions struct {
	plan  string
	yes   bool
	watch bool
}

func (a *app) newApprove() *cobra.Command {
	var o approveOptions
	c := a.command("approve", "approve OPERATION --plan DIGEST [flags]", func(cmd *cobra.Command, args []string) error {
		return a.approve(cmd.Context(), args[0], o)
	})
	c.Args = a.arguments(1, 1, "OPERATION")
	c.Example = "  kanrin approve operation/drain-x7k2p --plan 7f3a91c0de42\n  kanrin approve operation/drain-x7k2p"
	c.Flags().StringVar(&o.plan, "plan", "", a.t("cli.flag.approve.plan"))
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, a.t("cli.flag.approve.yes"))
	c.Flags().BoolVarP(&o.watch, "watch", "w", false, a.t("cli.flag.switch.watch"))
	a.exclusive(c, "plan", "yes")
	c.ValidArgsFunction = a.completeNames("operations")
	return c
}

// approve approves the plan of a digest, or shows the present plan and asks. It returns when the operation has begun, or Kanrin has
// refused to begin.
func (a *app) approve(ctx context.Context, arg string, o approveOptions) error {
	r, err := a.actOn(ctx, arg, "approve")
	if err != nil {
		return err
	}
	r.o = actOptions{detach: !o.watch, yes: o.yes}
	digest := o.plan
	if digest == "" {
		if p := r.op.Status.Plan; p != nil {
			digest = p.Digest
		}
	}
	if err := r.s.approvable(r.op, digest, r.what); err != nil {
		return err
	}
	if o.plan == "" {
		if err := r.show(ctx); err != nil {
			return err
		}
		if !o.yes {
			if !a.prompt.Interactive() {
				return a.badInput(r.what, a.t("cli.why.noDigest"), a.t("cli.next.noDigest", "ref", r.ref(), "digest", digest))
			}
			yes, err := r.ask(ctx)
			if err != nil || !yes {
				if err == nil || isInterrupted(ctx, err) {
					a.say("cli.approve.declined")
					return cli.Exit(cli.Interrupted)
				}
				return err
			}
		}
	}
	if r.op, err = r.s.approve(ctx, r.op, digest, r.what); err != nil {
		return err
	}
	if err := r.started(ctx); err != nil {
		return r.lost(ctx, err)
	}
	return r.finish(ctx)
}

// actOn finds an operation that exists already.
func (a *app) actOn(ctx context.Context, arg, verb string) (*act, error) {
	format, err := a.format()
	if err != nil {
		return nil, err
	}
	ref, err := a.operationRef(arg)
	if err != nil {
		return nil, err
	}
	what := a.t("cli.what."+verb, "name", ref.Name)
	s, err := a.connect(what)
	if err != nil {
		return nil, err
	}
	if ref.Cluster != "" {
		if a.cluster != "" && a.cluster != ref.Cluster {
			return nil, a.badInput(what, a.t("cli.why.twoClusters", "one", ref.Cluster, "other", a.cluster), a.t("cli.next.twoClusters"))
		}
		a.cluster = ref.Cluster // said in hints too
	}
	cluster, err := s.clusterOf(ctx, what)
	if err != nil {
		return nil, err
	}
	var op *v1alpha1.Operation
	if op, err = s.Operation(ctx, cluster, ref.Name); err != nil {
		return nil, s.explain(what, err)
	}
	return &act{s: s, format: format, what: what, op: op}, nil
}
