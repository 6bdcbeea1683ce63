package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/output"
)

func (a *app) newBackupPolicy() *cobra.Command {
	c := a.command("backup.policy", "policy COMMAND", nil)
	c.Args = a.needsCommand
	c.RunE = func(*cobra.Command, []string) error { return nil } // Args has refused already
	c.AddCommand(a.newPolicySet(), a.newPolicyKeys(), a.newPolicyRescan(), a.newPolicyRemove())
	return c
}

func (a *app) newPolicyKeys() *cobra.Command {
	c := a.command("backup.policy.keys", "keys NAME [flags]", func(cmd *cobra.Command, args []string) error {
		return a.policyKeys(cmd.Context(), args[0])
	})
	c.Args = a.arguments(1, 1, "NAME")
	c.Example = "  kanrin backup policy keys default > /media/usb/prod-backup-keys.txt"
	c.ValidArgsFunction = a.completeNames("backuppolicies")
	return c
}

// policyKeys prints what somebody needs who has the repository and no Kanrin.
func (a *app) policyKeys(ctx context.Context, name string) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	what := a.t("cli.what.policy.keys", "name", name)
	s, cluster, err := a.hostIn(ctx, what)
	if err != nil {
		return err
	}
	keys, err := s.BackupKeys(ctx, cluster, name)
	if err != nil {
		return s.explain(what, err)
	}
	a.say("cli.policy.keysWarning")
	if !format.Human() {
		value := map[string]any{
			"kind": "BackupKeys", "apiVersion": inventoryVersion, "cluster": cluster, "policy": name,
			"place": keys.Place, "password": keys.Password, "identity": keys.Identity, "recipient": keys.Recipient,
		}
		return a.document(format, output.Document{Value: value, Items: []output.Item{{Name: "backupkeys/" + name, Value: value}}})
	}
	_, err = fmt.Fprint(a.streams.Out, facts([][2]string{
		{a.label("cluster"), cluster},
		{a.label("policy"), name},
		{a.label("repository"), keys.Place},
		{a.label("password"), keys.Password},
		{a.label("identity"), keys.Identity},
		{a.label("recipient"), keys.Recipient},
	}))
	return err
}

func (a *app) newPolicyRescan() *cobra.Command {
	c := a.command("backup.policy.rescan", "rescan NAME [flags]", func(cmd *cobra.Command, args []string) error {
		return a.policyRescan(cmd.Context(), args[0])
	})
	c.Args = a.arguments(1, 1, "NAME")
	c.Example = "  kanrin backup policy rescan default"
	c.ValidArgsFunction = a.completeNames("backuppolicies")
	return c
}

func (a *app) policyRescan(ctx context.Context, name string) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	what := a.t("cli.what.policy.rescan", "name", name)
	s, cluster, err := a.hostIn(ctx, what)
	if err != nil {
		return err
	}
	set, err := s.RescanBackupPolicy(ctx, cluster, name)
	if err != nil {
		return s.explain(what, err)
	}
	return a.policyOutcome(format, cluster, set, false)
}

// policyOutcome says where the repository is and what was in it.
func (a *app) policyOutcome(format output.Format, cluster string, set *inventory.BackupPolicySet, isSet bool) error {
	p := set.Policy
	if p == nil {
		return &cli.Error{Code: cli.Failed, What: a.t("cli.what.write"), Why: a.t("cli.why.noAnswerBody")}
	}
	if isSet {
		a.say("cli.policy.set", "name", p.Name, "cluster", cluster)
	}
	switch {
	case set.Created:
		a.say("cli.policy.repositoryNew", "place", place(p.Spec.Repository))
	default:
		a.say("cli.policy.repositoryFound", "place", place(p.Spec.Repository), "count", set.Found)
	}
	if isSet {
		for _, c := range p.Spec.Copies {
			a.say("cli.policy.copy", "place", place(c))
		}
		if p.Spec.Schedule == nil {
			a.say("cli.policy.noSchedule")
		}
		a.say("cli.policy.keepKeys", "name", p.Name)
	}
	if format.Human() {
		return nil
	}
	p.ManagedFields = nil
	p.Kind, p.APIVersion = "BackupPolicy", "kanrin.dev/v1alpha1"
	return a.document(format, policyListing(a).document([]policyRow{{cluster, p}}, true))
}

func (a *app) newPolicyRemove() *cobra.Command {
	yes := false
	c := a.command("backup.policy.remove", "remove NAME [flags]", func(cmd *cobra.Command, args []string) error {
		return a.policyRemove(cmd.Context(), args[0], yes)
	})
	c.Aliases = []string{"rm"}
	c.Args = a.arguments(1, 1, "NAME")
	c.Example = "  kanrin backup policy remove nightly"
	c.Flags().BoolVarP(&yes, "yes", "y", false, a.t("cli.flag.remove.yes"))
	c.ValidArgsFunction = a.completeNames("backuppolicies")
	return c
}

func (a *app) policyRemove(ctx context.Context, name string, yes bool) error {
	what := a.t("cli.what.policy.remove", "name", name)
	s, cluster, err := a.hostIn(ctx, what)
	if err != nil {
		return err
	}
	p, err := s.BackupPolicy(ctx, cluster, name)
	if err != nil {
		return s.explain(what, err)
	}
	if !yes {
		if err := a.typedName(ctx, what, a.t("cli.ask.policyRemove", "name", name, "place", place(p.Spec.Repository)), name); err != nil {
			return err
		}
	}
	if err := s.RemoveBackupPolicy(ctx, cluster, name); err != nil {
		return s.explain(what, err)
	}
	a.say("cli.policy.removed", "name", name, "place", place(p.Spec.Repository))
	return nil
}
