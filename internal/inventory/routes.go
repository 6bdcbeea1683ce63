package inventory

import (
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/httpapi"
)

var operationColumns = columns{sorts: []string{"created"}, filters: []string{"cluster", "phase"}}

// Routes are what is served under /kanrin/v1.
func (i *Inventory) Routes() []httpapi.Route {
	const cluster = "/kanrin/v1/clusters/{cluster}"
	signedIn := httpapi.Access{SignedIn: true} // the handler shows each caller what they may see
	may := func(verb, resource string) httpapi.Access { return httpapi.Access{Verb: verb, Resource: resource} }
	return []httpapi.Route{
		{Method: "GET", Pattern: "/kanrin/v1/overview", Access: signedIn, Handler: i.answer(i.overview)},
		{Method: "GET", Pattern: "/kanrin/v1/operations", Access: signedIn, Handler: i.answer(i.operationPage)},
		{Method: "GET", Pattern: "/kanrin/v1/clusters", Access: signedIn, Handler: i.answer(i.clusterPage)},
		{Method: "POST", Pattern: "/kanrin/v1/clusters", Access: may("create", "clusters"), Handler: i.create},
		{Method: "GET", Pattern: cluster, Access: may("get", "clusters"), Handler: i.answer(i.cluster)},
		{Method: "DELETE", Pattern: cluster, Access: may("delete", "clusters"), Handler: i.remove},
		{Method: "GET", Pattern: cluster + "/access", Access: signedIn, Handler: i.answer(i.access)},
		{Method: "GET", Pattern: cluster + "/nodes", Access: may("list", "nodes"), Handler: i.answer(i.nodePage)},
		{Method: "GET", Pattern: cluster + "/nodes/{name}", Access: may("get", "nodes"), Handler: i.answer(i.node)},
		{Method: "GET", Pattern: cluster + "/workloads", Access: may("list", "workloads"), Handler: i.answer(i.workloadPage)},
		{Method: "GET", Pattern: cluster + "/workloads/{kind}/{namespace}/{name}", Access: may("get", "workloads"), Handler: i.answer(i.workload)},
		{Method: "GET", Pattern: cluster + "/pods", Access: may("list", "pods"), Handler: i.answer(i.podPage)},
		{Method: "GET", Pattern: cluster + "/pods/{namespace}/{name}", Access: may("get", "pods"), Handler: i.answer(i.pod)},
		{Method: "GET", Pattern: cluster + "/events", Access: may("list", "events"), Handler: i.answer(i.events)},
		{Method: "GET", Pattern: cluster + "/objects", Access: may("get", "objects"), Handler: i.object},
		{Method: "GET", Pattern: cluster + "/capacity", Access: may("get", "capacity"), Handler: i.answer(i.capacity)},
	}
}

// answer makes a handler of a function that answers with JSON or an error.
func (i *Inventory) answer(f func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := f(r)
		if err != nil {
			i.fail(w, r, err)
			return
		}
		httpapi.WriteJSON(w, http.StatusOK, v)
	}
}

func (i *Inventory) fail(w http.ResponseWriter, r *http.Request, err error) {
	i.log.DebugContext(r.Context(), "a request was not answered", "path", r.URL.Path, "err", err)
	httpapi.WriteError(w, err)
}

func (i *Inventory) overview(r *http.Request) (any, error) {
	rows, err := i.clusterRows(r.Context())
	if err != nil {
		return nil, err
	}
	out := inventory.Overview{Clusters: rows}
	if i.disk != nil {
		out.DiskFreeBytes, out.DiskFull = i.disk()
	}
	return out, nil
}

func (i *Inventory) operationPage(r *http.Request) (any, error) {
	q, err := parseQuery(r.URL.Query(), operationColumns)
	if err != nil {
		return nil, err
	}
	allowed, err := i.permitted(r.Context(), "list", "operations")
	if err != nil {
		return nil, err
	}
	if only := q.filters["cluster"]; only != "" {
		allowed = map[string]bool{only: allowed[only]}
	}
	rows, revision := i.operations.list(allowed, func(o *inventory.OperationRow) bool {
		phase := q.filters["phase"]
		return (phase == "" || strings.EqualFold(phase, string(o.Phase))) && holds(q.text, o.Name, o.Cluster, o.Type, o.Target, o.By, o.Reason)
	})
	page := inventory.Page[inventory.OperationRow]{Items: []inventory.OperationRow{}, Total: len(rows), Offset: q.offset, Revision: revision}
	page.Items = append(page.Items, slice(q, rows)...)
	return page, nil
}

func (i *Inventory) clusterPage(r *http.Request) (any, error) {
	q, err := parseQuery(r.URL.Query(), clusterColumns)
	if err != nil {
		return nil, err
	}
	all, err := i.clusterRows(r.Context())
	if err != nil {
		return nil, err
	}
	matched := all[:0]
	for _, row := range all {
		if holds(q.text, row.Name, row.Status.Server, string(row.Status.Health)) {
			matched = append(matched, row)
		}
	}
	if q.descending {
		for a, b := 0, len(matched)-1; a < b; a, b = a+1, b-1 {
			matched[a], matched[b] = matched[b], matched[a]
		}
	}
	return inventory.Page[inventory.ClusterRow]{Items: slice(q, matched), Total: len(matched), Offset: q.offset, Revision: i.fleet.Revision()}, nil
}

