package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/moment"
)

func (a *app) newBackup() *cobra.Command {
	c := a.command("backup", "backup COMMAND", nil)
	c.Args = a.needsCommand
	c.RunE = func(*cobra.Command, []string) error { return nil } // Args has refused already
	c.AddCommand(a.newBackupCreate(), a.newBackupProve(), a.newBackupCheck(), a.newBackupPrune(), a.newBackupPin(true), a.newBackupPin(false), a.newBackupPolicy())
	return c
}

// gentleFlags are the flags of verbs that change nothing that runs: they show their plan and go on, so that --yes means nothing to them.
func (a *app) gentleFlags(c *cobra.Command, o *actOptions) {
	a.actFlags(c, o)
	_ = c.Flags().MarkHidden("yes") // the flag is there
}

// requested connects, finds the cluster, has the request completed and acts.
func (a *app) requested(ctx context.Context, what string, o actOptions, complete func(s *session, cluster string) (v1alpha1.OperationSpec, error)) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	s, cluster, err := a.hostIn(ctx, what)
	if err != nil {
		return err
	}
	spec, err := complete(s, cluster)
	if err != nil {
		return s.explain(what, err)
	}
	return s.act(ctx, cluster, spec, o, format)
}

func (a *app) policyFlag(c *cobra.Command, policy *string) {
	c.Flags().StringVar(policy, "policy", "", a.t("cli.flag.backup.policy"))
	_ = c.RegisterFlagCompletionFunc("policy", a.completeNames("backuppolicies")) // the flag is there
}

func (a *app) newBackupCreate() *cobra.Command {
	o := actOptions{}
	r := v1alpha1.BackupRequest{Reason: v1alpha1.BackupManual}
	c := a.command("backup.create", "create [cluster/NAME] [flags]", nil)
	c.Example = `  kanrin backup create
  kanrin backup create cluster/prod --policy default --pin
  kanrin backup create --component etcd,keys --plan-only`
	c.Args = a.arguments(0, 1, "CLUSTER")
	a.policyFlag(c, &r.Policy)
	c.Flags().StringSliceVar(&r.Components, "component", nil, a.t("cli.flag.backup.component"))
	c.Flags().BoolVar(&r.Pinned, "pin", false, a.t("cli.flag.backup.pin"))
	a.gentleFlags(c, &o)
	c.ValidArgsFunction = a.completeNames("clusters")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		what := a.t("cli.what.act.Backup")
		if err := a.clusterArgument(what, args); err != nil {
			return err
		}
		o.yes, r.Components = true, unique(r.Components)
		return a.requested(cmd.Context(), what, o, func(s *session, cluster string) (v1alpha1.OperationSpec, error) {
			var err error
			r.Policy, err = s.policyOf(cmd.Context(), what, cluster, r.Policy)
			return v1alpha1.OperationSpec{Type: v1alpha1.OperationBackup, Backup: &r}, err
		})
	}
	return c
}

func (a *app) newBackupProve() *cobra.Command {
	o := actOptions{}
	c := a.command("backup.prove", "prove SET [flags]", nil)
	c.Example = "  kanrin backup prove latest\n  kanrin backup prove 20261122-004500-ab12 --detach"
	c.Args = a.arguments(1, 1, "SET")
	a.gentleFlags(c, &o)
	c.ValidArgsFunction = a.completeSets(1)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		what := a.t("cli.what.act.Prove", "nodes", args[0])
		o.yes = true
		return a.requested(cmd.Context(), what, o, func(s *session, cluster string) (v1alpha1.OperationSpec, error) {
			b, err := s.set(cmd.Context(), what, cluster, args[0], sealed)
			if err != nil {
				return v1alpha1.OperationSpec{}, err
			}
			return v1alpha1.OperationSpec{Type: v1alpha1.OperationProve, Prove: &v1alpha1.ProveRequest{Backup: b.Name}}, nil
		})
	}
	return c
}

// set is the one set of a cluster that text means.
func (s *session) set(ctx context.Context, what, cluster, text string, usable func(*v1alpha1.Backup) bool) (*v1alpha1.Backup, error) {
	all, err := s.sets(ctx, cluster)
	if err != nil {
		return nil, err
	}
	return all.find(what, text, usable)
}

