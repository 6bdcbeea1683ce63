package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/v1alpha1"
)

type drainOptions struct {
	act    actOptions
	wait   bool
	surge  []string
	delete []string
	grace  int64
	limit  time.Duration
}

// noGrace is kubectl's way to say "the pods' own grace period".
const noGrace = -1

func (a *app) newDrain() *cobra.Command {
	var o drainOptions
	c := a.command("drain", "drain NODE… [flags]", nil)
	c.Example = `  kanrin drain w3 w4
  kanrin drain w3 --plan-only -o yaml
  kanrin drain w3 --surge shop/web --wait
  kanrin drain w3 --delete batch/import-x7k2p --yes`
	c.Args = a.arguments(1, -1, "NODE")
	f := c.Flags()
	f.BoolVar(&o.wait, "wait", false, a.t("cli.flag.drain.wait"))
	f.StringArrayVar(&o.surge, "surge", nil, a.t("cli.flag.drain.surge"))
	f.StringArrayVar(&o.delete, "delete", nil, a.t("cli.flag.drain.delete"))
	f.Int64Var(&o.grace, "grace-period", noGrace, a.t("cli.flag.drain.grace"))
	f.DurationVar(&o.limit, "timeout", 0, a.t("cli.flag.drain.timeout"))
	a.actFlags(c, &o.act)
	c.ValidArgsFunction = a.completeNames("nodes")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		spec, err := a.drainSpec(args, o)
		if err != nil {
			return err
		}
		return a.act(cmd.Context(), spec, o.act)
	}
	return c
}

func (a *app) drainSpec(args []string, o drainOptions) (v1alpha1.OperationSpec, error) {
	what := a.t("cli.what.act.Drain", "nodes", nodeList(args))
	nodes, err := a.nodeArguments(what, args)
	if err != nil {
		return v1alpha1.OperationSpec{}, err
	}
	for flag, names := range map[string][]string{"--surge": o.surge, "--delete": o.delete} {
		for _, name := range names {
			if namespace, object, ok := strings.Cut(name, "/"); !ok || namespace == "" || object == "" || strings.Contains(object, "/") {
				return v1alpha1.OperationSpec{}, a.badInput(what, a.t("cli.why.namespaced", "flag", flag, "name", name), a.t("cli.next.namespaced", "flag", flag))
			}
		}
	}
	d := &v1alpha1.DrainSpec{Nodes: nodes, Wait: o.wait, Surge: unique(o.surge), Delete: unique(o.delete)}
	if o.grace < noGrace || o.grace > 86400 {
		return v1alpha1.OperationSpec{}, a.badInput(what, a.t("cli.why.grace", "value", o.grace), a.t("cli.next.grace"))
	}
	if o.grace != noGrace {
		d.GracePeriodSeconds = &o.grace
	}
	seconds := int64((o.limit + time.Second - 1) / time.Second)
	if o.limit < 0 || seconds > 604800 {
		return v1alpha1.OperationSpec{}, a.badInput(what, a.t("cli.why.timeout", "value", o.limit), a.t("cli.next.timeout"))
	}
	d.TimeoutSeconds = seconds
	return v1alpha1.OperationSpec{Type: v1alpha1.OperationDrain, Drain: d}, nil
}

// nodeArguments reads names of nodes, also in the form node/w3; a name that is given twice counts once.
func (a *app) nodeArguments(what string, args []string) ([]string, error) {
	var nodes []string
	for _, arg := range args {
		name := arg
		for _, prefix := range []string{"node/", "nodes/", "no/"} {
			name = strings.TrimPrefix(name, prefix)
		}
		if name == "" || len(name) > 253 || strings.ContainsAny(name, "/ \t\n") {
			return nil, a.badInput(what, a.t("cli.why.nodeName", "name", arg), a.t("cli.next.list", "resource", "nodes"))
		}
		nodes = append(nodes, name)
	}
	nodes = unique(nodes)
	if len(nodes) > 200 {
		return nil, a.badInput(what, a.t("cli.why.tooManyNodes", "count", len(nodes)), a.t("cli.next.tooManyNodes"))
	}
	return nodes, nil
}

// unique keeps the first of equal values.
func unique(list []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, v := range list {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}
