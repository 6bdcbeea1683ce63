package inventory

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/trim"
)

var podColumns = columns{
	sorts:   []string{"name", "namespace", "state", "ready", "restarts", "node", "zone", "age", "cpu", "memory", "owner"},
	filters: []string{"node", "namespace", "owner", "state"},
}

// podKey is a pod with what the list is sorted by.
type podKey struct {
	pod    *trim.Pod
	text   string
	number int64
}

// podsPage makes one page of the pod list. The order of all pods that match is kept for the next page.
func podsPage(conn *fleet.Connection, state fleet.State, orders *orders, q query) inventory.Page[inventory.Pod] {
	revision := conn.Revision(fleet.RowAreas["pods"]...)
	all := orders.get(revision, q.key(), func() []*trim.Pod { return orderedPods(conn, q) })
	page := inventory.Page[inventory.Pod]{
		Items: []inventory.Pod{}, Total: len(all), Offset: q.offset, Revision: revision, StaleSince: state.StaleSince,
	}
	for _, p := range slice(q, all) {
		page.Items = append(page.Items, podRow(conn, p.Object()))
	}
	return page
}

// orderedPods returns the pods that match, in the order asked for.
func orderedPods(conn *fleet.Connection, q query) []*trim.Pod {
	zones := map[string]string{}
	if q.sort == "zone" {
		zones = zonesOfNodes(conn)
	}
	records := conn.Pods().Records
	if node := q.filters["node"]; node != "" {
		records = func() []*trim.Pod { return conn.Pods().RecordsOn(node) }
	}
	var matched []podKey
	var pod corev1.Pod // made of a record only where the question needs more than the record tells
	for _, r := range records() {
		if !recordMatches(r, q) {
			continue
		}
		if q.filters["state"] != "" || q.filters["owner"] != "" || q.sort == "state" || q.sort == "ready" || q.sort == "restarts" || q.sort == "owner" {
			r.Into(&pod)
			if !podMatches(conn, &pod, q) {
				continue
			}
		}
		k := podKey{pod: r}
		switch q.sort {
		case "state":
			k.text = stateOf(&pod).state
		case "ready":
			s := stateOf(&pod)
			k.number = int64(s.ready) - int64(s.total)
		case "restarts":
			k.number = int64(stateOf(&pod).restarts)
		case "owner":
			k.text = conn.WorkloadOf(&pod)
		case "node":
			k.text = r.Node()
		case "zone":
			k.text = zones[r.Node()]
		case "age":
			k.number = -r.Created() // the youngest first, as by time since
		case "cpu":
			k.number = r.Spec().CPUMilli
		case "memory":
			k.number = r.Spec().MemoryBytes
		case "namespace":
			k.text = r.Namespace()
		}
		matched = append(matched, k)
	}
	byName := func(a, b *trim.Pod) int {
		if q.sort == "name" {
			return cmp.Or(strings.Compare(a.Name(), b.Name()), strings.Compare(a.Namespace(), b.Namespace()))
		}
		return cmp.Or(strings.Compare(a.Namespace(), b.Namespace()), strings.Compare(a.Name(), b.Name()))
	}
	slices.SortFunc(matched, func(a, b podKey) int {
		c := cmp.Compare(a.number, b.number)
		if c == 0 {
			c = strings.Compare(a.text, b.text)
		}
		if c == 0 && q.sort == "name" {
			c = byName(a.pod, b.pod)
		}
		if q.descending {
			c = -c
		}
		if c == 0 {
			c = byName(a.pod, b.pod)
		}
		return c
	})
	out := make([]*trim.Pod, len(matched))
	for i := range matched {
		out[i] = matched[i].pod
	}
	return out
}

func recordMatches(r *trim.Pod, q query) bool {
	if ns := q.filters["namespace"]; ns != "" && ns != r.Namespace() {
		return false
	}
	if q.text == "" {
		return true
	}
	ns, name, both := strings.Cut(q.text, "/")
	if both && strings.HasSuffix(r.Namespace(), ns) && strings.HasPrefix(r.Name(), name) {
		return true
	}
	return holds(q.text, r.Name(), r.Namespace(), r.Node(), r.IP())
}

func podMatches(conn *fleet.Connection, p *corev1.Pod, q query) bool {
	if owner := q.filters["owner"]; owner != "" && !ownedBy(conn, p, owner) {
		return false
	}
	state := q.filters["state"]
	return state == "" || strings.EqualFold(state, stateOf(p).state)
}

// ownedBy accepts the topmost controller, Kind/namespace/name, and the direct one.
func ownedBy(conn *fleet.Connection, p *corev1.Pod, owner string) bool {
	kind, rest, _ := strings.Cut(owner, "/")
	ns, name, ok := strings.Cut(rest, "/")
	if !ok || ns != p.Namespace {
		return false
	}
	o := metav1.GetControllerOfNoCopy(p)
	if o == nil {
		return kind == "Pod" && name == p.Name
	}
	return o.Kind == kind && o.Name == name || conn.WorkloadOf(p) == owner
}

// podRow makes one row.
func podRow(conn *fleet.Connection, p *corev1.Pod) inventory.Pod {
	s, spec := stateOf(p), conn.Pods().Requests(p)
	row := inventory.Pod{
		Namespace: p.Namespace, Name: p.Name, UID: string(p.UID), Created: p.CreationTimestamp.Time,
		State: s.state, Ready: s.ready, Total: s.total, Restarts: s.restarts,
		Node: p.Spec.NodeName, Owner: conn.WorkloadOf(p), IP: p.Status.PodIP,
		Requests: inventory.Resources{CPUMilli: spec.CPUMilli, MemoryBytes: spec.MemoryBytes},
		Class:    string(disruption.ClassOf(p)), LocalData: disruption.LocalData(p),
	}
	for _, path := range disruption.HostPaths(p) {
		row.LocalData = append(row.LocalData, "hostPath:"+path)
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status != corev1.ConditionTrue {
			row.Reason = cmp.Or(c.Message, c.Reason)
		}
	}
	if row.Reason == "" {
		row.Reason = waitingFor(p)
	}
	if n, err := conn.Nodes().Get(p.Spec.NodeName); err == nil {
		row.Zone = zoneOf(n)
	}
	for _, claim := range disruption.Claims(p) {
		row.Volumes = append(row.Volumes, volumeOf(conn, p.Namespace, claim))
	}
	for _, b := range conn.BudgetsFor(p) {
		row.Budgets = append(row.Budgets, budgetRow(b))
	}
	return row
}

// waitingFor is the message of the first container that waits.
func waitingFor(p *corev1.Pod) string {
	for _, list := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for i := range list {
			if w := list[i].State.Waiting; w != nil && w.Message != "" {
				return w.Message
			}
		}
	}
	return ""
}

func budgetRow(b disruption.Budget) inventory.Budget {
	return inventory.Budget{
		Name: b.Name, Rule: b.Rule, Healthy: b.Healthy, Desired: b.Desired, Expected: b.Expected, Allowed: b.AllowedNow(),
	}
}
