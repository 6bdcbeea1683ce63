package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/moment"
	"kanrin.dev/kanrin/internal/cli/output"
	"kanrin.dev/kanrin/internal/cli/render"
)

// live stands for the cluster as it is now, in the place of a set.
const live = "live"

type diffOptions struct {
	from, to  string
	namespace string
	reveal    bool
	exitCode  bool
	all       bool
}

func (a *app) newSnapshotDiff() *cobra.Command {
	var o diffOptions
	c := a.command("snapshot.diff", "diff [RESOURCE | RESOURCE/NAME] [flags]", nil)
	c.Example = `  kanrin snapshot diff deployment/web -n shop
  kanrin snapshot diff deployment/web -n shop --from monday --to yesterday
  kanrin snapshot diff --from monday --to latest
  kanrin snapshot diff configmaps -n shop --from 3d`
	c.Args = a.arguments(0, 2, "RESOURCE/NAME")
	a.atFlag(c, &o.from, "from", "", "cli.flag.snapshot.from")
	a.atFlag(c, &o.to, "to", "", "cli.flag.snapshot.to")
	a.namespaceFlag(c, &o.namespace, "cli.flag.snapshot.namespace")
	c.Flags().BoolVar(&o.reveal, "reveal", false, a.t("cli.flag.snapshot.reveal"))
	c.Flags().BoolVar(&o.exitCode, "exit-code", false, a.t("cli.flag.snapshot.exitCode"))
	c.Flags().BoolVar(&o.all, "all", false, a.t("cli.flag.snapshot.all"))
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 || len(args) == 1 && !strings.Contains(args[0], "/") {
			return a.snapshotChanges(cmd.Context(), strings.Join(args, ""), o)
		}
		return a.snapshotDiff(cmd.Context(), args, o)
	}
	return c
}

// snapshotDiff compares one object between two sets, or a set and now.
func (a *app) snapshotDiff(ctx context.Context, args []string, o diffOptions) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	what := a.t("cli.what.snapshot.diff")
	name, err := a.oneObject(what, o.namespace, args)
	if err != nil {
		return err
	}
	what = a.t("cli.what.snapshot.diffOf", "object", objectName(name))
	s, cluster, err := a.hostIn(ctx, what)
	if err != nil {
		return err
	}
	all, err := s.sets(ctx, cluster)
	if err != nil {
		return s.explain(what, err)
	}
	from, to := o.from, live
	if from == "" {
		from = moment.Latest
	}
	set, err := all.find(what, from, browsable)
	if err != nil {
		return err
	}
	if o.to != "" && o.to != live {
		other, err := all.find(what, o.to, browsable)
		if err != nil {
			return err
		}
		to = other.Name
	}
	d, err := s.SnapshotDiff(ctx, cluster, set.Name, to, name, o.reveal)
	if err != nil {
		return s.explain(what, err)
	}
	if err := a.printDiff(format, cluster, d); err != nil {
		return err
	}
	return different(o, d.Type != "Same")
}

// different is the end of a comparison that found a difference: an error only for who asked for one.
func different(o diffOptions, found bool) error {
	if found && o.exitCode {
		return cli.Exit(cli.Failed)
	}
	return nil
}

func (a *app) printDiff(format output.Format, cluster string, d *inventory.SnapshotDiff) error {
	if !format.Human() {
		value := map[string]any{
			"kind": "SnapshotDiff", "apiVersion": inventoryVersion, "cluster": cluster, "object": d.SnapshotName, "from": d.From, "to": d.To, "type": d.Type,
			"unified": d.Unified, "changes": d.Changes, "by": d.By,
		}
		return a.document(format, output.Document{Value: value, Items: []output.Item{{Name: objectName(d.SnapshotName), Value: value}}})
	}
	if d.Type == "Same" {
		a.say("cli.snapshot.same", "object", objectName(d.SnapshotName))
		return nil
	}
	text := render.Unified(d.Unified, a.onOut())
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	g := &output.Grid{Headers: []string{"WHEN", "AGE", "WRITER", "OPERATION"}}
	for _, w := range d.By {
		when, age := "-", "-" // the API server keeps no time of some changes, such as one of the scale
		if !w.Time.IsZero() {
			when, age = w.Time.Local().Format(time.DateTime), output.Age(w.Time, a.now())
		}
		g.Rows = append(g.Rows, []string{when, age, dash(w.Manager), dash(w.Operation)})
	}
	_, err := fmt.Fprint(a.streams.Out, text+a.section("writers", gridText(g)))
	return err
}

// snapshotChanges lists what differs between two sets: the newest and the one before it, unless others are named.
func (a *app) snapshotChanges(ctx context.Context, resource string, o diffOptions) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	what := a.t("cli.what.snapshot.changes")
	if o.to == live {
		return a.badInput(what, a.t("cli.why.changesLive"), a.t("cli.next.changesLive"))
	}
	s, cluster, err := a.hostIn(ctx, what)
	if err != nil {
		return err
	}
	from, to, err := s.pair(ctx, what, cluster, o)
	if err != nil {
		return s.explain(what, err)
	}
	list, err := s.SnapshotChanges(ctx, cluster, from, to, client.SnapshotFilter{Resource: resource, Namespace: o.namespace}, o.all)
	if err != nil {
		return s.explain(what, err)
	}
	if !format.Human() {
		items := make([]output.Item, 0, len(list.Items))
		for _, i := range list.Items {
			items = append(items, output.Item{Name: objectName(i.SnapshotName), Value: i})
		}
		value := map[string]any{
			"kind": "SnapshotChangeList", "apiVersion": inventoryVersion, "cluster": cluster, "from": list.From, "to": list.To, "items": list.Items,
		}
		if err := a.document(format, output.Document{Value: value, Items: items}); err != nil {
			return err
		}
		return different(o, len(items) > 0)
	}
	if !o.all {
		defer a.say("cli.snapshot.noisy")
	}
	if len(list.Items) == 0 {
		a.say("cli.snapshot.nothingChanged", "from", from, "to", to)
		return nil
	}
	g := &output.Grid{Headers: []string{"CHANGE", "RESOURCE", "NAMESPACE", "NAME"}}
	for _, i := range list.Items {
		g.Rows = append(g.Rows, []string{i.Type, resourceName(i.Resource, i.Group), dash(i.Namespace), i.Name})
	}
	if err := a.table(g, len(list.Items)); err != nil {
		return err
	}
	return different(o, true)
}

// pair are the two sets that are compared.
func (s *session) pair(ctx context.Context, what, cluster string, o diffOptions) (from, to string, err error) {
	a := s.app
	all, err := s.sets(ctx, cluster)
	if err != nil {
		return "", "", err
	}
	later := o.to
	if later == "" {
		later = moment.Latest
	}
	b, err := all.find(what, later, browsable)
	if err != nil {
		return "", "", err
	}
	if o.from != "" {
		f, err := all.find(what, o.from, browsable)
		if err != nil {
			return "", "", err
		}
		return f.Name, b.Name, nil
	}
	before, ok := moment.Before(all.moments(browsable), moment.Set{Name: b.Name, At: backupTime(b)})
	if !ok {
		return "", "", &cli.Error{Code: cli.NotFound, What: what, Why: a.t("cli.why.noSetEarlier", "set", b.Name), Next: a.t("cli.next.noSets")}
	}
	s.sayOnce(a.t("cli.snapshot.compared", "from", before.Name, "at", before.At.Local().Format(time.DateTime), "to", b.Name))
	return before.Name, b.Name, nil
}
