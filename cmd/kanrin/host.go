package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli"
)

func (a *app) newHost() *cobra.Command {
	c := a.command("host", "host COMMAND", nil)
	c.Aliases = []string{"hosts"}
	c.Args = a.needsCommand
	c.RunE = func(*cobra.Command, []string) error { return nil } // Args has refused already
	c.AddCommand(a.newHostAdd(), a.newHostCheck(), a.newHostTrust(), a.newHostRemove())
	return c
}

// hostIn connects and finds the cluster that a command about hosts means.
func (a *app) hostIn(ctx context.Context, what string) (*session, string, error) {
	s, err := a.connect(what)
	if err != nil {
		return nil, "", err
	}
	cluster, err := s.clusterOf(ctx, what)
	return s, cluster, err
}

// hostTrust says how the person decides about a host key.
type hostTrust struct {
	fingerprint string
	yes         bool
}

func (a *app) trustFlags(c *cobra.Command, t *hostTrust) {
	c.Flags().StringVar(&t.fingerprint, "fingerprint", "", a.t("cli.flag.host.fingerprint"))
	c.Flags().BoolVarP(&t.yes, "yes", "y", false, a.t("cli.flag.host.yes"))
	a.exclusive(c, "fingerprint", "yes")
}

// accept decides about the key that a machine shows: by a given fingerprint, by --yes, or by asking.
func (a *app) accept(ctx context.Context, what string, key *inventory.ScannedKey, t hostTrust) error {
	switch {
	case t.fingerprint != "":
		if t.fingerprint != key.Fingerprint {
			return &cli.Error{Code: cli.NotAllowed, What: what, Why: a.t("cli.why.hostFingerprint", "shown", key.Fingerprint), Next: a.t("cli.next.hostFingerprint")}
		}
		return nil
	case t.yes:
		return nil
	case !a.prompt.Interactive():
		return a.badInput(what, a.t("cli.why.hostKeyUnseen", "shown", key.Fingerprint), a.t("cli.next.hostKeyUnseen", "shown", key.Fingerprint))
	}
	yes, err := a.prompt.Confirm(ctx, a.t("cli.ask.hostKey"))
	if err != nil {
		return err
	}
	if !yes {
		a.say("cli.host.notTrusted")
		return cli.Exit(cli.Interrupted)
	}
	return nil
}

// hostVerdict is the error for hosts that cannot be used; nil when all can. Of several it says each before.
func (a *app) hostVerdict(what string, list ...*v1alpha1.Host) error {
	bad := slices.DeleteFunc(slices.Clone(list), func(h *v1alpha1.Host) bool { return h.Status.State == v1alpha1.HostReachable })
	switch len(bad) {
	case 0:
		return nil
	case 1:
		return &cli.Error{Code: cli.Failed, What: what, Why: a.hostSentence(bad[0])}
	}
	for _, h := range bad {
		a.say("cli.host.unusable", "name", h.Name, "why", a.hostSentence(h))
	}
	return &cli.Error{Code: cli.Failed, What: what, Why: a.t("cli.why.hostsUnusable", "n", len(bad), "of", len(list))}
}
