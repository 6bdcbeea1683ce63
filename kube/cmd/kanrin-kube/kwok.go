package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	nodefast "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	nodeheartbeat "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
	"sigs.k8s.io/kwok/pkg/apis/internalversion"
	"sigs.k8s.io/kwok/pkg/config"
	"sigs.k8s.io/kwok/pkg/kwok/cmd"
	"sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/kwok/pkg/utils/signals"
)

// usualStages is what kwok's own installation gives it: nodes become ready and
// stay so, pods run. leaseSeconds goes with them: nodes stay ready by renewing
// leases.
const leaseSeconds = 40

var usualStages = strings.Join([]string{
	nodefast.DefaultNodeInit, nodeheartbeat.DefaultNodeHeartbeatWithLease,
	podfast.DefaultPodReady, podfast.DefaultPodComplete, podfast.DefaultPodDelete,
}, "\n---\n")

// runKwok follows upstream's main: global flags are read first, because they
// decide where the command finds its configuration. Without any stages kwok
// would refuse to start, so then it gets the usual ones.
func runKwok() int {
	base := signals.SetupSignalContext()
	ctx, flags, logger, err := kwokFlags(base)
	if err == nil && len(config.FilterWithTypeFromContext[*internalversion.Stage](ctx)) == 0 && !stagesFromAPI() {
		if err = offerStages(); err == nil {
			ctx, flags, logger, err = kwokFlags(base)
		}
		if o := &config.GetKwokConfiguration(ctx).Options; o.NodeLeaseDurationSeconds == 0 {
			o.NodeLeaseDurationSeconds = leaseSeconds
		}
	}
	if err != nil {
		_, _ = os.Stderr.WriteString(flags.FlagUsages())
		logger.Error("Init config flags", "err", err)
		return 1
	}
	command := cmd.NewCommand(ctx)
	command.PersistentFlags().AddFlagSet(flags)
	if err := command.ExecuteContext(ctx); err != nil {
		logger.Error("Execute exit", "err", err)
		return 1
	}
	return 0
}

func kwokFlags(ctx context.Context) (context.Context, *pflag.FlagSet, *log.Logger, error) {
	flags := pflag.NewFlagSet("global", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	ctx, logger := log.InitFlags(ctx, flags)
	ctx, err := config.InitFlags(ctx, flags)
	return ctx, flags, logger, err
}

// stagesFromAPI reports whether kwok was told to read custom resources, stages
// among them, from the cluster.
func stagesFromAPI() bool {
	return slices.ContainsFunc(os.Args, func(arg string) bool { return strings.HasPrefix(arg, "--enable-crds") })
}

// offerStages makes the usual stages a configuration read from standard input,
// which is the one way in that needs no file.
func offerStages() error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("offering the usual stages: %w", err)
	}
	go func() {
		defer w.Close()
		_, _ = w.WriteString(usualStages)
	}()
	os.Stdin = r
	os.Args = append(os.Args, "--config=-")
	return nil
}