func (a *app) newBackupCheck() *cobra.Command {
	o := actOptions{}
	r := v1alpha1.CheckBackupsRequest{}
	c := a.command("backup.check", "check [flags]", nil)
	c.Example = "  kanrin backup check\n  kanrin backup check --policy default --read-data"
	c.Args = a.arguments(0, 0, "")
	a.policyFlag(c, &r.Policy)
	c.Flags().BoolVar(&r.ReadData, "read-data", false, a.t("cli.flag.backup.readData"))
	a.gentleFlags(c, &o)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		what := a.t("cli.what.act.CheckBackups")
		o.yes = true
		return a.requested(cmd.Context(), what, o, func(s *session, cluster string) (v1alpha1.OperationSpec, error) {
			var err error
			r.Policy, err = s.policyOf(cmd.Context(), what, cluster, r.Policy)
			return v1alpha1.OperationSpec{Type: v1alpha1.OperationCheckBackups, CheckBackups: &r}, err
		})
	}
	return c
}

func (a *app) newBackupPrune() *cobra.Command {
	o := actOptions{}
	policy := ""
	c := a.command("backup.prune", "prune [SET…] [flags]", nil)
	c.Example = "  kanrin backup prune --plan-only\n  kanrin backup prune 20261101-020000-ab12 20261102-020000-cd34"
	a.policyFlag(c, &policy)
	a.actFlags(c, &o)
	c.ValidArgsFunction = a.completeSets(-1)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		what := a.t("cli.what.act.Prune")
		return a.requested(ctx, what, o, func(s *session, cluster string) (v1alpha1.OperationSpec, error) {
			r, err := s.pruneRequest(ctx, what, cluster, policy, args)
			return v1alpha1.OperationSpec{Type: v1alpha1.OperationPrune, Prune: r}, err
		})
	}
	return c
}

// pruneRequest of named sets is about the policy that they were made by. A set that is to be deleted is named: no time means one.
func (s *session) pruneRequest(ctx context.Context, what, cluster, policy string, names []string) (*v1alpha1.PruneRequest, error) {
	a := s.app
	r := &v1alpha1.PruneRequest{}
	if len(names) > 0 {
		all, err := s.sets(ctx, cluster)
		if err != nil {
			return nil, err
		}
		var policies []string
		for _, name := range names {
			if _, ok := moment.Parse(name, a.now().Local()); ok || strings.EqualFold(name, moment.Latest) {
				return nil, a.badInput(what, a.t("cli.why.pruneTime", "name", name), a.t("cli.next.pruneTime"))
			}
			b, err := all.find(what, name, func(*v1alpha1.Backup) bool { return true })
			if err != nil {
				return nil, err
			}
			r.Backups, policies = append(r.Backups, b.Name), append(policies, b.Spec.Policy)
		}
		r.Backups, policies = unique(r.Backups), unique(policies)
		if len(policies) > 1 || policy != "" && policies[0] != policy {
			slices.Sort(policies)
			return nil, a.badInput(what, a.t("cli.why.prunePolicies", "policies", strings.Join(policies, ", ")), a.t("cli.next.prunePolicies"))
		}
		policy = policies[0]
	}
	var err error
	r.Policy, err = s.policyOf(ctx, what, cluster, policy)
	return r, err
}

func (a *app) newBackupPin(pin bool) *cobra.Command {
	verb := "unpin"
	if pin {
		verb = "pin"
	}
	c := a.command("backup."+verb, verb+" SET [flags]", nil)
	c.Args = a.arguments(1, 1, "SET")
	c.Example = "  kanrin backup " + verb + " 20261122-004500-ab12"
	c.ValidArgsFunction = a.completeSets(1)
	c.RunE = func(cmd *cobra.Command, args []string) error { return a.pin(cmd.Context(), args[0], pin) }
	return c
}

func (a *app) pin(ctx context.Context, text string, pin bool) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	what, done := a.t("cli.what.backup.unpin", "set", text), "cli.backup.unpinned"
	if pin {
		what, done = a.t("cli.what.backup.pin", "set", text), "cli.backup.pinned"
	}
	s, cluster, err := a.hostIn(ctx, what)
	if err != nil {
		return err
	}
	b, err := s.set(ctx, what, cluster, text, sealed)
	if err != nil {
		return s.explain(what, err)
	}
	if b, err = s.PinBackup(ctx, cluster, b.Name, pin); err != nil {
		return s.explain(what, err)
	}
	if !format.Human() {
		b.ManagedFields = nil
		return a.document(format, backupListing(a).document([]backupRow{{cluster, b}}, true))
	}
	a.say(done, "set", b.Name)
	return nil
}
