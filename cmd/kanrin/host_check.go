package main

import (
	"context"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// checksAtOnce bounds the looks that one command asks for at the same time.
const checksAtOnce = 16

func (a *app) newHostCheck() *cobra.Command {
	c := a.command("host.check", "check [NAME…] [flags]", func(cmd *cobra.Command, args []string) error {
		return a.hostCheck(cmd.Context(), args)
	})
	c.Example = "  kanrin host check\n  kanrin host check w3 -o wide"
	c.ValidArgsFunction = a.completeNames("hosts")
	return c
}

func (a *app) hostCheck(ctx context.Context, names []string) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	what := a.t("cli.what.hostsCheck")
	s, cluster, err := a.hostIn(ctx, what)
	if err != nil {
		return err
	}
	single := len(names) == 1
	if len(names) == 0 {
		list, err := s.Hosts(ctx, cluster)
		if err != nil {
			return s.explain(what, err)
		}
		for _, h := range list.Items {
			names = append(names, h.Name)
		}
	}
	seen := make([]*v1alpha1.Host, len(names))
	looks, looking := errgroup.WithContext(ctx)
	looks.SetLimit(checksAtOnce)
	for i, name := range names {
		looks.Go(func() error {
			h, err := s.RefreshHost(looking, cluster, name)
			if err != nil {
				return s.explain(a.t("cli.what.hostCheck", "name", name), err)
			}
			seen[i] = h
			return nil
		})
	}
	if err := looks.Wait(); err != nil {
		return err
	}
	if err := a.printHosts(format, cluster, single, seen...); err != nil {
		return err
	}
	return a.hostVerdict(what, seen...)
}
