package client

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
)

// pageSize is how many rows one request asks for. The server may give fewer.
const pageSize = 500

// Filter narrows a list on the server. Empty fields do not narrow; a list ignores those that it does not know.
type Filter struct {
	Query     string
	Zone      string
	Role      string
	State     string
	Kind      string
	Namespace string
	Node      string
	Owner     string // Kind/namespace/name
}

func (f Filter) query() url.Values {
	return query("q", f.Query, "zone", f.Zone, "role", f.Role, "state", f.State, "kind", f.Kind, "namespace", f.Namespace, "node", f.Node, "owner", f.Owner)
}

// all reads a paged list to its end.
func all[T any](ctx context.Context, c *Client, r request) ([]T, error) {
	r.method = http.MethodGet
	var out []T
	for {
		q := maps.Clone(r.query)
		if q == nil {
			q = url.Values{}
		}
		q.Set("limit", strconv.Itoa(pageSize))
		q.Set("offset", strconv.Itoa(len(out)))
		page := r
		page.query = q
		var p inventory.Page[T]
		if err := c.call(ctx, page, &p); err != nil {
			return nil, err
		}
		if p.StaleSince != nil && c.OnStale != nil && len(out) == 0 {
			c.OnStale(r.cluster, *p.StaleSince)
		}
		out = append(out, p.Items...)
		if len(p.Items) == 0 || len(out) >= p.Total {
			return out, nil
		}
	}
}

func one[T any](ctx context.Context, c *Client, r request) (*T, error) {
	r.method = http.MethodGet
	var out T
	if err := c.call(ctx, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

func view(cluster, resource, verb, name string, path ...string) request {
	return request{path: append([]string{"clusters", cluster}, path...), verb: verb, resource: resource, cluster: cluster, name: name}
}

// Nodes lists the nodes of a cluster.
func (c *Client) Nodes(ctx context.Context, cluster string, f Filter) ([]inventory.Node, error) {
	r := view(cluster, "nodes", "list", "", "nodes")
	r.query = f.query()
	return all[inventory.Node](ctx, c, r)
}

// Node reads one node.
func (c *Client) Node(ctx context.Context, cluster, name string) (*inventory.Node, error) {
	return one[inventory.Node](ctx, c, view(cluster, "nodes", "get", name, "nodes", name))
}

// Workloads lists the workloads of a cluster.
func (c *Client) Workloads(ctx context.Context, cluster string, f Filter) ([]inventory.Workload, error) {
	r := view(cluster, "workloads", "list", "", "workloads")
	r.query = f.query()
	return all[inventory.Workload](ctx, c, r)
}

// Workload reads one workload.
func (c *Client) Workload(ctx context.Context, cluster, kind, namespace, name string) (*inventory.Workload, error) {
	return one[inventory.Workload](ctx, c, view(cluster, "workloads", "get", kind+"/"+namespace+"/"+name, "workloads", kind, namespace, name))
}

// Pods lists the pods of a cluster.
func (c *Client) Pods(ctx context.Context, cluster string, f Filter) ([]inventory.Pod, error) {
	r := view(cluster, "pods", "list", "", "pods")
	r.query = f.query()
	return all[inventory.Pod](ctx, c, r)
}

// Pod reads one pod.
func (c *Client) Pod(ctx context.Context, cluster, namespace, name string) (*inventory.Pod, error) {
	return one[inventory.Pod](ctx, c, view(cluster, "pods", "get", namespace+"/"+name, "pods", namespace, name))
}

// Events are the newest of one object.
func (c *Client) Events(ctx context.Context, cluster, kind, namespace, name string, limit int) ([]inventory.Event, error) {
	r := view(cluster, "events", "list", "", "events")
	r.method = http.MethodGet
	r.query = query("kind", kind, "namespace", namespace, "name", name, "limit", strconv.Itoa(limit))
	var p inventory.Page[inventory.Event]
	if err := c.call(ctx, r, &p); err != nil {
		return nil, err
	}
	return p.Items, nil
}

// Capacity says what a cluster can carry and what the loss of each zone would do. The server plays it through when it is not known yet.
func (c *Client) Capacity(ctx context.Context, cluster string) (*inventory.Capacity, error) {
	r := view(cluster, "capacity", "get", "", "capacity")
	r.limit = 2 * time.Minute
	return one[inventory.Capacity](ctx, c, r)
}

// Log is a piece of an operation's journal.
type Log struct {
	Lines []LogLine `json:"lines"`
	Next  int64     `json:"next"`
	Done  bool      `json:"done"`
}

// LogLine is a journal line and its number.
type LogLine struct {
	Number int64 `json:"n"`
	v1alpha1.LogLine
}

// OperationLog reads the journal lines after number after.
func (c *Client) OperationLog(ctx context.Context, cluster, name string, after int64) (*Log, error) {
	r := view(cluster, "operations", "get", name, "operations", name, "log")
	r.query = query("after", strconv.FormatInt(after, 10))
	return one[Log](ctx, c, r)
}

// Members are the single things that the steps of an operation's plan act on.
func (c *Client) Members(ctx context.Context, cluster, name string) ([]v1alpha1.Member, error) {
	return all[v1alpha1.Member](ctx, c, view(cluster, "operationlogs", "get", name, "operations", name, "members"))
}

// AddCluster registers a cluster. The server tries to reach it first.
func (c *Client) AddCluster(ctx context.Context, add inventory.AddCluster) (*v1alpha1.Cluster, error) {
	var out v1alpha1.Cluster
	r := request{method: http.MethodPost, path: []string{"clusters"}, body: add, limit: 2 * time.Minute, verb: "create", resource: "clusters", name: add.Name}
	if err := c.call(ctx, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// RemoveCluster makes Kanrin forget a cluster; the cluster itself is not touched.
func (c *Client) RemoveCluster(ctx context.Context, name string) error {
	r := request{method: http.MethodDelete, path: []string{"clusters", name}, limit: 2 * time.Minute, verb: "delete", resource: "clusters", name: name}
	return c.call(ctx, r, nil)
}