func (i *Inventory) cluster(r *http.Request) (any, error) {
	c, err := i.fleet.Cluster(r.PathValue("cluster"))
	if err != nil {
		return nil, err
	}
	return i.clusterRow(r.Context(), c)
}

func (i *Inventory) access(r *http.Request) (any, error) {
	caller, _ := httpapi.CallerFrom(r.Context())
	return i.accessOf(r.Context(), caller, r.PathValue("cluster"))
}

// create answers POST /clusters.
func (i *Inventory) create(w http.ResponseWriter, r *http.Request) {
	c, err := i.addCluster(r)
	if err != nil {
		i.fail(w, r, err)
		return
	}
	c.ManagedFields = nil
	c.TypeMeta = metav1.TypeMeta{APIVersion: "kanrin.dev/v1alpha1", Kind: "Cluster"}
	httpapi.WriteJSON(w, http.StatusCreated, c)
}

// remove answers DELETE /clusters/{cluster}.
func (i *Inventory) remove(w http.ResponseWriter, r *http.Request) {
	if err := i.fleet.Deregister(r.Context(), r.PathValue("cluster")); err != nil {
		i.fail(w, r, err)
		return
	}
	httpapi.WriteJSON(w, http.StatusOK, metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess,
	})
}

// in finds the connection and reads the query of a request for a list.
func (i *Inventory) in(r *http.Request, c columns) (*fleet.Connection, fleet.State, query, error) {
	q, err := parseQuery(r.URL.Query(), c)
	if err != nil {
		return nil, fleet.State{}, q, err
	}
	conn, state, err := ready(i.fleet, r.PathValue("cluster"))
	return conn, state, q, err
}

func (i *Inventory) nodePage(r *http.Request) (any, error) {
	conn, state, q, err := i.in(r, nodeColumns)
	if err != nil {
		return nil, err
	}
	nodes, revision := i.memory.get(conn).nodesOf(conn)
	all := nodes.page(q)
	page := inventory.Page[inventory.Node]{Items: []inventory.Node{}, Total: len(all), Offset: q.offset, Revision: revision, StaleSince: state.StaleSince}
	page.Items = append(page.Items, slice(q, all)...)
	return page, nil
}

func (i *Inventory) node(r *http.Request) (any, error) {
	conn, _, err := ready(i.fleet, r.PathValue("cluster"))
	if err != nil {
		return nil, err
	}
	nodes, _ := i.memory.get(conn).nodesOf(conn)
	n, ok := nodes.index[r.PathValue("name")]
	if !ok {
		return nil, httpapi.NotFound("nodes", r.PathValue("name"))
	}
	return nodes.rows[n], nil
}

func (i *Inventory) workloadPage(r *http.Request) (any, error) {
	conn, state, q, err := i.in(r, workloadColumns)
	if err != nil {
		return nil, err
	}
	workloads, revision := i.memory.get(conn).workloadsOf(conn)
	all := workloads.page(q)
	page := inventory.Page[inventory.Workload]{Items: []inventory.Workload{}, Total: len(all), Offset: q.offset, Revision: revision, StaleSince: state.StaleSince}
	page.Items = append(page.Items, slice(q, all)...)
	return page, nil
}

func (i *Inventory) workload(r *http.Request) (any, error) {
	conn, _, err := ready(i.fleet, r.PathValue("cluster"))
	if err != nil {
		return nil, err
	}
	kind, namespace, name := r.PathValue("kind"), r.PathValue("namespace"), r.PathValue("name")
	workloads, _ := i.memory.get(conn).workloadsOf(conn)
	if n, ok := workloads.index[kind+"/"+namespace+"/"+name]; ok {
		return workloads.rows[n], nil
	}
	if kind == "Job" { // one that a CronJob has started is not in the list
		if j, err := conn.Jobs().Jobs(namespace).Get(name); err == nil {
			return job(j), nil
		}
	}
	return nil, httpapi.NotFound("workloads", kind+"/"+namespace+"/"+name)
}

func (i *Inventory) podPage(r *http.Request) (any, error) {
	conn, state, q, err := i.in(r, podColumns)
	if err != nil {
		return nil, err
	}
	return podsPage(conn, state, &i.memory.get(conn).pods, q), nil
}

func (i *Inventory) pod(r *http.Request) (any, error) {
	conn, _, err := ready(i.fleet, r.PathValue("cluster"))
	if err != nil {
		return nil, err
	}
	p, ok := conn.Pods().Get(r.PathValue("namespace"), r.PathValue("name"))
	if !ok {
		return nil, httpapi.NotFound("pods", r.PathValue("namespace")+"/"+r.PathValue("name"))
	}
	return podRow(conn, p), nil
}

func (i *Inventory) events(r *http.Request) (any, error) {
	conn, state, err := ready(i.fleet, r.PathValue("cluster"))
	if err != nil {
		return nil, err
	}
	return eventsPage(r.Context(), conn, state, r.URL.Query())
}

// object answers with YAML.
func (i *Inventory) object(w http.ResponseWriter, r *http.Request) {
	conn, _, err := ready(i.fleet, r.PathValue("cluster"))
	if err != nil {
		i.fail(w, r, err)
		return
	}
	text, err := objectYAML(r.Context(), conn, r.URL.Query())
	if err != nil {
		i.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/yaml; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(text) // the client is gone: nobody left to tell
}

func (i *Inventory) capacity(r *http.Request) (any, error) {
	conn, _, err := ready(i.fleet, r.PathValue("cluster"))
	if err != nil {
		return nil, err
	}
	return i.sizing.capacity(r.Context(), conn)
}
