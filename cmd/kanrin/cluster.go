package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/output"
	"kanrin.dev/kanrin/internal/fleet/kubeconfig"
	"kanrin.dev/kanrin/internal/fleet/reach"
)

func (a *app) newCluster() *cobra.Command {
	c := a.command("cluster", "cluster COMMAND", nil)
	c.Args = a.needsCommand
	c.RunE = func(*cobra.Command, []string) error { return nil } // Args has refused already
	c.AddCommand(a.newClusterAdd(), a.newClusterRemove())
	return c
}

type clusterAddOptions struct {
	// file is the kubeconfig of the cluster; the one that leads to Kanrin is server.
	file    string
	context string
	server  string
	lost    bool
}

func (a *app) newClusterAdd() *cobra.Command {
	var o clusterAddOptions
	c := a.command("cluster.add", "add NAME --kubeconfig FILE [flags]", func(cmd *cobra.Command, args []string) error {
		return a.clusterAdd(cmd.Context(), args[0], o)
	})
	c.Args = a.arguments(1, 1, "NAME")
	c.Example = "  kanrin cluster add prod --kubeconfig ./prod.kubeconfig\n  kanrin cluster add dev --kubeconfig ~/.kube/config --kube-context dev-admin"
	f := c.Flags()
	// Here --kubeconfig is the file of the cluster that is added; it hides the global flag of that name.
	f.StringVar(&o.file, "kubeconfig", "", a.t("cli.flag.clusterAdd.kubeconfig"))
	f.StringVar(&o.context, "kube-context", "", a.t("cli.flag.clusterAdd.kubeContext"))
	f.StringVar(&o.server, "server-kubeconfig", "", a.t("cli.flag.clusterAdd.serverKubeconfig"))
	f.BoolVar(&o.lost, "lost", false, a.t("cli.flag.clusterAdd.lost"))
	return c
}

func (a *app) clusterAdd(ctx context.Context, name string, o clusterAddOptions) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	what := a.t("cli.what.clusterAdd", "name", name)
	if o.file == "" {
		return a.badInput(what, a.t("cli.why.clusterKubeconfig"), a.t("cli.next.clusterKubeconfig", "name", name))
	}
	flat, err := kubeconfig.Flatten(o.file, o.context)
	if err == nil {
		_, err = kubeconfig.Parse(flat, "")
	}
	if err != nil {
		return a.unusable(what, name, err)
	}
	s, err := a.connectWith(what, o.server)
	if err != nil {
		return err
	}
	if format.Human() && !o.lost {
		a.say("cli.cluster.reaching", "name", name)
	}
	added, err := s.AddCluster(ctx, inventory.AddCluster{Name: name, Kubeconfig: string(flat), Lost: o.lost})
	if err != nil {
		return s.explain(what, err)
	}
	added.ManagedFields = nil
	added.Kind, added.APIVersion = "Cluster", v1alpha1.GroupVersion.String()
	if !format.Human() {
		return a.document(format, output.Document{Value: added, Items: []output.Item{{Name: "cluster.kanrin.dev/" + name, Value: added}}})
	}
	a.say("cli.cluster.added", "name", name)
	return nil
}

// unusable explains a kubeconfig that is refused before anything is sent.
func (a *app) unusable(what, name string, err error) error {
	var bad *kubeconfig.Error
	if !errors.As(err, &bad) {
		return a.subject().Error(what, err)
	}
	problem := reach.Subject{Cluster: name}.Classify(err)
	return &cli.Error{Code: cli.Usage, What: what, Why: problem.Because(a.lang), Next: problem.Next(a.lang), Cause: err}
}

func (a *app) newClusterRemove() *cobra.Command {
	yes := false
	c := a.command("cluster.remove", "remove NAME [flags]", func(cmd *cobra.Command, args []string) error {
		return a.clusterRemove(cmd.Context(), args[0], yes)
	})
	c.Aliases = []string{"rm"}
	c.Args = a.arguments(1, 1, "NAME")
	c.Example = "  kanrin cluster remove dev"
	c.Flags().BoolVarP(&yes, "yes", "y", false, a.t("cli.flag.remove.yes"))
	c.ValidArgsFunction = a.completeNames("clusters")
	return c
}

func (a *app) clusterRemove(ctx context.Context, name string, yes bool) error {
	what := a.t("cli.what.clusterRemove", "name", name)
	s, err := a.connect(what)
	if err != nil {
		return err
	}
	if _, err := s.Cluster(ctx, name); err != nil {
		return s.explain(what, err)
	}
	if !yes {
		if err := a.typedName(ctx, what, a.t("cli.ask.clusterRemove", "name", name), name); err != nil {
			return err
		}
	}
	if err := s.RemoveCluster(ctx, name); err != nil {
		return s.explain(what, err)
	}
	a.say("cli.cluster.removed", "name", name)
	return nil
}

// typedName has the name of what is destroyed typed.
func (a *app) typedName(ctx context.Context, what, question, name string) error {
	if !a.prompt.Interactive() {
		return a.badInput(what, a.t("cli.why.nobodyToAsk"), a.t("cli.next.typeOrYes"))
	}
	typed, err := a.prompt.Typed(ctx, question, name)
	if err != nil {
		return err
	}
	if !typed {
		a.say("cli.notTyped")
		return cli.Exit(cli.Interrupted)
	}
	return nil
}
