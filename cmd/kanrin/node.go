package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
)

func (a *app) newNode() *cobra.Command {
	c := a.command("node", "node COMMAND", nil)
	c.Args = a.needsCommand
	c.RunE = func(*cobra.Command, []string) error { return nil } // Args has refused already
	c.AddCommand(a.newNodeAdd(), a.newNodeRemove())
	return c
}

type nodeAddOptions struct {
	act    actOptions
	role   string
	group  string
	labels []string
	taints []string
	bundle string
	ignore []string
}

var nodeRoles = []string{
	string(v1alpha1.RoleWorker), string(v1alpha1.RoleControlPlane), string(v1alpha1.RoleManagement), string(v1alpha1.RoleProxy), string(v1alpha1.RoleScanner),
}

func (a *app) newNodeAdd() *cobra.Command {
	var o nodeAddOptions
	c := a.command("node.add", "add HOST --role ROLE [flags]", nil)
	c.Example = `  kanrin node add w9 --role worker
  kanrin node add w9 --role worker --bundle v1.36.3 --label disk=ssd
  kanrin node add c4 --role control-plane --plan-only
  kanrin node add m1 --role management --group night --taint example.com/only=batch:NoSchedule`
	c.Args = a.arguments(1, 1, "HOST")
	f := c.Flags()
	f.StringVar(&o.role, "role", string(v1alpha1.RoleWorker), a.t("cli.flag.node.role"))
	f.StringVar(&o.group, "group", "", a.t("cli.flag.node.group"))
	f.StringArrayVar(&o.labels, "label", nil, a.t("cli.flag.node.label"))
	f.StringArrayVar(&o.taints, "taint", nil, a.t("cli.flag.node.taint"))
	f.StringVar(&o.bundle, "bundle", "", a.t("cli.flag.node.bundle"))
	f.StringArrayVar(&o.ignore, "ignore-preflight", nil, a.t("cli.flag.node.ignore"))
	a.actFlags(c, &o.act)
	c.ValidArgsFunction = a.completeNames("hosts")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		spec, err := a.addNodeSpec(args[0], o)
		if err != nil {
			return err
		}
		return a.act(cmd.Context(), spec, o.act)
	}
	return c
}

func (a *app) addNodeSpec(host string, o nodeAddOptions) (v1alpha1.OperationSpec, error) {
	none := v1alpha1.OperationSpec{}
	for _, prefix := range []string{"host/", "hosts/"} {
		host = strings.TrimPrefix(host, prefix)
	}
	what := a.t("cli.what.act.AddNode", "nodes", host)
	if !slices.Contains(nodeRoles, o.role) {
		return none, a.badInput(what, a.t("cli.why.nodeRole", "role", o.role), a.t("cli.next.nodeRole", "roles", strings.Join(nodeRoles, ", ")))
	}
	s := &v1alpha1.AddNodeSpec{
		Host: host, Role: v1alpha1.HostRole(o.role), Group: o.group, Bundle: o.bundle, IgnorePreflight: unique(o.ignore), Labels: map[string]string{},
	}
	for _, l := range o.labels {
		k, v, ok := strings.Cut(l, "=")
		if !ok || k == "" {
			return none, a.badInput(what, a.t("cli.why.nodeLabel", "label", l), a.t("cli.next.nodeLabel"))
		}
		s.Labels[k] = v
	}
	for _, text := range o.taints {
		t, err := parseTaint(text)
		if err != nil {
			return none, a.badInput(what, a.t("cli.why.nodeTaint", "taint", text), a.t("cli.next.nodeTaint"))
		}
		s.Taints = append(s.Taints, t)
	}
	return v1alpha1.OperationSpec{Type: v1alpha1.OperationAddNode, AddNode: s}, nil
}

// parseTaint reads key[=value]:effect, as kubectl taint takes it.
func parseTaint(text string) (corev1.Taint, error) {
	rest, effect, ok := strings.Cut(text, ":")
	key, value, _ := strings.Cut(rest, "=")
	t := corev1.Taint{Key: key, Value: value, Effect: corev1.TaintEffect(effect)}
	switch t.Effect {
	case corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute:
	default:
		ok = false
	}
	if !ok || key == "" {
		return corev1.Taint{}, fmt.Errorf("%q is not a taint", text)
	}
	return t, nil
}

type nodeRemoveOptions struct {
	act      actOptions
	dead     bool
	accept   string
	keepHost bool
}

func (a *app) newNodeRemove() *cobra.Command {
	var o nodeRemoveOptions
	c := a.command("node.remove", "remove NODE [flags]", nil)
	c.Example = `  kanrin node remove w3
  kanrin node remove c2 --keep-host
  kanrin node remove w2 --dead
  kanrin node remove w2 --dead --accept-split-brain w2`
	c.Args = a.arguments(1, 1, "NODE")
	f := c.Flags()
	f.BoolVar(&o.dead, "dead", false, a.t("cli.flag.node.dead"))
	f.StringVar(&o.accept, "accept-split-brain", "", a.t("cli.flag.node.accept"))
	f.BoolVar(&o.keepHost, "keep-host", false, a.t("cli.flag.node.keepHost"))
	a.actFlags(c, &o.act)
	c.ValidArgsFunction = a.completeNames("nodes")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		what := a.t("cli.what.act.RemoveNode", "nodes", args[0])
		nodes, err := a.nodeArguments(what, args)
		if err != nil {
			return err
		}
		if o.accept != "" && !o.dead {
			return a.badInput(what, a.t("cli.why.acceptAlive"), a.t("cli.next.acceptAlive"))
		}
		return a.act(cmd.Context(), v1alpha1.OperationSpec{Type: v1alpha1.OperationRemoveNode, RemoveNode: &v1alpha1.RemoveNodeSpec{
			Node: nodes[0], Dead: o.dead, AcceptSplitBrain: o.accept, KeepHost: o.keepHost,
		}}, o.act)
	}
	return c
}
