package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/output"
	"kanrin.dev/kanrin/internal/kubebin"
	"kanrin.dev/kanrin/internal/lab"
)

// labOptions are the flags that all lab commands share.
type labOptions struct{ dir, name string }

func (a *app) newLab() *cobra.Command {
	c := a.command("lab", "lab COMMAND", nil)
	c.Args = a.needsCommand
	c.RunE = func(*cobra.Command, []string) error { return nil } // Args has refused already
	o := &labOptions{}
	c.PersistentFlags().StringVar(&o.dir, "lab-dir", lab.DefaultDir, a.t("lab.flag.dir"))
	c.PersistentFlags().StringVar(&o.name, "name", "lab", a.t("lab.flag.name"))
	host := func(key string, do func(context.Context, *lab.Lab, lab.Host) error) *cobra.Command {
		h := a.command("lab."+key, key+" HOST...", func(cmd *cobra.Command, args []string) error {
			return a.labHosts(cmd.Context(), o, key, args, do)
		})
		h.Args = a.arguments(1, -1, "HOST")
		return h
	}
	mend := a.command("lab.mend", "mend [HOST...]", func(cmd *cobra.Command, args []string) error {
		return a.labHosts(cmd.Context(), o, "mend", args, func(ctx context.Context, l *lab.Lab, h lab.Host) error { return l.Mend(ctx, h) })
	})
	kill := host("kill", func(ctx context.Context, l *lab.Lab, h lab.Host) error { return l.Kill(ctx, h) })
	kill.Use, kill.Args = "kill HOST...|--all", a.arguments(0, -1, "HOST")
	all := kill.Flags().Bool("all", false, a.t("lab.flag.all"))
	kill.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 && !*all {
			return a.badInput(a.t("lab.what.kill"), a.t("lab.why.noHost"), a.t("lab.next.noHost"))
		}
		return a.labHosts(cmd.Context(), o, "kill", args, func(ctx context.Context, l *lab.Lab, h lab.Host) error { return l.Kill(ctx, h) })
	}
	c.AddCommand(
		a.newLabUp(o), a.newLabStatus(o), a.newLabSSH(o), kill,
		host("on", func(ctx context.Context, l *lab.Lab, h lab.Host) error { return l.PowerOn(ctx, h) }),
		host("pause", func(_ context.Context, l *lab.Lab, h lab.Host) error { return l.Pause(h) }),
		a.newLabCut(o), mend, a.newLabPower(o), a.newLabRegister(o), a.newLabDown(o),
	)
	return c
}

func (a *app) newLabUp(o *labOptions) *cobra.Command {
	var up lab.Options
	var register bool
	var dataDir, kube string
	c := a.command("lab.up", "up [flags]", nil)
	c.Example = "  kanrin lab up --control-planes 3 --workers 2\n  kanrin lab up --name dev --control-planes 1 --workers 1 --bare 1"
	c.Args = a.arguments(0, 0, "")
	f := c.Flags()
	f.IntVar(&up.ControlPlanes, "control-planes", 1, a.t("lab.flag.controlPlanes"))
	f.IntVar(&up.Workers, "workers", 1, a.t("lab.flag.workers"))
	f.IntVar(&up.Bare, "bare", 0, a.t("lab.flag.bare"))
	f.StringVar(&up.Kubernetes, "kubernetes", "", a.t("lab.flag.kubernetes"))
	f.StringVar(&up.Cache, "cache-dir", defaultLabCache(), a.t("lab.flag.cache"))
	f.StringVar(&up.Programs.Dir, "programs", "", a.t("lab.flag.programs"))
	f.StringVar(&kube, "kanrin-kube", "", a.t("up.flag.kube"))
	f.BoolVar(&register, "register", true, a.t("lab.flag.register"))
	f.StringVar(&dataDir, "data-dir", defaultDataDir(), a.t("lab.flag.dataDir"))
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		up.Dir, up.Name = o.dir, o.name
		var err error
		if up.Programs, err = labPrograms(kube, up.Programs.Dir, dataDir); err != nil {
			return a.labError("up", o.name, err)
		}
		began := time.Now()
		l, err := lab.Up(cmd.Context(), up, a.labProgress())
		if err != nil {
			return a.labError("up", o.name, err)
		}
		a.say("lab.up", "name", l.Name, "seconds", fmt.Sprintf("%.0f", time.Since(began).Seconds()), "kubeconfig", l.KubeconfigFile())
		if !register {
			return nil
		}
		return a.labRegister(cmd.Context(), l, dataDir, false)
	}
	return c
}

