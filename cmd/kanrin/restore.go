package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// restoreModes are the values of --mode.
var restoreModes = map[string]v1alpha1.RestoreMode{
	"all-members": v1alpha1.RestoreAllMembers, "member": v1alpha1.RestoreMember, "everything": v1alpha1.RestoreEverything,
}

type restoreOptions struct {
	act  actOptions
	from string
	mode string
	spec v1alpha1.RestoreClusterRequest
}

func (a *app) newRestore() *cobra.Command {
	var o restoreOptions
	c := a.command("restore", "restore [cluster/NAME] --from SET|TIME [flags]", nil)
	c.Example = `  kanrin restore cluster/prod --from latest --plan-only
  kanrin restore cluster/prod --from "2026-11-20 14:30"
  kanrin restore cluster/prod --mode member --member cp2
  kanrin restore cluster/prod --from 20261122-004500-ab12 --mode everything`
	c.Args = a.arguments(0, 1, "CLUSTER")
	f := c.Flags()
	f.StringVar(&o.from, "from", "", a.t("cli.flag.restore.from"))
	f.StringVar(&o.mode, "mode", "", a.t("cli.flag.restore.mode"))
	f.StringVar(&o.spec.Member, "member", "", a.t("cli.flag.restore.member"))
	f.BoolVar(&o.spec.Unproven, "unproven", false, a.t("cli.flag.restore.unproven"))
	f.BoolVar(&o.spec.WithoutPresent, "without-present", false, a.t("cli.flag.restore.withoutPresent"))
	f.StringArrayVar(&o.spec.Without, "without", nil, a.t("cli.flag.restore.without"))
	a.actFlags(c, &o.act)
	c.ValidArgsFunction = a.completeNames("clusters")
	_ = c.RegisterFlagCompletionFunc("from", a.completeSets(-1))
	_ = c.RegisterFlagCompletionFunc("member", a.completeNames("hosts"))
	_ = c.RegisterFlagCompletionFunc("mode", cobra.FixedCompletions(slices.Sorted(maps.Keys(restoreModes)), cobra.ShellCompDirectiveNoFileComp))
	c.RunE = func(cmd *cobra.Command, args []string) error {
		what := a.t("cli.what.act.RestoreCluster")
		if err := a.clusterArgument(what, args); err != nil {
			return err
		}
		spec, err := a.restoreSpec(what, o)
		if err != nil {
			return err
		}
		return a.requested(cmd.Context(), what, o.act, func(s *session, cluster string) (v1alpha1.OperationSpec, error) {
			if o.from != "" {
				b, err := s.set(cmd.Context(), what, cluster, o.from, browsable)
				if err != nil {
					return v1alpha1.OperationSpec{}, err
				}
				spec.Backup = b.Name
			}
			return v1alpha1.OperationSpec{Type: v1alpha1.OperationRestoreCluster, RestoreCluster: &spec}, nil
		})
	}
	return c
}

// restoreSpec is the request without its set. A member alone is replaced from the others: that needs no set.
func (a *app) restoreSpec(what string, o restoreOptions) (v1alpha1.RestoreClusterRequest, error) {
	s := o.spec
	for _, prefix := range []string{"host/", "hosts/"} {
		s.Member = strings.TrimPrefix(s.Member, prefix)
	}
	s.Without = unique(s.Without)
	if o.mode == "" {
		o.mode = "all-members"
		if s.Member != "" {
			o.mode = "member"
		}
	}
	mode, ok := restoreModes[o.mode]
	switch {
	case !ok:
		return s, a.badInput(what, a.t("cli.why.restoreMode", "mode", o.mode), a.t("cli.next.restoreMode"))
	case (mode == v1alpha1.RestoreMember) != (s.Member != ""):
		return s, a.badInput(what, a.t("cli.why.restoreMember"), a.t("cli.next.restoreMember"))
	case mode == v1alpha1.RestoreMember && o.from != "":
		return s, a.badInput(what, a.t("cli.why.restoreMemberFrom"), a.t("cli.next.restoreMemberFrom"))
	case mode != v1alpha1.RestoreMember && o.from == "":
		return s, a.badInput(what, a.t("cli.why.restoreFrom"), a.t("cli.next.restoreFrom"))
	}
	s.Mode = mode
	return s, nil
}
