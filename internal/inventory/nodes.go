package inventory

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/check"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/trim"
)

const (
	labelRole      = "node-role.kubernetes.io/"
	labelOldZone   = "failure-domain.beta.kubernetes.io/zone"
	roleController = "control-plane"
)

var nodeColumns = columns{
	sorts:   []string{"name", "state", "zone", "roles", "version", "cpu", "memory", "pods", "age", "cordoned"},
	filters: []string{"zone", "role", "state"},
}

// nodeRows are the rows of all nodes, by name.
type nodeRows struct {
	rows  []inventory.Node
	index map[string]int
	zones []inventory.Zone
}

// nodesOf makes the rows of all nodes, or takes those of the same revision.
func (r *remembered) nodesOf(conn *fleet.Connection) (*nodeRows, int64) {
	revision := conn.Revision(fleet.RowAreas["nodes"]...)
	return r.nodes.get(revision, func() *nodeRows { return makeNodeRows(conn) }), revision
}

func makeNodeRows(conn *fleet.Connection) *nodeRows {
	nodes, _ := conn.Nodes().List(labels.Everything()) // a lister over a cache does not fail
	slices.SortFunc(nodes, func(a, b *corev1.Node) int { return strings.Compare(a.Name, b.Name) })
	out := &nodeRows{rows: make([]inventory.Node, len(nodes)), index: make(map[string]int, len(nodes))}
	for i, n := range nodes {
		out.rows[i], out.index[n.Name] = nodeRow(n), i
	}
	conn.Pods().Each(func(p *corev1.Pod, record *trim.Pod) bool {
		if i, ok := out.index[p.Spec.NodeName]; ok && !finished(p) {
			row := &out.rows[i]
			row.Pods++
			row.Requested.Pods++
			row.Requested.CPUMilli += record.Spec().CPUMilli
			row.Requested.MemoryBytes += record.Spec().MemoryBytes
		}
		return true
	})
	out.zones = zoneRows(out.rows)
	return out
}

func nodeRow(n *corev1.Node) inventory.Node {
	state, condition := check.NodeState(n)
	row := inventory.Node{
		Name: n.Name, UID: string(n.UID), Created: n.CreationTimestamp.Time, State: state, Roles: rolesOf(n), Zone: zoneOf(n),
		Version: n.Status.NodeInfo.KubeletVersion, Unschedulable: n.Spec.Unschedulable,
		OS: n.Status.NodeInfo.OSImage, Kernel: n.Status.NodeInfo.KernelVersion, Runtime: n.Status.NodeInfo.ContainerRuntimeVersion,
		Allocatable: resourcesOf(n.Status.Allocatable),
	}
	if condition != nil && state != "Ready" {
		row.StateReason, row.StateMessage = condition.Reason, condition.Message
	}
	if by, at := check.CordonOf(n); by != "" {
		row.CordonedBy = by
		if !at.IsZero() {
			row.CordonedAt = &at
		}
	}
	for _, a := range n.Status.Addresses {
		if !slices.Contains(row.Addresses, a.Address) {
			row.Addresses = append(row.Addresses, a.Address)
		}
	}
	for _, t := range n.Spec.Taints {
		row.Taints = append(row.Taints, t.ToString())
	}
	for _, c := range n.Status.Conditions {
		if c.Type != corev1.NodeReady && c.Status == corev1.ConditionTrue {
			row.Pressure = append(row.Pressure, string(c.Type))
		}
	}
	return row
}

func (r *nodeRows) page(q query) []inventory.Node {
	var matched []inventory.Node
	for i := range r.rows {
		if n := &r.rows[i]; nodeMatches(n, q) {
			matched = append(matched, *n)
		}
	}
	slices.SortStableFunc(matched, func(a, b inventory.Node) int {
		c := compareNodes(&a, &b, q.sort)
		if q.descending {
			c = -c
		}
		return cmp.Or(c, strings.Compare(a.Name, b.Name))
	})
	return matched
}

