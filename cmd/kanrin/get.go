package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/opref"
	"kanrin.dev/kanrin/internal/cli/output"
)

type getOptions struct {
	watch       bool
	allClusters bool
	noHeaders   bool
	sortBy      string
	filter      client.Filter

	resource string
	names    []string
	clusters []string
	// locate reads a name as it was typed; cluster is the one it is in when it does not say.
	locate func(cluster, arg string) (inCluster, name string, err error)
}

func (a *app) newGet() *cobra.Command {
	c := a.command("get", "get RESOURCE [NAME…] [flags]", nil)
	c.Example = `  kanrin get clusters
  kanrin get nodes -o wide --sort-by -cpu
  kanrin get nodes w3 -o jsonpath='{.zone}'
  kanrin get workloads -q web --cluster prod
  kanrin get pods --node w3 -w
  kanrin get backups -o wide --cluster prod
  kanrin get operations -A`
	c.Args = func(cmd *cobra.Command, args []string) error {
		why := a.t("cli.why.whichResource")
		if len(args) > 0 {
			why = a.t("cli.why.noResource", "resource", args[0])
		}
		return a.badInput(a.t("cli.what.usage"), why, a.t("cli.next.resources"))
	}
	c.RunE = func(*cobra.Command, []string) error { return nil } // Args has refused already
	c.AddCommand(
		newGetResource(a, clusterListing(a), "clusters", []string{"cluster"}),
		newGetResource(a, nodeListing(a), "nodes", []string{"node", "no"}),
		newGetResource(a, workloadListing(a), "workloads", []string{"workload", "wl"}),
		newGetResource(a, podListing(a), "pods", []string{"pod", "po"}),
		newGetResource(a, hostListing(a), "hosts", []string{"host"}),
		newGetResource(a, backupListing(a), "backups", []string{"backup", "bk"}),
		newGetResource(a, policyListing(a), "backuppolicies", []string{"backuppolicy", "bp"}),
		newGetResource(a, drillListing(a), "drills", []string{"drill"}),
		newGetResource(a, operationListing(a), "operations", []string{"operation", "op", "ops"}),
	)
	return c
}

func newGetResource[T any](a *app, l *listing[T], use string, aliases []string) *cobra.Command {
	o := getOptions{resource: use}
	c := a.command("get."+use, use+" [NAME…] [flags]", nil)
	c.Aliases = aliases
	f := c.Flags()
	f.BoolVarP(&o.watch, "watch", "w", false, a.t("cli.flag.get.watch"))
	f.BoolVar(&o.noHeaders, "no-headers", false, a.t("cli.flag.get.noHeaders"))
	f.StringVar(&o.sortBy, "sort-by", "", a.t("cli.flag.get.sortBy"))
	f.StringVarP(&o.filter.Query, "query", "q", "", a.t("cli.flag.get.query"))
	if l.perCluster {
		f.BoolVarP(&o.allClusters, "all-clusters", "A", false, a.t("cli.flag.get.allClusters"))
	}
	switch use {
	case "nodes":
		f.StringVar(&o.filter.Zone, "zone", "", a.t("cli.flag.get.zone"))
		f.StringVar(&o.filter.Role, "role", "", a.t("cli.flag.get.role"))
		f.StringVar(&o.filter.State, "state", "", a.t("cli.flag.get.state"))
	case "workloads":
		f.StringVar(&o.filter.Namespace, "namespace", "", a.t("cli.flag.get.namespace"))
		f.StringVar(&o.filter.Kind, "kind", "", a.t("cli.flag.get.kind"))
		f.StringVar(&o.filter.State, "state", "", a.t("cli.flag.get.state"))
	case "pods":
		f.StringVar(&o.filter.Namespace, "namespace", "", a.t("cli.flag.get.namespace"))
		f.StringVar(&o.filter.Node, "node", "", a.t("cli.flag.get.node"))
		f.StringVar(&o.filter.Owner, "owner", "", a.t("cli.flag.get.owner"))
		f.StringVar(&o.filter.State, "state", "", a.t("cli.flag.get.state"))
	case "hosts":
		f.StringVar(&o.filter.Role, "role", "", a.t("cli.flag.get.hostRole"))
		f.StringVar(&o.filter.State, "state", "", a.t("cli.flag.get.state"))
	case "backups", "operations":
		f.StringVar(&o.filter.State, "phase", "", a.t("cli.flag.get.phase"))
	}
	o.locate = a.locator(&o)
	c.ValidArgsFunction = a.completeNames(use)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		o.names = args
		return runGet(cmd.Context(), a, l, o)
	}
	return c
}

