package main

import (
	"context"
	"fmt"
	"strings"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/output"
	"kanrin.dev/kanrin/internal/cli/render"
)

// label is a name of a fact, followed by a colon.
func (a *app) label(key string) string { return a.t("cli.label." + key) }

func (a *app) describeCluster(ctx context.Context, s *session, _ string, c *v1alpha1.Cluster) (string, error) {
	st := c.Status
	lastSeen := ""
	if st.LastSeen != nil {
		lastSeen = a.when(st.LastSeen.Time)
	}
	text := facts([][2]string{
		{a.label("name"), c.Name},
		{a.label("health"), string(st.Health)},
		{a.label("server"), st.Server},
		{a.label("version"), st.Version},
		{a.label("lastSeen"), lastSeen},
		{a.label("nodes"), st.NodesText},
		{a.label("pods"), a.t("cli.describe.podCounts", "total", st.Pods.Total, "running", st.Pods.Running, "pending", st.Pods.Pending, "failed", st.Pods.Failed)},
		{a.label("cpu"), usage(st.Capacity.CPU, milli, cores)},
		{a.label("memory"), usage(st.Capacity.Memory, byteCount, gibibytes)},
		{a.label("created"), a.when(c.CreationTimestamp.Time)},
	})
	for _, condition := range st.Conditions {
		if condition.Type == v1alpha1.ConditionReachable && condition.Status != "True" {
			text += a.section("unreachable", condition.Message)
		}
	}
	if len(st.Findings) > 0 {
		text += a.section("findings", render.Findings(st.Findings, a.onOut()))
	}
	operations, err := s.Operations(ctx, c.Name)
	if err != nil {
		return "", err
	}
	l := operationListing(a)
	columns := output.Visible(l.columns, output.Format{})
	g := &output.Grid{Headers: output.Headers(columns)}
	for i := range operations.Items {
		if op := &operations.Items[i]; !op.Status.Phase.Terminal() {
			g.Rows = append(g.Rows, output.Row(columns, operationRow{c.Name, op}))
		}
	}
	return text + a.section("operations", gridText(g)), nil
}

func (a *app) describeNode(ctx context.Context, s *session, cluster string, n inventory.Node) (string, error) {
	state := nodeStatus(n)
	if n.StateReason != "" {
		state += "\n" + strings.TrimSpace(n.StateReason+" "+oneLine(n.StateMessage))
	}
	cordoned := ""
	if n.Unschedulable {
		cordoned = a.t("cli.describe.cordonedBy", "by", n.CordonedBy)
		if n.CordonedAt != nil {
			cordoned += " " + a.when(*n.CordonedAt)
		}
	}
	text := facts([][2]string{
		{a.label("name"), n.Name},
		{a.label("cluster"), cluster},
		{a.label("state"), state},
		{a.label("cordoned"), cordoned},
		{a.label("roles"), strings.Join(n.Roles, ", ")},
		{a.label("zone"), n.Zone},
		{a.label("version"), n.Version},
		{a.label("addresses"), strings.Join(n.Addresses, ", ")},
		{a.label("os"), n.OS},
		{a.label("kernel"), n.Kernel},
		{a.label("runtime"), n.Runtime},
		{a.label("taints"), strings.Join(n.Taints, "\n")},
		{a.label("cpu"), share(n.Requested.CPUMilli, n.Allocatable.CPUMilli, cores)},
		{a.label("memory"), share(n.Requested.MemoryBytes, n.Allocatable.MemoryBytes, gibibytes)},
		{a.label("pods"), fmt.Sprintf("%d/%d", n.Pods, n.Allocatable.Pods)},
		{a.label("created"), a.when(n.Created)},
	})
	pods, err := s.Pods(ctx, cluster, client.Filter{Node: n.Name})
	if err != nil {
		return "", err
	}
	return text + a.pods(pods, cluster) + a.events(ctx, s, cluster, "Node", "", n.Name), nil
}

func (a *app) describeWorkload(ctx context.Context, s *session, cluster string, w inventory.Workload) (string, error) {
	state := w.State
	if w.Reason != "" {
		state += "\n" + oneLine(w.Reason)
	}
	text := facts([][2]string{
		{a.label("name"), w.Kind + " " + w.Namespace + "/" + w.Name},
		{a.label("cluster"), cluster},
		{a.label("state"), state},
		{a.label("ready"), fmt.Sprintf("%d/%d", w.Ready, w.Desired)},
		{a.label("zones"), zones(w.Zones)},
		{a.label("budgets"), a.budgetFacts(w.Budgets)},
		{a.label("priority"), w.Priority},
		{a.label("surgedBy"), w.SurgedBy},
		{a.label("requests"), cores(w.Requests.CPUMilli) + " CPU, " + gibibytes(w.Requests.MemoryBytes)},
		{a.label("images"), strings.Join(w.Images, "\n")},
		{a.label("created"), a.when(w.Created)},
	})
	pods, err := s.Pods(ctx, cluster, client.Filter{Owner: w.Kind + "/" + w.Namespace + "/" + w.Name})
	if err != nil {
		return "", err
	}
	return text + a.pods(pods, cluster) + a.events(ctx, s, cluster, w.Kind, w.Namespace, w.Name), nil
}

func (a *app) describePod(ctx context.Context, s *session, cluster string, p inventory.Pod) (string, error) {
	state := p.State
	if p.Reason != "" {
		state += "\n" + oneLine(p.Reason)
	}
	var volumes []string
	for _, v := range p.Volumes {
		where := a.t("cli.describe.anywhere")
		switch {
		case !v.Bound:
			where = a.t("cli.describe.unbound")
		case len(v.Nodes) > 0:
			where = a.t("cli.describe.onNodes", "nodes", strings.Join(v.Nodes, ", "))
		case len(v.Zones) > 0:
			where = a.t("cli.describe.inZones", "zones", strings.Join(v.Zones, ", "))
		}
		volumes = append(volumes, fmt.Sprintf("%s (%s, %s)", v.Claim, gibibytes(v.Bytes), where))
	}
	class := p.Class
	if key := "cli.class." + p.Class; a.lang.Has(key) {
		class = a.t(key)
	}
	text := facts([][2]string{
		{a.label("name"), p.Namespace + "/" + p.Name},
		{a.label("cluster"), cluster},
		{a.label("state"), state},
		{a.label("ready"), fmt.Sprintf("%d/%d", p.Ready, p.Total)},
		{a.label("restarts"), fmt.Sprint(p.Restarts)},
		{a.label("node"), p.Node},
		{a.label("zone"), p.Zone},
		{a.label("owner"), p.Owner},
		{a.label("drain"), class},
		{a.label("budgets"), a.budgetFacts(p.Budgets)},
		{a.label("localData"), strings.Join(p.LocalData, ", ")},
		{a.label("volumes"), strings.Join(volumes, "\n")},
		{a.label("requests"), cores(p.Requests.CPUMilli) + " CPU, " + gibibytes(p.Requests.MemoryBytes)},
		{a.label("ip"), p.IP},
		{a.label("created"), a.when(p.Created)},
	})
	return text + a.events(ctx, s, cluster, "Pod", p.Namespace, p.Name), nil
}

func (a *app) budgetFacts(list []inventory.Budget) string {
	lines := make([]string, 0, len(list))
	for _, b := range list {
		lines = append(lines, a.t("cli.describe.budget", "name", b.Name, "rule", b.Rule, "healthy", b.Healthy, "expected", b.Expected, "allowed", b.Allowed))
	}
	return strings.Join(lines, "\n")
}