// labPrograms finds kanrin-kube as the server does, and the programs of hosts in the directory lab beside it or beside kanrin.
func labPrograms(kube, dir, dataDir string) (lab.Programs, error) {
	path, err := kubebin.Find(kube, dataDir)
	if err != nil {
		return lab.Programs{}, err
	}
	if dir == "" {
		dir = filepath.Join(filepath.Dir(path), "lab")
		if self, err := os.Executable(); err == nil {
			if beside := filepath.Join(filepath.Dir(self), "lab"); isDir(beside) {
				dir = beside
			}
		}
	}
	return lab.Programs{Kube: path, Dir: dir}, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func defaultLabCache() string {
	base, err := os.UserCacheDir()
	if err != nil {
		base = "/var/cache"
	}
	return filepath.Join(base, "kanrin", "lab")
}

// labProgress says each step when it ends, with its duration, and once a minute that it goes on.
func (a *app) labProgress() lab.Progress {
	return func(key string, pairs ...any) func(error) {
		began := time.Now()
		text := a.t(key, pairs...)
		return func(err error) {
			mark := "✓"
			if err != nil {
				mark = "✗"
			}
			fmt.Fprintf(a.streams.Err, "  %s %s (%.1f s)\n", mark, text, time.Since(began).Seconds())
		}
	}
}

func (a *app) newLabStatus(o *labOptions) *cobra.Command {
	c := a.command("lab.status", "status [flags]", func(cmd *cobra.Command, _ []string) error {
		format, err := a.format()
		if err != nil {
			return err
		}
		l, err := lab.Open(o.dir, o.name)
		if err != nil {
			return a.labError("status", o.name, err)
		}
		hosts := l.Status(cmd.Context())
		if !format.Human() {
			value := map[string]any{"name": l.Name, "kubernetes": l.Kubernetes, "endpoint": l.Endpoint(), "kubeconfig": l.KubeconfigFile(), "key": l.KeyFile(), "bundle": l.BundleDir(), "hosts": hosts}
			return a.document(format, output.Document{Value: value, Items: []output.Item{{Name: "lab/" + l.Name, Value: value}}})
		}
		g := &output.Grid{Headers: []string{"HOST", "ROLE", "ADDRESS", "STATE"}}
		for _, h := range hosts {
			g.Rows = append(g.Rows, []string{h.Name, h.Role, h.Address, h.State})
		}
		return a.table(g, len(hosts))
	})
	c.Args = a.arguments(0, 0, "")
	return c
}

func (a *app) newLabSSH(o *labOptions) *cobra.Command {
	c := a.command("lab.ssh", "ssh HOST [-- COMMAND...]", func(_ *cobra.Command, args []string) error {
		l, err := lab.Open(o.dir, o.name)
		if err != nil {
			return a.labError("ssh", o.name, err)
		}
		h, err := l.Host(args[0])
		if err != nil {
			return a.labError("ssh", o.name, err)
		}
		ssh, err := exec.LookPath("ssh")
		if err != nil {
			return a.labError("ssh", o.name, &lab.MissingError{Packages: []string{"openssh-client"}})
		}
		known := filepath.Join(o.dir, o.name, "known_hosts")
		if err := os.WriteFile(known, []byte(l.KnownHosts()), 0o600); err != nil {
			return a.labError("ssh", o.name, err)
		}
		line := append([]string{"ssh", "-i", l.KeyFile(), "-o", "UserKnownHostsFile=" + known, "-o", "IdentitiesOnly=yes", "root@" + h.Address.String()}, args[1:]...)
		return syscall.Exec(ssh, line, os.Environ())
	})
	c.Args = a.arguments(1, -1, "HOST")
	return c
}

func (a *app) newLabCut(o *labOptions) *cobra.Command {
	c := a.command("lab.cut", "cut HOST [HOST...]", func(cmd *cobra.Command, args []string) error {
		l, hosts, err := a.labOf(o, "cut", args)
		if err != nil {
			return err
		}
		if err := l.Cut(cmd.Context(), hosts...); err != nil {
			return a.labError("cut", strings.Join(args, " "), err)
		}
		a.say("lab.done.cut", "hosts", strings.Join(args, ", "))
		return nil
	})
	c.Args = a.arguments(1, -1, "HOST")
	return c
}

// labOf opens the lab and finds the hosts; none named means all.
func (a *app) labOf(o *labOptions, verb string, names []string) (*lab.Lab, []lab.Host, error) {
	l, err := lab.Open(o.dir, o.name)
	if err != nil {
		return nil, nil, a.labError(verb, o.name, err)
	}
	if len(names) == 0 {
		return l, l.Hosts, nil
	}
	var out []lab.Host
	for _, n := range names {
		h, err := l.Host(n)
		if err != nil {
			return nil, nil, a.labError(verb, n, err)
		}
		out = append(out, *h)
	}
	return l, out, nil
}

func (a *app) labHosts(ctx context.Context, o *labOptions, verb string, names []string, do func(context.Context, *lab.Lab, lab.Host) error) error {
	l, hosts, err := a.labOf(o, verb, names)
	if err != nil {
		return err
	}
	for _, h := range hosts {
		if err := do(ctx, l, h); err != nil {
			return a.labError(verb, h.Name, err)
		}
		a.say("lab.done."+verb, "host", h.Name)
	}
	return nil
}

// newLabPower is what Kanrin calls to switch a host, in the form of its power commands: ACTION HOST ADDRESS.
func (a *app) newLabPower(o *labOptions) *cobra.Command {
	c := a.command("lab.power", "power on|off|status HOST [ADDRESS]", func(cmd *cobra.Command, args []string) error {
		l, hosts, err := a.labOf(o, "power", args[1:2])
		if err != nil {
			return err
		}
		switch args[0] {
		case "on":
			err = l.PowerOn(cmd.Context(), hosts[0])
		case "off":
			err = l.Kill(cmd.Context(), hosts[0])
		case "status":
			state := "off"
			if l.Running(hosts[0]) {
				state = "on"
			}
			fmt.Fprintln(a.streams.Out, state)
		default:
			return a.badInput(a.t("lab.what.power", "host", args[1]), a.t("lab.why.power", "action", args[0]), a.t("lab.next.power"))
		}
		if err != nil {
			return a.labError("power", args[1], err)
		}
		return nil
	})
	c.Args = a.arguments(2, 3, "ACTION HOST")
	return c
}

func (a *app) newLabDown(o *labOptions) *cobra.Command {
	c := a.command("lab.down", "down", func(cmd *cobra.Command, _ []string) error {
		if err := lab.Down(cmd.Context(), o.dir, o.name); err != nil {
			return a.labError("down", o.name, err)
		}
		a.say("lab.done.down", "name", o.name)
		return nil
	})
	c.Args = a.arguments(0, 0, "")
	return c
}

// labError says what failed with a lab.
func (a *app) labError(verb, object string, err error) error {
	e := &cli.Error{Code: cli.Failed, What: a.t("lab.what."+verb, "name", object, "host", object), Why: err.Error(), Cause: err}
	var missing *lab.MissingError
	var version *lab.VersionError
	switch {
	case errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0:
		e.Code, e.Why, e.Next = cli.NotAllowed, a.t("lab.why.root"), a.t("lab.next.root")
	case errors.As(err, &missing):
		e.Code, e.Why = cli.Usage, a.t("lab.why.missing", "what", strings.Join(append(missing.Packages, missing.Programs...), ", "))
		e.Next = a.t("lab.next.programs")
		if len(missing.Packages) > 0 {
			e.Next = a.t("lab.next.packages", "packages", strings.Join(missing.Packages, " "))
		}
	case errors.As(err, &version):
		e.Code, e.Why, e.Next = cli.Usage, a.t("lab.why.version", "want", version.Want, "have", version.Have), a.t("lab.next.version", "have", version.Have)
	case errors.Is(err, lab.ErrNoLab):
		e.Code, e.Why, e.Next = cli.NotFound, a.t("lab.why.noLab"), a.t("lab.next.noLab")
	case errors.Is(err, lab.ErrNoHost):
		e.Code, e.Next = cli.NotFound, a.t("lab.next.noHost")
	case errors.Is(err, lab.ErrExists):
		e.Code, e.Why, e.Next = cli.Usage, a.t("lab.why.exists"), a.t("lab.next.exists")
	}
	return e
}