// locator reads the names of one resource: w3, node/w3, shop/web-1, Deployment/shop/web, operation/x.
func (a *app) locator(o *getOptions) func(cluster, arg string) (string, string, error) {
	return func(cluster, arg string) (string, string, error) {
		switch o.resource {
		case "operations":
			ref, err := a.operationRef(arg)
			if err != nil {
				return "", "", err
			}
			if ref.Cluster != "" {
				cluster = ref.Cluster
			}
			return cluster, ref.Name, nil
		case "clusters":
			name := strings.TrimPrefix(strings.TrimPrefix(arg, "cluster/"), "cluster.kanrin.dev/")
			return name, name, nil
		case "nodes":
			return cluster, strings.TrimPrefix(arg, "node/"), nil
		case "hosts":
			return cluster, strings.TrimPrefix(strings.TrimPrefix(arg, "host/"), "host.kanrin.dev/"), nil
		case "backups", "backuppolicies", "drills":
			kind, name, ok := strings.Cut(arg, "/")
			if kind = strings.TrimSuffix(kind, ".kanrin.dev"); !ok || !resourceWords[kind] {
				return cluster, arg, nil
			}
			return cluster, name, nil
		}
		name := strings.TrimPrefix(strings.TrimPrefix(arg, "pod/"), "workload/")
		if !strings.Contains(name, "/") && o.filter.Namespace != "" {
			name = o.filter.Namespace + "/" + name
		}
		return cluster, name, nil
	}
}

func (a *app) operationRef(arg string) (opref.Ref, error) {
	ref, err := opref.Parse(arg)
	if err != nil {
		return ref, &cli.Error{Code: cli.Usage, What: a.t("cli.what.operationRef", "arg", arg), Why: a.t("cli.why.operationRef"), Next: a.t("cli.next.operationRef"), Cause: err}
	}
	return ref, nil
}

func runGet[T any](ctx context.Context, a *app, l *listing[T], o getOptions) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	what := a.t("cli.what.listAny", "resource", l.resource)
	s, err := a.connect(what)
	if err != nil {
		return err
	}
	if err := a.chooseClusters(ctx, s, l.perCluster, what, &o); err != nil {
		return err
	}
	if o.watch {
		return watchRows(ctx, s, l, o, format)
	}
	rows, err := l.fetch(ctx, s, o)
	if len(rows) == 0 && err != nil {
		return err
	}
	if format.Human() {
		if printed := a.table(l.grid(rows, format, o), len(rows)); printed != nil {
			return printed
		}
	} else if printed := a.document(format, l.document(rows, len(o.names) == 1)); printed != nil {
		return printed
	}
	return err
}

// chooseClusters says which clusters are read.
func (a *app) chooseClusters(ctx context.Context, s *session, perCluster bool, what string, o *getOptions) error {
	if !perCluster {
		o.clusters = []string{""}
		return nil
	}
	if o.allClusters {
		names, err := s.clusterNames(ctx)
		if err != nil {
			return s.explain(what, err)
		}
		o.clusters = names
		return nil
	}
	// An operation that is named with its cluster needs no other.
	if o.resource == "operations" && a.cluster == "" && len(o.names) > 0 {
		if ref, err := opref.Parse(o.names[0]); err == nil && ref.Cluster != "" {
			o.clusters = []string{ref.Cluster}
			return nil
		}
	}
	cluster, err := s.clusterOf(ctx, what)
	var several *cli.Error
	if errors.As(err, &several) && several.Code == cli.Usage && len(o.names) == 0 {
		several.Next = a.t("cli.next.whichClusterOrAll")
	}
	o.clusters = []string{cluster}
	return err
}

func (l *listing[T]) grid(rows []row[T], f output.Format, o getOptions) *output.Grid {
	columns := l.tableColumns(f, o.allClusters)
	g := &output.Grid{Headers: output.Headers(columns), NoHeaders: o.noHeaders}
	for _, r := range rows {
		g.Rows = append(g.Rows, output.Row(columns, r))
	}
	return g
}

// table prints a table, or says that there is nothing.
func (a *app) table(g *output.Grid, rows int) error {
	if rows == 0 {
		a.say("cli.nothingFound")
		return nil
	}
	if err := g.Write(a.streams.Out); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}
