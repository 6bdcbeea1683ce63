package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/cells"
	"kanrin.dev/kanrin/internal/cli/moment"
	"kanrin.dev/kanrin/internal/cli/output"
)

func (a *app) newSnapshotGet() *cobra.Command {
	var o snapshotOptions
	full, reveal := false, false
	c := a.command("snapshot.get", "get RESOURCE/NAME [flags]", nil)
	c.Example = `  kanrin snapshot get deployment/web -n shop
  kanrin snapshot get deployment web -n shop --at yesterday > web.yaml
  kanrin snapshot get secrets/shop/db --at 20261122-004500-ab12 --reveal`
	c.Args = a.arguments(1, 2, "RESOURCE/NAME")
	a.atFlag(c, &o.at, "at", moment.Latest, "cli.flag.snapshot.at")
	a.namespaceFlag(c, &o.namespace, "cli.flag.snapshot.namespace")
	c.Flags().BoolVar(&full, "full", false, a.t("cli.flag.snapshot.full"))
	c.Flags().BoolVar(&reveal, "reveal", false, a.t("cli.flag.snapshot.reveal"))
	c.RunE = func(cmd *cobra.Command, args []string) error {
		return a.snapshotGet(cmd.Context(), args, o, full, reveal)
	}
	return c
}

func (a *app) snapshotGet(ctx context.Context, args []string, o snapshotOptions, full, reveal bool) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	what := a.t("cli.what.snapshot.get")
	name, err := a.oneObject(what, o.namespace, args)
	if err != nil {
		return err
	}
	what = a.t("cli.what.snapshot.getOf", "object", objectName(name))
	s, cluster, err := a.hostIn(ctx, what)
	if err != nil {
		return err
	}
	set, err := s.set(ctx, what, cluster, o.at, browsable)
	if err != nil {
		return s.explain(what, err)
	}
	content, err := s.SnapshotContent(ctx, cluster, set.Name, name, full, reveal)
	if err != nil {
		return s.explain(what, err)
	}
	if content.Redacted {
		a.say("cli.snapshot.redacted")
	}
	if format.Human() || format.Kind == output.YAML {
		text := content.YAML
		if a.streams.OutTerminal {
			text = cells.Clean(text)
		}
		_, err := fmt.Fprint(a.streams.Out, text)
		return err
	}
	var value map[string]any
	if err := yaml.Unmarshal([]byte(content.YAML), &value); err != nil {
		return &cli.Error{Code: cli.Failed, What: what, Why: err.Error(), Cause: err}
	}
	return a.document(format, output.Document{Value: value, Items: []output.Item{{Name: objectName(content.SnapshotName), Value: value}}})
}

func (a *app) newSnapshotHistory() *cobra.Command {
	namespace := ""
	c := a.command("snapshot.history", "history RESOURCE/NAME [flags]", nil)
	c.Example = "  kanrin snapshot history deployment/web -n shop"
	c.Args = a.arguments(1, 2, "RESOURCE/NAME")
	a.namespaceFlag(c, &namespace, "cli.flag.snapshot.namespace")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		return a.snapshotHistory(cmd.Context(), args, namespace)
	}
	return c
}

func (a *app) snapshotHistory(ctx context.Context, args []string, namespace string) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	what := a.t("cli.what.snapshot.history")
	name, err := a.oneObject(what, namespace, args)
	if err != nil {
		return err
	}
	what = a.t("cli.what.snapshot.historyOf", "object", objectName(name))
	s, cluster, err := a.hostIn(ctx, what)
	if err != nil {
		return err
	}
	h, err := s.SnapshotHistory(ctx, cluster, name)
	if err != nil {
		return s.explain(what, err)
	}
	if !format.Human() {
		items := make([]output.Item, 0, len(h.Versions))
		for _, v := range h.Versions {
			items = append(items, output.Item{Name: "backup.kanrin.dev/" + v.Backup, Value: v})
		}
		value := map[string]any{
			"kind": "SnapshotHistory", "apiVersion": inventoryVersion, "cluster": cluster, "object": h.SnapshotName, "versions": h.Versions,
		}
		return a.document(format, output.Document{Value: value, Items: items})
	}
	g := &output.Grid{Headers: []string{"SET", "AT", "AGE", "PHASE", "CHANGE", "REVISION"}}
	for _, v := range h.Versions {
		g.Rows = append(g.Rows, []string{
			v.Backup, v.At.Local().Format(time.DateTime), output.Age(v.At, a.now()), string(v.Phase), v.Change, count(v.Revision),
		})
	}
	return a.table(g, len(h.Versions))
}
