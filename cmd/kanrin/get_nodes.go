package main

import (
	"context"
	"strconv"
	"strings"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/output"
)

type nodeRow = row[inventory.Node]

func nodeListing(a *app) *listing[inventory.Node] {
	column := func(header string, wide bool, f func(inventory.Node) string) output.Column[nodeRow] {
		return output.Column[nodeRow]{Header: header, Wide: wide, Text: func(r nodeRow) string { return f(r.Object) }}
	}
	number := func(c output.Column[nodeRow], f func(inventory.Node) float64) output.Column[nodeRow] {
		c.Number = func(r nodeRow) float64 { return f(r.Object) }
		return c
	}
	return &listing[inventory.Node]{
		kind: "Node", apiVersion: inventoryVersion, resource: "nodes", perCluster: true,
		columns: []output.Column[nodeRow]{
			column("NAME", false, func(n inventory.Node) string { return n.Name }),
			column("STATUS", false, nodeStatus),
			column("ROLES", false, func(n inventory.Node) string { return strings.Join(n.Roles, ",") }),
			column("ZONE", false, func(n inventory.Node) string { return n.Zone }),
			number(column("CPU", false, func(n inventory.Node) string { return share(n.Requested.CPUMilli, n.Allocatable.CPUMilli, cores) }),
				func(n inventory.Node) float64 { return ratio(n.Requested.CPUMilli, n.Allocatable.CPUMilli) }),
			number(column("MEMORY", false, func(n inventory.Node) string {
				return share(n.Requested.MemoryBytes, n.Allocatable.MemoryBytes, gibibytes)
			}),
				func(n inventory.Node) float64 { return ratio(n.Requested.MemoryBytes, n.Allocatable.MemoryBytes) }),
			number(column("PODS", false, func(n inventory.Node) string { return strconv.Itoa(n.Pods) }),
				func(n inventory.Node) float64 { return float64(n.Pods) }),
			number(column("AGE", false, func(n inventory.Node) string { return output.Age(n.Created, a.now()) }),
				func(n inventory.Node) float64 { return -float64(n.Created.Unix()) }),
			column("VERSION", false, func(n inventory.Node) string { return n.Version }),
			column("CORDONED-BY", true, func(n inventory.Node) string { return n.CordonedBy }),
			column("ADDRESS", true, func(n inventory.Node) string { return strings.Join(n.Addresses, ",") }),
			column("OS", true, func(n inventory.Node) string { return n.OS }),
			column("KERNEL", true, func(n inventory.Node) string { return n.Kernel }),
			column("RUNTIME", true, func(n inventory.Node) string { return n.Runtime }),
			column("TAINTS", true, func(n inventory.Node) string { return strings.Join(n.Taints, ",") }),
		},
		list: func(ctx context.Context, s *session, cluster string, f client.Filter) ([]inventory.Node, error) {
			return s.Nodes(ctx, cluster, f)
		},
		get: func(ctx context.Context, s *session, cluster, name string) (inventory.Node, error) {
			n, err := s.Node(ctx, cluster, name)
			if err != nil {
				return inventory.Node{}, err
			}
			return *n, nil
		},
		name: func(n inventory.Node) string { return n.Name },
	}
}

// nodeStatus is what kubectl shows: Ready, NotReady,SchedulingDisabled …
func nodeStatus(n inventory.Node) string {
	parts := append([]string{n.State}, n.Pressure...)
	if n.Unschedulable {
		parts = append(parts, "SchedulingDisabled")
	}
	return strings.Join(parts, ",")
}
