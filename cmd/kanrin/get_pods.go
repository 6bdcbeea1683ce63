package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/output"
)

type podRow = row[inventory.Pod]

func podListing(a *app) *listing[inventory.Pod] {
	column := func(header string, wide bool, f func(inventory.Pod) string) output.Column[podRow] {
		return output.Column[podRow]{Header: header, Wide: wide, Text: func(r podRow) string { return f(r.Object) }}
	}
	number := func(c output.Column[podRow], f func(inventory.Pod) float64) output.Column[podRow] {
		c.Number = func(r podRow) float64 { return f(r.Object) }
		return c
	}
	return &listing[inventory.Pod]{
		kind: "Pod", apiVersion: inventoryVersion, resource: "pods", perCluster: true,
		columns: []output.Column[podRow]{
			column("NAMESPACE", false, func(p inventory.Pod) string { return p.Namespace }),
			column("NAME", false, func(p inventory.Pod) string { return p.Name }),
			column("READY", false, func(p inventory.Pod) string { return fmt.Sprintf("%d/%d", p.Ready, p.Total) }),
			column("STATUS", false, func(p inventory.Pod) string { return p.State }),
			number(column("RESTARTS", false, func(p inventory.Pod) string { return strconv.Itoa(int(p.Restarts)) }),
				func(p inventory.Pod) float64 { return float64(p.Restarts) }),
			number(column("AGE", false, func(p inventory.Pod) string { return output.Age(p.Created, a.now()) }),
				func(p inventory.Pod) float64 { return -float64(p.Created.Unix()) }),
			column("NODE", false, func(p inventory.Pod) string { return p.Node }),
			column("ZONE", true, func(p inventory.Pod) string { return p.Zone }),
			column("CLASS", true, func(p inventory.Pod) string { return p.Class }),
			column("OWNER", true, func(p inventory.Pod) string { return p.Owner }),
			column("BUDGET", true, func(p inventory.Pod) string { return budgets(p.Budgets) }),
			number(column("CPU", true, func(p inventory.Pod) string { return cores(p.Requests.CPUMilli) }),
				func(p inventory.Pod) float64 { return float64(p.Requests.CPUMilli) }),
			number(column("MEMORY", true, func(p inventory.Pod) string { return gibibytes(p.Requests.MemoryBytes) }),
				func(p inventory.Pod) float64 { return float64(p.Requests.MemoryBytes) }),
			column("IP", true, func(p inventory.Pod) string { return p.IP }),
			column("REASON", true, func(p inventory.Pod) string { return p.Reason }),
		},
		list: func(ctx context.Context, s *session, cluster string, f client.Filter) ([]inventory.Pod, error) {
			return s.Pods(ctx, cluster, f)
		},
		get: func(ctx context.Context, s *session, cluster, name string) (inventory.Pod, error) {
			namespace, pod, ok := strings.Cut(name, "/")
			if !ok || strings.Contains(pod, "/") {
				return inventory.Pod{}, s.app.badInput(s.app.t("cli.what.get.pods", "name", name, "cluster", cluster),
					s.app.t("cli.why.podName"), s.app.t("cli.next.podName"))
			}
			p, err := s.Pod(ctx, cluster, namespace, pod)
			if err != nil {
				return inventory.Pod{}, err
			}
			return *p, nil
		},
		name: func(p inventory.Pod) string { return p.Namespace + "/" + p.Name },
	}
}
