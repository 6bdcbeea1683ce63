package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/moment"
	"kanrin.dev/kanrin/internal/cli/output"
)

func (a *app) newSnapshot() *cobra.Command {
	c := a.command("snapshot", "snapshot COMMAND", nil)
	c.Aliases = []string{"snapshots"}
	c.Args = a.needsCommand
	c.RunE = func(*cobra.Command, []string) error { return nil } // Args has refused already
	c.AddCommand(a.newSnapshotList(), a.newSnapshotGet(), a.newSnapshotDiff(), a.newSnapshotHistory(), a.newSnapshotRestore())
	return c
}

// snapshotOptions say what of which set is meant.
type snapshotOptions struct {
	at        string
	namespace string
	query     string
}

// namespaceFlag adds -n for the namespace of an object, as kubectl has it. The cluster, which -n means everywhere else, is then --cluster
// alone.
func (a *app) namespaceFlag(c *cobra.Command, namespace *string, usage string) {
	c.Flags().StringVarP(namespace, "namespace", "n", "", a.t(usage))
	c.Flags().StringVar(&a.cluster, "cluster", "", a.t("cli.flag.cluster"))
	_ = c.RegisterFlagCompletionFunc("cluster", a.completeNames("clusters")) // the flag is there
}

func (a *app) atFlag(c *cobra.Command, at *string, name, value, usage string) {
	c.Flags().StringVar(at, name, value, a.t(usage))
	_ = c.RegisterFlagCompletionFunc(name, a.completeSets(-1)) // the flag is there
}

// objectNames reads RESOURCE/NAME…, RESOURCE/NAMESPACE/NAME… or RESOURCE NAME….
func (a *app) objectNames(what, namespace string, args []string) ([]inventory.SnapshotName, error) {
	bad := func(arg string) error {
		return a.badInput(what, a.t("cli.why.objectRef", "name", arg), a.t("cli.next.objectRef"))
	}
	resource := ""
	if !strings.Contains(args[0], "/") {
		if len(args) == 1 {
			return nil, bad(args[0])
		}
		resource, args = args[0], args[1:]
	}
	out := make([]inventory.SnapshotName, 0, len(args))
	for _, arg := range args {
		p := strings.Split(arg, "/")
		if resource != "" {
			p = append([]string{resource}, p...)
		}
		n := inventory.SnapshotName{Resource: p[0], Namespace: namespace}
		switch len(p) {
		case 2:
			n.Name = p[1]
		case 3:
			if namespace != "" && namespace != p[1] {
				return nil, a.badInput(what, a.t("cli.why.twoNamespaces", "one", p[1], "other", namespace), a.t("cli.next.twoClusters"))
			}
			n.Namespace, n.Name = p[1], p[2]
		default:
			return nil, bad(arg)
		}
		if n.Resource == "" || n.Name == "" || len(p) == 3 && p[1] == "" {
			return nil, bad(arg)
		}
		out = append(out, n)
	}
	return out, nil
}

// oneObject is objectNames for verbs that take one.
func (a *app) oneObject(what, namespace string, args []string) (inventory.SnapshotName, error) {
	names, err := a.objectNames(what, namespace, args)
	if err != nil {
		return inventory.SnapshotName{}, err
	}
	if len(names) > 1 {
		return names[0], a.badInput(what, a.t("cli.why.tooMany", "args", strings.Join(args[1:], " ")), a.t("cli.next.objectRef"))
	}
	return names[0], nil
}

// objectName is an object as it is typed: deployments.apps/shop/web.
func objectName(n inventory.SnapshotName) string {
	name := resourceName(n.Resource, n.Group)
	if n.Namespace != "" {
		name += "/" + n.Namespace
	}
	return name + "/" + n.Name
}

func resourceName(resource, group string) string {
	if group == "" {
		return resource
	}
	return resource + "." + group
}

