package main

import (
	"context"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/hosts"
)

func (a *app) newHostTrust() *cobra.Command {
	var t hostTrust
	c := a.command("host.trust", "trust NAME [flags]", func(cmd *cobra.Command, args []string) error {
		return a.hostTrust(cmd.Context(), args[0], t)
	})
	c.Args = a.arguments(1, 1, "NAME")
	c.Example = "  kanrin host trust w3\n  kanrin host trust w3 --fingerprint SHA256:…"
	c.ValidArgsFunction = a.completeNames("hosts")
	a.trustFlags(c, &t)
	return c
}

// hostTrust pins the key that a machine shows now, after showing the old one and the new one.
func (a *app) hostTrust(ctx context.Context, name string, t hostTrust) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	what := a.t("cli.what.hostTrust", "name", name)
	s, cluster, err := a.hostIn(ctx, what)
	if err != nil {
		return err
	}
	h, err := s.Host(ctx, cluster, name)
	if err != nil {
		return s.explain(what, err)
	}
	key, err := s.ScanHost(ctx, cluster, inventory.ScanHost{Address: h.Spec.Address, Port: h.Spec.Port})
	if err != nil {
		return s.explain(what, err)
	}
	if key.Key == h.Spec.HostKey && (t.fingerprint == "" || t.fingerprint == key.Fingerprint) {
		a.say("cli.host.sameKey", "name", name, "fingerprint", key.Fingerprint)
	} else {
		if h.Spec.HostKey != "" {
			a.say("cli.host.pinned", "fingerprint", fingerprintOf(h.Spec.HostKey))
		}
		a.say("cli.host.shows", "address", h.Spec.Address, "fingerprint", key.Fingerprint, "type", key.Type)
		if err := a.accept(ctx, what, key, t); err != nil {
			return err
		}
		if _, err := s.PinHost(ctx, cluster, name, key.Key); err != nil {
			return s.explain(what, err)
		}
		a.say("cli.host.trusted", "name", name)
	}
	if h, err = s.RefreshHost(ctx, cluster, name); err != nil {
		return s.explain(a.t("cli.what.hostCheck", "name", name), err)
	}
	if err := a.printHosts(format, cluster, true, h); err != nil {
		return err
	}
	return a.hostVerdict(a.t("cli.what.hostCheck", "name", name), h)
}

// fingerprintOf a pinned key; one that cannot be read is shown as it is.
func fingerprintOf(line string) string {
	key, err := hosts.ParseHostKey(line)
	if err != nil {
		return line
	}
	return hosts.Fingerprint(key)
}
