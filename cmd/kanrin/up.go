package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	server "kanrin.dev/kanrin/internal/app"
	"kanrin.dev/kanrin/internal/buildinfo"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/console"
	"kanrin.dev/kanrin/internal/disk"
)

type upOptions struct {
	conf      server.Configuration
	minFree   string
	logFile   string
	logFormat string
}

// newUp is the server.
func (a *app) newUp() *cobra.Command {
	o := upOptions{conf: server.Configuration{Version: buildinfo.Version()}}
	c := a.command("up", "up [flags]", nil)
	c.Long = c.Short + "\n\n" + a.t("up.long")
	c.Example = `  kanrin up --demo
  kanrin up --data-dir /var/lib/kanrin --listen 0.0.0.0:8443 --tls-cert server.crt --tls-key server.key
  kanrin up --management-kubeconfig ops.kubeconfig`
	c.Args = a.arguments(0, 0, "")
	f := c.Flags()
	f.StringVar(&o.conf.DataDir, "data-dir", defaultDataDir(), a.t("up.flag.dataDir"))
	f.StringVar(&o.conf.Listen, "listen", console.DefaultListen, a.t("up.flag.listen"))
	f.BoolVar(&o.conf.Demo, "demo", false, a.t("up.flag.demo"))
	f.StringVar(&o.conf.ManagementKubeconfig, "management-kubeconfig", "", a.t("up.flag.managementKubeconfig"))
	f.StringVar(&o.conf.CertFile, "tls-cert", "", a.t("up.flag.tlsCert"))
	f.StringVar(&o.conf.KeyFile, "tls-key", "", a.t("up.flag.tlsKey"))
	f.StringArrayVar(&o.conf.Hosts, "host", nil, a.t("up.flag.host"))
	f.StringVar(&o.conf.Kube, "kanrin-kube", "", a.t("up.flag.kube"))
	f.StringVar(&o.minFree, "min-free-disk", disk.DefaultThreshold.String(), a.t("up.flag.minFreeDisk"))
	f.StringVar(&o.logFile, "log-file", "", a.t("up.flag.logFile"))
	f.StringVar(&o.logFormat, "log-format", "text", a.t("up.flag.logFormat"))
	c.RunE = func(cmd *cobra.Command, _ []string) error { return a.up(cmd.Context(), o) }
	return c
}

// defaultDataDir follows the XDG base directory specification.
func defaultDataDir() string {
	base := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "" // then --data-dir must be given, as Validate says
		}
		base = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(base, "kanrin")
}

// stopTimeout is how long an orderly stop may take; what is left then is killed.
const stopTimeout = time.Minute

func (a *app) up(ctx context.Context, o upOptions) error {
	// A terminal that is closed ends the server in order too, unless it was started to outlive it (nohup).
	if !signal.Ignored(syscall.SIGHUP) {
		var cancel context.CancelFunc
		ctx, cancel = signal.NotifyContext(ctx, syscall.SIGHUP)
		defer cancel()
	}
	if err := a.completeUp(&o); err != nil {
		return err
	}
	log, closeLog, err := a.upLog(o)
	if err != nil {
		return a.upError(o, err)
	}
	defer closeLog()
	report := newUpReport(a, o)
	x, err := server.New(o.conf, server.Dependencies{Log: log, Progress: report.progress})
	if err != nil {
		return a.badInput(a.t("up.what.start"), err.Error(), a.t("cli.next.help", "command", "kanrin up"))
	}
	report.starting()
	if err := x.Start(ctx); err != nil {
		if ctx.Err() != nil {
			report.stopped()
			return cli.Exit(cli.Interrupted)
		}
		return a.upError(o, err)
	}
	report.ready(x.Info())
	select {
	case <-ctx.Done():
		report.stopping()
	case err = <-x.Failed():
		log.Error("stopping, because a part failed", "error", err)
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if stopErr := x.Stop(stop); err == nil {
		err = stopErr
	}
	if err != nil {
		return a.upError(o, err)
	}
	report.stopped()
	return nil
}

// completeUp checks the flags, and makes paths absolute.
func (a *app) completeUp(o *upOptions) error {
	next := a.t("cli.next.help", "command", "kanrin up")
	for _, path := range []*string{&o.conf.DataDir, &o.conf.ManagementKubeconfig, &o.conf.CertFile, &o.conf.KeyFile, &o.logFile} {
		if *path == "" {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return a.badInput(a.t("up.what.start"), err.Error(), next)
		}
		*path = abs
	}
	var err error
	if o.conf.MinFreeDisk, err = disk.ParseThreshold(o.minFree); err != nil {
		return a.badInput(a.t("up.what.start"), a.t("up.why.minFreeDisk", "value", o.minFree), next)
	}
	if o.logFormat != "text" && o.logFormat != "json" {
		return a.badInput(a.t("up.what.start"), a.t("up.why.logFormat", "value", o.logFormat), next)
	}
	if o.conf.Demo && o.conf.ManagementKubeconfig != "" {
		return a.badInput(a.t("up.what.start"), a.t("up.why.demoAndManagement"), next)
	}
	return nil
}