func compareNodes(a, b *inventory.Node, column string) int {
	switch column {
	case "state":
		return strings.Compare(a.State, b.State)
	case "zone":
		return strings.Compare(a.Zone, b.Zone)
	case "roles":
		return slices.Compare(a.Roles, b.Roles)
	case "version":
		return strings.Compare(a.Version, b.Version)
	case "cpu":
		return cmp.Compare(share(a.Requested.CPUMilli, a.Allocatable.CPUMilli), share(b.Requested.CPUMilli, b.Allocatable.CPUMilli))
	case "memory":
		return cmp.Compare(share(a.Requested.MemoryBytes, a.Allocatable.MemoryBytes), share(b.Requested.MemoryBytes, b.Allocatable.MemoryBytes))
	case "pods":
		return cmp.Compare(a.Pods, b.Pods)
	case "age":
		return b.Created.Compare(a.Created)
	case "cordoned":
		return strings.Compare(a.CordonedBy, b.CordonedBy)
	}
	return strings.Compare(a.Name, b.Name)
}

func nodeMatches(n *inventory.Node, q query) bool {
	f := q.filters
	if zone := f["zone"]; zone != "" && zone != n.Zone {
		return false
	}
	if role := f["role"]; role != "" && !slices.Contains(n.Roles, role) {
		return false
	}
	switch state := f["state"]; {
	case state == "":
	case strings.EqualFold(state, "Cordoned"):
		if !n.Unschedulable {
			return false
		}
	case !strings.EqualFold(state, n.State):
		return false
	}
	return holds(q.text, append([]string{n.Name, n.Zone, n.State, n.Version}, append(n.Addresses, n.Roles...)...)...)
}

// rolesOf reads the role labels; a node without any is a worker.
func rolesOf(n *corev1.Node) []string {
	var out []string
	for k := range n.Labels {
		if role, ok := strings.CutPrefix(k, labelRole); ok && role != "" {
			out = append(out, role)
		}
	}
	if len(out) == 0 {
		return []string{"worker"}
	}
	slices.Sort(out)
	return out
}

func zoneOf(n *corev1.Node) string {
	return cmp.Or(n.Labels[corev1.LabelTopologyZone], n.Labels[labelOldZone])
}

func zonesOfNodes(conn *fleet.Connection) map[string]string {
	nodes, _ := conn.Nodes().List(labels.Everything())
	out := make(map[string]string, len(nodes))
	for _, n := range nodes {
		out[n.Name] = zoneOf(n)
	}
	return out
}

// zoneRows sums up the workers of each zone. Control planes are left out: ordinary pods cannot go there.
func zoneRows(nodes []inventory.Node) []inventory.Zone {
	by := map[string]*inventory.Zone{}
	for i := range nodes {
		n := &nodes[i]
		if slices.Contains(n.Roles, roleController) {
			continue
		}
		z := by[n.Zone]
		if z == nil {
			z = &inventory.Zone{Name: n.Zone}
			by[n.Zone] = z
		}
		z.Nodes++
		if n.State == "Ready" {
			z.Ready++
		}
		add(&z.Allocatable, n.Allocatable)
		add(&z.Requested, n.Requested)
	}
	out := []inventory.Zone{}
	for _, name := range sortedKeys(by) {
		out = append(out, *by[name])
	}
	return out
}

func add(to *inventory.Resources, more inventory.Resources) {
	to.CPUMilli += more.CPUMilli
	to.MemoryBytes += more.MemoryBytes
	to.Pods += more.Pods
}

func resourcesOf(list corev1.ResourceList) inventory.Resources {
	return inventory.Resources{CPUMilli: list.Cpu().MilliValue(), MemoryBytes: list.Memory().Value(), Pods: list.Pods().Value()}
}

func share(of, all int64) float64 {
	if all <= 0 {
		return 0
	}
	return float64(of) / float64(all)
}

func finished(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}
