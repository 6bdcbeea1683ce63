package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet/kubeconfig"
	"kanrin.dev/kanrin/internal/lab"
)

// newLabRegister makes a lab known to a Kanrin server on this machine.
func (a *app) newLabRegister(o *labOptions) *cobra.Command {
	var dataDir string
	c := a.command("lab.register", "register [flags]", func(cmd *cobra.Command, _ []string) error {
		l, err := lab.Open(o.dir, o.name)
		if err != nil {
			return a.labError("register", o.name, err)
		}
		return a.labRegister(cmd.Context(), l, dataDir, true)
	})
	c.Args = a.arguments(0, 0, "")
	c.Flags().StringVar(&dataDir, "data-dir", defaultDataDir(), a.t("lab.flag.dataDir"))
	return c
}

// labRegister adds the cluster, its hosts with their keys, the power command and the bundle. What is there already stays. Without a server
// it says how to do it later, unless it was asked for.
func (a *app) labRegister(ctx context.Context, l *lab.Lab, dataDir string, asked bool) error {
	what := a.t("lab.what.register", "name", l.Name)
	s, err := a.connect(what)
	if err != nil {
		if asked {
			return err
		}
		a.say("lab.notRegistered", "name", l.Name)
		return nil
	}
	if err := a.labLend(l, dataDir); err != nil {
		return a.labError("register", l.Name, err)
	}
	flat, err := kubeconfig.Flatten(l.KubeconfigFile(), "")
	if err != nil {
		return a.labError("register", l.Name, err)
	}
	switch _, err := s.Cluster(ctx, l.Name); {
	case apierrors.IsNotFound(err):
		if _, err := s.AddCluster(ctx, inventory.AddCluster{Name: l.Name, Kubeconfig: string(flat)}); err != nil {
			return s.explain(what, err)
		}
	case err != nil:
		return s.explain(what, err)
	}
	key, err := os.ReadFile(l.KeyFile())
	if err != nil {
		return a.labError("register", l.Name, err)
	}
	known, err := s.Hosts(ctx, l.Name)
	if err != nil {
		return s.explain(what, err)
	}
	have := map[string]bool{}
	for _, h := range known.Items {
		have[h.Name] = true
	}
	for _, h := range l.Hosts {
		if have[h.Name] {
			continue
		}
		add := inventory.AddHost{Name: h.Name, PrivateKey: string(key), Spec: v1alpha1.HostSpec{
			Address: h.Address.String(), User: "ops", HostKey: h.HostKey, Power: v1alpha1.PowerSpec{Command: labPowerCommand(l)},
		}}
		switch h.Role {
		case lab.RoleControlPlane, lab.RoleWorker:
			add.Spec.NodeName, add.Spec.Roles = h.Name, []v1alpha1.HostRole{v1alpha1.HostRole(h.Role)}
		case lab.RoleBalancer:
			add.Spec.Roles = []v1alpha1.HostRole{v1alpha1.RoleProxy}
		}
		if _, err := s.AddHost(ctx, l.Name, add); err != nil {
			return s.explain(a.t("lab.what.registerHost", "host", h.Name), err)
		}
	}
	a.say("lab.registered", "name", l.Name, "hosts", len(l.Hosts))
	return nil
}

func labPowerCommand(l *lab.Lab) string { return "lab-" + l.Name }

// labLend puts the power command and the bundle where the server finds them.
func (a *app) labLend(l *lab.Lab, dataDir string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	script := fmt.Sprintf("#!/bin/sh\n# Switches hosts of the lab %[1]s: ACTION HOST ADDRESS.\nexec %[2]s lab power --name %[1]s --lab-dir %[3]s \"$@\"\n", l.Name, shellQuote(self), shellQuote(l.Dir()))
	power := filepath.Join(dataDir, "power.d", labPowerCommand(l))
	if err := os.MkdirAll(filepath.Dir(power), 0o700); err != nil {
		return fmt.Errorf("making the directory of power commands: %w", err)
	}
	if err := os.WriteFile(power, []byte(script), 0o700); err != nil {
		return fmt.Errorf("writing the power command: %w", err)
	}
	bundles := filepath.Join(dataDir, "bundles")
	if err := os.MkdirAll(bundles, 0o700); err != nil {
		return fmt.Errorf("making the directory of bundles: %w", err)
	}
	link := filepath.Join(bundles, "lab-"+l.Name)
	_ = os.Remove(link)
	if err := os.Symlink(l.BundleDir(), link); err != nil {
		return fmt.Errorf("linking the bundle: %w", err)
	}
	return nil
}
