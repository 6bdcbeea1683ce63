package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/cli/cells"
	"kanrin.dev/kanrin/internal/cli/output"
)

// pendingShown is how many pods without a place are named for each zone.
const pendingShown = 10

func (a *app) newCapacity() *cobra.Command {
	c := a.command("capacity", "capacity [flags]", func(cmd *cobra.Command, _ []string) error { return a.capacity(cmd.Context()) })
	c.Args = a.arguments(0, 0, "")
	c.Example = "  kanrin capacity\n  kanrin capacity --cluster prod -o json"
	return c
}

// capacityResult is what capacity prints with -o json.
type capacityResult struct {
	Kind       string `json:"kind"`
	APIVersion string `json:"apiVersion"`
	Cluster    string `json:"cluster"`
	inventory.Capacity
}

func (a *app) capacity(ctx context.Context) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	what := a.t("cli.what.capacity")
	s, err := a.connect(what)
	if err != nil {
		return err
	}
	cluster, err := s.clusterOf(ctx, what)
	if err != nil {
		return err
	}
	c, err := s.Capacity(ctx, cluster)
	if err != nil {
		return s.explain(a.t("cli.what.capacityOf", "cluster", cluster), err)
	}
	if !format.Human() {
		r := capacityResult{Kind: "Capacity", APIVersion: inventoryVersion, Cluster: cluster, Capacity: *c}
		return a.document(format, output.Document{Value: r, Items: []output.Item{{Name: "capacity/" + cluster, Value: r}}})
	}
	_, err = fmt.Fprint(a.streams.Out, a.capacityText(cluster, c))
	return err
}

func (a *app) capacityText(cluster string, c *inventory.Capacity) string {
	var b strings.Builder
	b.WriteString(facts([][2]string{
		{a.label("cluster"), cluster},
		{a.label("cpu"), share(c.Requested.CPUMilli, c.Allocatable.CPUMilli, cores)},
		{a.label("memory"), share(c.Requested.MemoryBytes, c.Allocatable.MemoryBytes, gibibytes)},
		{a.label("overhead"), a.t("cli.capacity.overhead", "percent", fmt.Sprintf("%.0f", c.Overhead*100))},
		{a.label("engine"), c.Engine},
	}))
	g := &output.Grid{Headers: []string{"ZONE", "NODES", "CPU", "MEMORY", "USED", "LIMIT", "IF LOST: PODS", "PENDING", "SHORT OF"}}
	for _, z := range c.Zones {
		g.Rows = append(g.Rows, []string{
			zoneName(z.Name), fmt.Sprintf("%d/%d", z.Ready, z.Nodes),
			share(z.Requested.CPUMilli, z.Allocatable.CPUMilli, cores), share(z.Requested.MemoryBytes, z.Allocatable.MemoryBytes, gibibytes),
			fmt.Sprintf("%.0f%%", z.Share*100), fmt.Sprintf("%.0f%%", z.Limit*100), fmt.Sprint(z.LostPods), fmt.Sprint(len(z.Pending)), shortfall(z.Shortfall),
		})
	}
	if len(g.Rows) > 0 {
		b.WriteString("\n" + gridText(g))
	}
	b.WriteString("\n" + a.verdict(c) + "\n")
	for _, z := range c.Zones {
		b.WriteString(a.pendingOf(z))
	}
	return b.String()
}

func zoneName(name string) string {
	if name == "" {
		return "<none>"
	}
	return name
}

func shortfall(r inventory.Resources) string {
	var parts []string
	if r.CPUMilli > 0 {
		parts = append(parts, cores(r.CPUMilli)+" CPU")
	}
	if r.MemoryBytes > 0 {
		parts = append(parts, gibibytes(r.MemoryBytes))
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

// verdict answers the question of the command in one sentence.
func (a *app) verdict(c *inventory.Capacity) string {
	pending := 0
	for _, z := range c.Zones {
		pending += len(z.Pending)
	}
	switch {
	case len(c.Zones) < 2:
		return a.t("cli.capacity.oneZone")
	case pending > 0:
		return a.t("cli.capacity.pending")
	case !c.Sized:
		return a.t("cli.capacity.notSized")
	}
	return a.t("cli.capacity.sized")
}

// pendingOf names the pods that would find no place, those with the same reason together.
func (a *app) pendingOf(z inventory.ZoneLoss) string {
	if len(z.Pending) == 0 {
		return ""
	}
	pods := map[string][]string{}
	var reasons []string
	for _, p := range z.Pending {
		reason := shortReason(p.Reason)
		if p.Volume != "" {
			reason = a.t("cli.capacity.volume", "volume", p.Volume)
		}
		if pods[reason] == nil {
			reasons = append(reasons, reason)
		}
		pods[reason] = append(pods[reason], p.Pod)
	}
	var b strings.Builder
	b.WriteString("\n" + a.t("cli.capacity.ifLost", "zone", zoneName(z.Name), "count", len(z.Pending)) + "\n")
	for _, reason := range reasons {
		names := pods[reason]
		more := ""
		if len(names) > pendingShown {
			more = " " + a.t("cli.capacity.more", "count", len(names)-pendingShown)
			names = names[:pendingShown]
		}
		for _, line := range cells.Wrap(strings.Join(names, ", ")+more, a.streams.OutWidth()-2) {
			b.WriteString("  " + line + "\n")
		}
		for _, line := range cells.Wrap(reason, a.streams.OutWidth()-6) {
			b.WriteString("      " + line + "\n")
		}
	}
	return b.String()
}

// shortReason leaves out what the scheduler says about preemption, which could not help.
func shortReason(reason string) string {
	reason = oneLine(reason)
	for _, end := range []string{" preemption: ", " no new claims to deallocate"} {
		reason, _, _ = strings.Cut(reason, end)
	}
	return strings.TrimRight(reason, ". ,")
}