func (a *app) newSnapshotList() *cobra.Command {
	var o snapshotOptions
	c := a.command("snapshot.ls", "ls [RESOURCE] [flags]", nil)
	c.Aliases = []string{"list"}
	c.Example = `  kanrin snapshot ls
  kanrin snapshot ls deployments --at yesterday
  kanrin snapshot ls cm -n shop --at "2026-11-20 14:30"
  kanrin snapshot ls -q cart -o name`
	c.Args = a.arguments(0, 1, "RESOURCE")
	a.atFlag(c, &o.at, "at", moment.Latest, "cli.flag.snapshot.at")
	a.namespaceFlag(c, &o.namespace, "cli.flag.get.namespace")
	c.Flags().StringVarP(&o.query, "query", "q", "", a.t("cli.flag.get.query"))
	c.RunE = func(cmd *cobra.Command, args []string) error {
		resource := ""
		if len(args) > 0 {
			resource = args[0]
		}
		return a.snapshotList(cmd.Context(), resource, o)
	}
	return c
}

func (a *app) snapshotList(ctx context.Context, resource string, o snapshotOptions) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	what := a.t("cli.what.snapshot.ls")
	s, cluster, err := a.hostIn(ctx, what)
	if err != nil {
		return err
	}
	set, err := s.set(ctx, what, cluster, o.at, browsable)
	if err != nil {
		return s.explain(what, err)
	}
	if resource == "" && o.namespace == "" && o.query == "" {
		return s.resources(ctx, what, cluster, set, format)
	}
	page, err := s.SnapshotObjects(ctx, cluster, set.Name, client.SnapshotFilter{Resource: resource, Namespace: o.namespace, Query: o.query})
	if err != nil {
		return s.explain(what, err)
	}
	if !format.Human() {
		items := make([]output.Item, 0, len(page.Items))
		for _, i := range page.Items {
			items = append(items, output.Item{Name: objectName(i.SnapshotName), Value: i})
		}
		value := map[string]any{
			"kind": "SnapshotObjectList", "apiVersion": inventoryVersion, "cluster": cluster, "backup": page.Backup, "at": page.At, "items": page.Items,
		}
		return a.document(format, output.Document{Value: value, Items: items})
	}
	g := &output.Grid{Headers: []string{"NAMESPACE", "NAME", "REVISION"}}
	if resource == "" {
		g.Headers = append([]string{"RESOURCE"}, g.Headers...)
	}
	for _, i := range page.Items {
		line := []string{dash(i.Namespace), i.Name, fmt.Sprint(i.Revision)}
		if resource == "" {
			line = append([]string{resourceName(i.Resource, i.Group)}, line...)
		}
		g.Rows = append(g.Rows, line)
	}
	return a.table(g, len(page.Items))
}

// resources prints how many objects of each resource a set holds.
func (s *session) resources(ctx context.Context, what, cluster string, set *v1alpha1.Backup, format output.Format) error {
	a := s.app
	sum, err := s.SnapshotResources(ctx, cluster, set.Name)
	if err != nil {
		return s.explain(what, err)
	}
	if !format.Human() {
		items := make([]output.Item, 0, len(sum.Resources))
		for _, r := range sum.Resources {
			items = append(items, output.Item{Name: resourceName(r.Resource, r.Group), Value: r})
		}
		value := map[string]any{
			"kind": "SnapshotSummary", "apiVersion": inventoryVersion, "cluster": cluster, "backup": sum.Backup, "at": sum.At,
			"revision": sum.Revision, "objects": sum.Objects, "resources": sum.Resources,
		}
		return a.document(format, output.Document{Value: value, Items: items})
	}
	g := &output.Grid{Headers: []string{"RESOURCE", "GROUP", "OBJECTS"}}
	for _, r := range sum.Resources {
		g.Rows = append(g.Rows, []string{r.Resource, dash(r.Group), fmt.Sprint(r.Count)})
	}
	return a.table(g, len(sum.Resources))
}
