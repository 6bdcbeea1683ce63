package inventory

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/trim"
)

var workloadColumns = columns{
	sorts:   []string{"name", "namespace", "kind", "state", "ready", "cpu", "memory", "age", "priority"},
	filters: []string{"kind", "namespace", "state"},
}

// workloadRows are the rows of all workloads, by Kind/namespace/name.
type workloadRows struct {
	rows  []inventory.Workload
	index map[string]int
}

func (r *remembered) workloadsOf(conn *fleet.Connection) (*workloadRows, int64) {
	revision := conn.Revision(fleet.RowAreas["workloads"]...)
	return r.workloads.get(revision, func() *workloadRows { return makeWorkloadRows(conn) }), revision
}

// group is what the pods of a workload have to say about it.
type group struct {
	zones    map[string]int
	requests inventory.Resources
	budgets  map[string]disruption.Budget
	first    *trim.Pod
	ready    int32
	live     int32
}

func makeWorkloadRows(conn *fleet.Connection) *workloadRows {
	groups := groupPods(conn)
	out := &workloadRows{index: map[string]int{}}
	put := func(w inventory.Workload) {
		if g := groups[keyOf(&w)]; g != nil {
			g.describe(&w)
		}
		out.rows = append(out.rows, w)
	}
	controllers(conn, put)
	known := make(map[string]bool, len(out.rows))
	for i := range out.rows {
		known[keyOf(&out.rows[i])] = true
	}
	for key, g := range groups {
		if !known[key] {
			put(fromPods(key, g)) // a pod of its own, or a controller that Kanrin does not watch
		}
	}
	slices.SortFunc(out.rows, func(a, b inventory.Workload) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name), strings.Compare(a.Kind, b.Kind))
	})
	for i := range out.rows {
		out.index[keyOf(&out.rows[i])] = i
	}
	return out
}

func keyOf(w *inventory.Workload) string { return w.Kind + "/" + w.Namespace + "/" + w.Name }

// groupPods sorts the pods by the workload that they belong to. Static pods belong to none.
func groupPods(conn *fleet.Connection) map[string]*group {
	zones := zonesOfNodes(conn)
	groups := map[string]*group{}
	conn.Pods().Each(func(p *corev1.Pod, record *trim.Pod) bool {
		class := disruption.ClassOf(p)
		if class == disruption.Static {
			return true
		}
		key := conn.WorkloadOf(p)
		if key == "" {
			key = "Pod/" + p.Namespace + "/" + p.Name
		}
		g := groups[key]
		if g == nil {
			g = &group{first: record}
			groups[key] = g
		}
		if finished(p) {
			return true
		}
		g.live++
		g.requests.CPUMilli += record.Spec().CPUMilli
		g.requests.MemoryBytes += record.Spec().MemoryBytes
		g.requests.Pods++
		if disruption.Ready(p) {
			g.ready++
		}
		if zone := zones[p.Spec.NodeName]; zone != "" {
			if g.zones == nil {
				g.zones = map[string]int{}
			}
			g.zones[zone]++
		}
		for _, b := range conn.BudgetsFor(p) {
			if g.budgets == nil {
				g.budgets = map[string]disruption.Budget{}
			}
			g.budgets[b.Name] = b
		}
		return true
	})
	return groups
}

func (g *group) describe(w *inventory.Workload) {
	first := g.first.Object()
	w.Zones, w.Requests = g.zones, g.requests
	w.Priority = cmp.Or(w.Priority, first.Spec.PriorityClassName)
	for _, name := range sortedKeys(g.budgets) {
		w.Budgets = append(w.Budgets, budgetRow(g.budgets[name]))
	}
	if len(w.Images) == 0 {
		w.Images = imagesOf(&first.Spec)
	}
}

// imagesOf lists the images of a template without their digests.
func imagesOf(spec *corev1.PodSpec) []string {
	var out []string
	for _, c := range spec.Containers {
		image, _, _ := strings.Cut(c.Image, "@")
		if !slices.Contains(out, image) {
			out = append(out, image)
		}
	}
	return out
}

func (r *workloadRows) page(q query) []inventory.Workload {
	var matched []inventory.Workload
	for i := range r.rows {
		if w := &r.rows[i]; workloadMatches(w, q) {
			matched = append(matched, *w)
		}
	}
	slices.SortStableFunc(matched, func(a, b inventory.Workload) int {
		c := compareWorkloads(&a, &b, q.sort)
		if q.descending {
			c = -c
		}
		return cmp.Or(c, strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name), strings.Compare(a.Kind, b.Kind))
	})
	return matched
}

func compareWorkloads(a, b *inventory.Workload, column string) int {
	switch column {
	case "namespace":
		return strings.Compare(a.Namespace, b.Namespace)
	case "kind":
		return strings.Compare(a.Kind, b.Kind)
	case "state":
		return strings.Compare(a.State, b.State)
	case "ready":
		return cmp.Compare(a.Ready-a.Desired, b.Ready-b.Desired)
	case "cpu":
		return cmp.Compare(a.Requests.CPUMilli, b.Requests.CPUMilli)
	case "memory":
		return cmp.Compare(a.Requests.MemoryBytes, b.Requests.MemoryBytes)
	case "age":
		return b.Created.Compare(a.Created)
	case "priority":
		return strings.Compare(a.Priority, b.Priority)
	}
	return strings.Compare(a.Name, b.Name)
}

func workloadMatches(w *inventory.Workload, q query) bool {
	f := q.filters
	switch {
	case f["kind"] != "" && !strings.EqualFold(f["kind"], w.Kind),
		f["namespace"] != "" && f["namespace"] != w.Namespace,
		f["state"] != "" && !strings.EqualFold(f["state"], w.State):
		return false
	}
	return holds(q.text, w.Namespace+"/"+w.Name, w.Kind) || holds(q.text, w.Images...)
}

var everything = labels.Everything()
