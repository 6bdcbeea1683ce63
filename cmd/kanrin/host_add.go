package main

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/output"
	"kanrin.dev/kanrin/internal/hosts"
)

type hostAddOptions struct {
	trust       hostTrust
	name        string
	key         string
	roles       []string
	bmc         string
	bmcPort     int32
	bmcUser     string
	bmcPassword string // a file
	spec        v1alpha1.HostSpec
}

func (a *app) newHostAdd() *cobra.Command {
	var o hostAddOptions
	c := a.command("host.add", "add ADDRESS --key FILE [flags]", func(cmd *cobra.Command, args []string) error {
		return a.hostAdd(cmd.Context(), args[0], o)
	})
	c.Args = a.arguments(1, 1, "ADDRESS")
	c.Example = `  kanrin host add 10.0.0.33 --name w3 --node w3 --role worker --user ops --key ~/.ssh/kanrin
  kanrin host add 10.0.0.11 --name cp1 --node cp1 --role control-plane --key ./key --bmc 10.0.1.11 --bmc-user admin
  kanrin host add 10.0.0.33 --key ./key --fingerprint SHA256:…`
	f := c.Flags()
	f.StringVar(&o.name, "name", "", a.t("cli.flag.host.name"))
	f.StringVar(&o.spec.User, "user", "root", a.t("cli.flag.host.user"))
	f.Int32Var(&o.spec.Port, "port", hosts.DefaultPort, a.t("cli.flag.host.port"))
	f.StringVar(&o.key, "key", "", a.t("cli.flag.host.key"))
	f.StringSliceVar(&o.roles, "role", nil, a.t("cli.flag.host.role"))
	f.StringVar(&o.spec.NodeName, "node", "", a.t("cli.flag.host.node"))
	f.StringVar(&o.spec.Group, "group", "", a.t("cli.flag.host.group"))
	f.Int32Var(&o.spec.Tier, "tier", 0, a.t("cli.flag.host.tier"))
	f.StringVar(&o.bmc, "bmc", "", a.t("cli.flag.host.bmc"))
	f.Int32Var(&o.bmcPort, "bmc-port", hosts.DefaultBMCPort, a.t("cli.flag.host.bmcPort"))
	f.StringVar(&o.bmcUser, "bmc-user", "", a.t("cli.flag.host.bmcUser"))
	f.StringVar(&o.bmcPassword, "bmc-password-file", "", a.t("cli.flag.host.bmcPasswordFile"))
	f.StringVar(&o.spec.Power.Command, "power-command", "", a.t("cli.flag.host.powerCommand"))
	a.trustFlags(c, &o.trust)
	a.exclusive(c, "bmc", "power-command")
	_ = c.RegisterFlagCompletionFunc("role", cobra.FixedCompletions(hostRoleNames, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return c
}

var hostRoleNames = []string{
	string(v1alpha1.RoleControlPlane), string(v1alpha1.RoleWorker), string(v1alpha1.RoleManagement), string(v1alpha1.RoleProxy), string(v1alpha1.RoleScanner),
}

func (a *app) hostAdd(ctx context.Context, address string, o hostAddOptions) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	name := o.name
	if name == "" {
		name = strings.ToLower(strings.TrimSuffix(address, "."))
	}
	what := a.t("cli.what.hostAdd", "name", name)
	if o.name == "" && net.ParseIP(address) != nil && strings.Contains(address, ":") {
		return a.badInput(what, a.t("cli.why.hostNameIPv6"), a.t("cli.next.hostName"))
	}
	add := inventory.AddHost{Name: name, Spec: o.spec}
	add.Spec.Address = address
	for _, r := range o.roles {
		add.Spec.Roles = append(add.Spec.Roles, v1alpha1.HostRole(strings.ToLower(r)))
	}
	if add.PrivateKey, err = a.privateKey(what, o.key); err != nil {
		return err
	}
	if o.bmc != "" {
		if err := a.bmc(ctx, what, &add, o); err != nil {
			return err
		}
	}
	s, cluster, err := a.hostIn(ctx, what)
	if err != nil {
		return err
	}
	key, err := s.ScanHost(ctx, cluster, inventory.ScanHost{Address: address, Port: o.spec.Port})
	if err != nil {
		return s.explain(what, err)
	}
	a.say("cli.host.shows", "address", address, "fingerprint", key.Fingerprint, "type", key.Type)
	if err := a.accept(ctx, what, key, o.trust); err != nil {
		return err
	}
	add.Spec.HostKey = key.Key
	if _, err := s.AddHost(ctx, cluster, add); err != nil {
		return s.explain(what, err)
	}
	a.say("cli.host.added", "name", name, "cluster", cluster)
	h, err := s.RefreshHost(ctx, cluster, name)
	if err != nil {
		return s.explain(a.t("cli.what.hostCheck", "name", name), err)
	}
	if err := a.printHosts(format, cluster, true, h); err != nil {
		return err
	}
	return a.hostVerdict(a.t("cli.what.hostAddedUnusable", "name", name), h)
}

// privateKey reads the key and sees that the server can use it, before anything is sent.
func (a *app) privateKey(what, file string) (string, error) {
	if file == "" {
		return "", a.badInput(what, a.t("cli.why.hostKeyFile"), a.t("cli.next.hostKeyFile"))
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", a.subject().Error(what, err)
	}
	switch _, err := hosts.ParseKey(data); {
	case errors.Is(err, hosts.ErrEncryptedKey):
		return "", a.badInput(what, a.t("cli.why.hostKeyEncrypted", "file", file), a.t("cli.next.hostKeyEncrypted"))
	case err != nil:
		return "", a.badInput(what, a.t("cli.why.hostKeyInvalid", "file", file), a.t("cli.next.hostKeyFile"))
	}
	return string(data), nil
}

func (a *app) bmc(ctx context.Context, what string, add *inventory.AddHost, o hostAddOptions) error {
	if o.bmcUser == "" {
		return a.badInput(what, a.t("cli.why.bmcUser"), a.t("cli.next.bmcUser"))
	}
	add.Spec.Power.BMC = &v1alpha1.BMCSpec{Address: o.bmc, Port: o.bmcPort}
	add.BMCUser = o.bmcUser
	var err error
	if o.bmcPassword != "" {
		add.BMCPassword, err = a.secretFile(o.bmcPassword, what)
		return err
	}
	add.BMCPassword, err = a.prompt.Password(ctx, a.t("cli.ask.bmcPassword", "user", o.bmcUser, "address", o.bmc)+" ")
	if err != nil {
		return a.unanswered(what, err, a.t("cli.next.bmcPasswordFile"))
	}
	return nil
}

// printHosts prints hosts as `get hosts` does.
func (a *app) printHosts(format output.Format, cluster string, single bool, list ...*v1alpha1.Host) error {
	l := hostListing(a)
	rows := make([]hostRow, 0, len(list))
	for _, h := range list {
		rows = append(rows, hostRow{cluster, h})
	}
	if !format.Human() {
		return a.document(format, l.document(rows, single))
	}
	return a.table(l.grid(rows, format, getOptions{}), len(rows))
}
