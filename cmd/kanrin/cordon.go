package main

import (
	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/v1alpha1"
)

func (a *app) newCordon() *cobra.Command {
	return a.newNodesVerb("cordon", func(n *v1alpha1.NodesSpec) v1alpha1.OperationSpec {
		return v1alpha1.OperationSpec{Type: v1alpha1.OperationCordon, Cordon: n}
	})
}

func (a *app) newUncordon() *cobra.Command {
	return a.newNodesVerb("uncordon", func(n *v1alpha1.NodesSpec) v1alpha1.OperationSpec {
		return v1alpha1.OperationSpec{Type: v1alpha1.OperationUncordon, Uncordon: n}
	})
}

// newNodesVerb makes a verb whose request is a list of nodes and nothing more.
func (a *app) newNodesVerb(verb string, spec func(*v1alpha1.NodesSpec) v1alpha1.OperationSpec) *cobra.Command {
	var o actOptions
	c := a.command(verb, verb+" NODE… [flags]", nil)
	c.Example = "  kanrin " + verb + " w3 w4\n  kanrin " + verb + " w3 --yes"
	c.Args = a.arguments(1, -1, "NODE")
	a.actFlags(c, &o)
	c.ValidArgsFunction = a.completeNames("nodes")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		s := spec(nil)
		nodes, err := a.nodeArguments(a.t("cli.what.act."+string(s.Type), "nodes", nodeList(args)), args)
		if err != nil {
			return err
		}
		return a.act(cmd.Context(), spec(&v1alpha1.NodesSpec{Nodes: nodes}), o)
	}
	return c
}
