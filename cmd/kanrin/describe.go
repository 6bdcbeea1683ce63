package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/cli/output"
)

// eventLimit is how many events a description shows.
const eventLimit = 20

func (a *app) newDescribe() *cobra.Command {
	c := a.command("describe", "describe RESOURCE NAME [flags]", nil)
	c.Example = `  kanrin describe node w3
  kanrin describe workload shop/web
  kanrin describe pod shop/web-7d9f-x2x1
  kanrin describe operation drain-x7k2p
  kanrin describe backup latest
  kanrin describe cluster prod`
	c.Args = a.newGet().Args
	c.RunE = func(*cobra.Command, []string) error { return nil } // Args has refused already
	c.AddCommand(
		newDescribeResource(a, clusterListing(a), "cluster", "clusters", a.describeCluster),
		newDescribeResource(a, nodeListing(a), "node", "nodes", a.describeNode),
		newDescribeResource(a, workloadListing(a), "workload", "workloads", a.describeWorkload),
		newDescribeResource(a, podListing(a), "pod", "pods", a.describePod),
		newDescribeResource(a, hostListing(a), "host", "hosts", a.describeHost),
		newDescribeResource(a, backupListing(a), "backup", "backups", a.describeBackup),
		newDescribeResource(a, policyListing(a), "backuppolicy", "backuppolicies", a.describePolicy),
		newDescribeResource(a, drillListing(a), "drill", "drills", a.describeDrill),
		newDescribeResource(a, operationListing(a), "operation", "operations", a.describeOperation),
	)
	return c
}

func newDescribeResource[T any](a *app, l *listing[T], use, resource string, describe func(context.Context, *session, string, T) (string, error)) *cobra.Command {
	o := getOptions{resource: resource}
	c := a.command("describe."+use, use+" NAME [flags]", nil)
	c.Aliases = []string{resource}
	c.Aliases = append(c.Aliases, map[string][]string{"operation": {"op", "ops"}, "node": {"no"}, "workload": {"wl"}, "pod": {"po"}, "backup": {"bk"}, "backuppolicy": {"bp"}}[use]...)
	c.Args = a.arguments(1, 1, "NAME")
	if resource == "pods" || resource == "workloads" {
		c.Flags().StringVar(&o.filter.Namespace, "namespace", "", a.t("cli.flag.get.namespace"))
	}
	o.locate = a.locator(&o)
	c.ValidArgsFunction = a.completeNames(resource)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		o.names = args
		return runDescribe(cmd.Context(), a, l, o, describe)
	}
	return c
}

func runDescribe[T any](ctx context.Context, a *app, l *listing[T], o getOptions, describe func(context.Context, *session, string, T) (string, error)) error {
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
	rows, err := l.fetch(ctx, s, o)
	if err != nil {
		return err
	}
	if !format.Human() {
		return a.document(format, l.document(rows, true))
	}
	text, err := describe(ctx, s, rows[0].Cluster, rows[0].Object)
	if err != nil {
		return s.explain(a.t("cli.what.get."+l.resource, "name", o.names[0], "cluster", rows[0].Cluster), err)
	}
	_, err = fmt.Fprint(a.streams.Out, text)
	return err
}

// section is a heading and what stands under it, indented; "" when there is nothing.
func (a *app) section(key, body string) string {
	if body == "" {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n" + a.t("cli.section."+key) + "\n")
	for _, line := range strings.Split(strings.TrimRight(body, "\n"), "\n") {
		if line != "" && !strings.HasPrefix(line, "  ") {
			line = "  " + line
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// gridText is a table as text; "" when it has no rows.
func gridText(g *output.Grid) string {
	if len(g.Rows) == 0 {
		return ""
	}
	var b strings.Builder
	_ = g.Write(&b) // a strings.Builder does not fail
	return b.String()
}

// events of an object, as a table. That they cannot be read is said in their place: the rest of a description is still worth reading.
func (a *app) events(ctx context.Context, s *session, cluster, kind, namespace, name string) string {
	list, err := s.Events(ctx, cluster, kind, namespace, name, eventLimit)
	if err != nil {
		return a.section("events", s.subject().Why(err))
	}
	g := &output.Grid{Headers: []string{"LAST", "TYPE", "REASON", "COUNT", "MESSAGE"}}
	for _, e := range list {
		g.Rows = append(g.Rows, []string{output.Age(e.Time, a.now()), e.Type, e.Reason, fmt.Sprint(max(e.Count, 1)), oneLine(e.Message)})
	}
	return a.section("events", gridText(g))
}

// pods as a table with the columns of `get pods`.
func (a *app) pods(list []inventory.Pod, cluster string) string {
	l := podListing(a)
	columns := output.Visible(l.columns, output.Format{})
	g := &output.Grid{Headers: output.Headers(columns)}
	for _, p := range list {
		g.Rows = append(g.Rows, output.Row(columns, podRow{cluster, p}))
	}
	return a.section("pods", gridText(g))
}

// when is a time with its age.
func (a *app) when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime) + " (" + output.Age(t, a.now()) + ")"
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
