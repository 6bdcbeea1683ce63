package main

import (
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// clusterArgument lets a verb about a whole cluster be told which: cluster/NAME, NAME, or nothing when --cluster says it.
func (a *app) clusterArgument(what string, args []string) error {
	if len(args) == 0 {
		return nil
	}
	name := args[0]
	for _, prefix := range []string{"cluster/", "clusters/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	if name == "" || strings.ContainsAny(name, "/ \t\n") || a.cluster != "" && a.cluster != name {
		return a.badInput(what, a.t("cli.why.clusterRef", "name", args[0]), a.t("cli.next.list", "resource", "clusters"))
	}
	a.cluster = name
	return nil
}

type stopOptions struct {
	act       actOptions
	scaleDown []string
	until     string
	spec      v1alpha1.StopSpec
}

func (a *app) newStop() *cobra.Command {
	var o stopOptions
	c := a.command("stop", "stop [cluster/NAME] [flags]", nil)
	c.Example = `  kanrin stop cluster/prod --plan-only
  kanrin stop cluster/prod --power-off --until 72h
  kanrin stop cluster/prod --scale-down Deployment/shop/web,Deployment/shop/cart --scale-down StatefulSet/shop/db`
	c.Args = a.arguments(0, 1, "CLUSTER")
	f := c.Flags()
	f.StringArrayVar(&o.scaleDown, "scale-down", nil, a.t("cli.flag.stop.scaleDown"))
	f.BoolVar(&o.spec.Drain, "drain", false, a.t("cli.flag.stop.drain"))
	f.BoolVar(&o.spec.PowerOff, "power-off", false, a.t("cli.flag.stop.powerOff"))
	f.StringVar(&o.until, "until", "", a.t("cli.flag.stop.until"))
	f.StringArrayVar(&o.spec.SuspendWebhooks, "suspend-webhook", nil, a.t("cli.flag.stop.suspendWebhook"))
	a.actFlags(c, &o.act)
	c.ValidArgsFunction = a.completeNames("clusters")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		spec, err := a.stopSpec(args, o)
		if err != nil {
			return err
		}
		return a.act(cmd.Context(), spec, o.act)
	}
	return c
}

func (a *app) stopSpec(args []string, o stopOptions) (v1alpha1.OperationSpec, error) {
	none := v1alpha1.OperationSpec{}
	what := a.t("cli.what.act.Stop")
	if err := a.clusterArgument(what, args); err != nil {
		return none, err
	}
	s := o.spec
	s.SuspendWebhooks = unique(s.SuspendWebhooks)
	if o.until != "" {
		t, err := a.moment(o.until)
		if err != nil {
			return none, a.badInput(what, a.t("cli.why.until", "value", o.until), a.t("cli.next.until"))
		}
		s.Until = &metav1.Time{Time: t}
	}
	for _, tier := range o.scaleDown {
		var t v1alpha1.WorkloadTier
		for _, key := range unique(strings.Split(tier, ",")) {
			if p := strings.Split(key, "/"); len(p) != 3 || p[0] == "" || p[1] == "" || p[2] == "" {
				return none, a.badInput(what, a.t("cli.why.workloadKey", "name", key), a.t("cli.next.workloadKey"))
			}
			t.Workloads = append(t.Workloads, key)
		}
		s.ScaleDown = append(s.ScaleDown, t)
	}
	return v1alpha1.OperationSpec{Type: v1alpha1.OperationStop, Stop: &s}, nil
}

var errPast = errors.New("the moment is past")

// moment reads a date, or a duration from now.
func (a *app) moment(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		var d time.Duration
		if d, err = time.ParseDuration(text); err != nil {
			return t, err
		}
		t = a.now().Add(d).Truncate(time.Second)
	}
	if !t.After(a.now()) {
		return t, errPast
	}
	return t, nil
}

func (a *app) newStart() *cobra.Command {
	var act actOptions
	var spec v1alpha1.StartSpec
	c := a.command("start", "start [cluster/NAME] [flags]", nil)
	c.Example = "  kanrin start cluster/prod\n  kanrin start cluster/prod --without w7 --plan-only"
	c.Args = a.arguments(0, 1, "CLUSTER")
	f := c.Flags()
	f.StringArrayVar(&spec.Without, "without", nil, a.t("cli.flag.start.without"))
	f.StringArrayVar(&spec.SuspendWebhooks, "suspend-webhook", nil, a.t("cli.flag.stop.suspendWebhook"))
	a.actFlags(c, &act)
	c.ValidArgsFunction = a.completeNames("clusters")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := a.clusterArgument(a.t("cli.what.act.Start"), args); err != nil {
			return err
		}
		spec.Without, spec.SuspendWebhooks = unique(spec.Without), unique(spec.SuspendWebhooks)
		return a.act(cmd.Context(), v1alpha1.OperationSpec{Type: v1alpha1.OperationStart, Start: &spec}, act)
	}
	return c
}

func (a *app) newRestart() *cobra.Command {
	var act actOptions
	var spec v1alpha1.RestartSpec
	var what string
	c := a.command("restart", "restart nodes NODE… [flags]", nil)
	c.Example = "  kanrin restart nodes w1 w2 --max-unavailable 2\n  kanrin restart nodes cp1 cp2 cp3 --plan-only\n  kanrin restart nodes w1 --what kubelet"
	c.Args = a.arguments(1, -1, "NODE")
	f := c.Flags()
	f.StringVar(&what, "what", "reboot", a.t("cli.flag.restart.what"))
	f.Int32Var(&spec.MaxUnavailable, "max-unavailable", 1, a.t("cli.flag.restart.maxUnavailable"))
	f.BoolVar(&spec.SkipDrain, "skip-drain", false, a.t("cli.flag.restart.skipDrain"))
	a.actFlags(c, &act)
	c.ValidArgsFunction = a.completeNames("nodes")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 && (args[0] == "nodes" || args[0] == "node") {
			args = args[1:]
		}
		says := a.t("cli.what.act.Restart", "nodes", nodeList(args))
		nodes, err := a.nodeArguments(says, args)
		if err != nil {
			return err
		}
		kinds := map[string]v1alpha1.RestartWhat{"reboot": v1alpha1.RestartReboot, "runtime": v1alpha1.RestartRuntime, "kubelet": v1alpha1.RestartKubelet}
		k, ok := kinds[strings.ToLower(what)]
		if !ok {
			return a.badInput(says, a.t("cli.why.restartWhat", "value", what), a.t("cli.next.restartWhat"))
		}
		spec.Nodes, spec.What = nodes, k
		return a.act(cmd.Context(), v1alpha1.OperationSpec{Type: v1alpha1.OperationRestart, Restart: &spec}, act)
	}
	return c
}

func (a *app) newRecover() *cobra.Command {
	var act actOptions
	var spec v1alpha1.RecoverSpec
	c := a.command("recover", "recover NODE [flags]", nil)
	c.Example = "  kanrin recover w3\n  kanrin recover w3 --reboot --yes"
	c.Args = a.arguments(1, 1, "NODE")
	c.Flags().BoolVar(&spec.Reboot, "reboot", false, a.t("cli.flag.recover.reboot"))
	a.actFlags(c, &act)
	c.ValidArgsFunction = a.completeNames("nodes")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		nodes, err := a.nodeArguments(a.t("cli.what.act.Recover", "nodes", nodeList(args)), args)
		if err != nil {
			return err
		}
		spec.Node = nodes[0]
		return a.act(cmd.Context(), v1alpha1.OperationSpec{Type: v1alpha1.OperationRecover, Recover: &spec}, act)
	}
	return c
}
