package main

import (
	"context"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/internal/cli"
)

func (a *app) newHostRemove() *cobra.Command {
	yes := false
	c := a.command("host.remove", "remove NAME [flags]", func(cmd *cobra.Command, args []string) error {
		return a.hostRemove(cmd.Context(), args[0], yes)
	})
	c.Aliases = []string{"rm"}
	c.Args = a.arguments(1, 1, "NAME")
	c.Example = "  kanrin host remove w3"
	c.Flags().BoolVarP(&yes, "yes", "y", false, a.t("cli.flag.remove.yes"))
	c.ValidArgsFunction = a.completeNames("hosts")
	return c
}

func (a *app) hostRemove(ctx context.Context, name string, yes bool) error {
	what := a.t("cli.what.hostRemove", "name", name)
	s, cluster, err := a.hostIn(ctx, what)
	if err != nil {
		return err
	}
	if _, err := s.Host(ctx, cluster, name); err != nil {
		return s.explain(what, err)
	}
	if !yes {
		if !a.prompt.Interactive() {
			return a.badInput(what, a.t("cli.why.nobodyToAsk"), a.t("cli.next.hostYes"))
		}
		sure, err := a.prompt.Confirm(ctx, a.t("cli.ask.hostRemove", "name", name))
		if err != nil {
			return err
		}
		if !sure {
			a.say("cli.nothingSent")
			return cli.Exit(cli.Interrupted)
		}
	}
	if err := s.RemoveHost(ctx, cluster, name); err != nil {
		return s.explain(what, err)
	}
	a.say("cli.host.removed", "name", name)
	return nil
}
