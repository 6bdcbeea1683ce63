package inventory_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rows "kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/fleettest"
	"kanrin.dev/kanrin/internal/httpapi"
	"kanrin.dev/kanrin/internal/inventory"
	"kanrin.dev/kanrin/internal/rehearse"
)

// serveCluster registers the API as a cluster and serves its views.
func serveCluster(t *testing.T, c client.WithWatch, name string, authorizer inventory.Authorizer) (server, *fleet.Fleet) {
	t.Helper()
	var views *inventory.Inventory
	f := fleettest.Start(t, c, fleettest.Quick(), func(f *fleet.Fleet) {
		views = inventory.New(inventory.Configuration{}, inventory.Dependencies{
			Fleet: f, Management: c, Authorizer: authorizer, Simulator: rehearse.Simulator{Path: api.Binary},
			Disk: func() (int64, bool) { return 7, false },
		})
	})
	ctx, cancel := context.WithTimeout(t.Context(), fleettest.Patience)
	defer cancel()
	if err := views.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), fleettest.Patience)
		defer cancel()
		if err := views.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	if _, err := f.Ensure(t.Context(), fleet.Registration{Name: name, Kubeconfig: api.Kubeconfig}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Deregister(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	fleettest.Synced(t, fleettest.Connection(t, f, name))
	return serving(views), f
}

func decode[T any](t *testing.T, data []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return v
}

func TestViews(t *testing.T) {
	c := fleettest.Management(t, api.Config)
	w := newWorld(t, c, "views")
	w.node("cp", "a", "4", "control-plane")
	w.node("w1", "a", "4")
	w.node("w2", "b", "4")
	w.deployment("web", "500m", []string{"w1", "w2"})
	w.bound("db", "w2", "b")
	w.budget("web", "web", 2, 2, 2)
	w.pod("alone", "w1", nil, nil, corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "x:1"}}})
	s, _ := serveCluster(t, c, "view", anything{})
	const base = "/kanrin/v1/clusters/view"
	fleettest.Eventually(t, "everything is seen", func() error {
		if n := decode[rows.Page[rows.Pod]](t, s.get(t, base+"/pods?namespace=views")).Total; n != 4 {
			return fmt.Errorf("%d pods", n)
		}
		return nil
	})

	t.Run("nodes", func(t *testing.T) {
		page := decode[rows.Page[rows.Node]](t, s.get(t, base+"/nodes?q=views-&sort=-cpu"))
		if page.Total != 3 || page.Items[0].Name != "views-w2" || page.Items[0].Requested.CPUMilli != 600 || page.Items[0].Pods != 2 || page.Items[0].Zone != "b" {
			t.Errorf("nodes: %+v", page)
		}
		if page := decode[rows.Page[rows.Node]](t, s.get(t, base+"/nodes?q=views-&role=control-plane")); page.Total != 1 || page.Items[0].Name != "views-cp" || len(page.Items[0].Taints) != 1 {
			t.Errorf("control planes: %+v", page)
		}
		if page := decode[rows.Page[rows.Node]](t, s.get(t, base+"/nodes?q=views-&zone=a&limit=1&offset=1")); page.Total != 2 || len(page.Items) != 1 || page.Offset != 1 || page.Items[0].Name != "views-w1" {
			t.Errorf("second page of zone a: %+v", page)
		}
		if n := decode[rows.Node](t, s.get(t, base+"/nodes/views-w1")); n.State != "Ready" || n.Requested.Pods != 2 || !slices.Equal(n.Roles, []string{"worker"}) {
			t.Errorf("node: %+v", n)
		}
	})
	t.Run("pods", func(t *testing.T) {
		page := decode[rows.Page[rows.Pod]](t, s.get(t, base+"/pods?namespace=views&sort=name"))
		var names []string
		for _, p := range page.Items {
			names = append(names, p.Name+" "+p.Class+" "+p.Owner)
		}
		if want := []string{"alone unmanaged ", "db-0 evictable StatefulSet/views/db", "web-1-a evictable Deployment/views/web", "web-1-b evictable Deployment/views/web"}; !slices.Equal(names, want) {
			t.Errorf("pods: %q", names)
		}
		db := decode[rows.Pod](t, s.get(t, base+"/pods/views/db-0"))
		if len(db.Volumes) != 1 || !slices.Equal(db.Volumes[0].Zones, []string{"b"}) || db.Volumes[0].Bytes != 1<<30 || !db.Volumes[0].Bound || !slices.Equal(db.LocalData, []string{"scratch"}) || db.Zone != "b" {
			t.Errorf("pod: %+v", db)
		}
		for query, want := range map[string]int{"node=views-w2": 2, "owner=Deployment/views/web": 2, "owner=ReplicaSet/views/web-1": 2, "owner=Pod/views/alone": 1, "namespace=views&state=running": 4, "namespace=views&state=Pending": 0, "q=views/web": 2, "namespace=views&q=ALONE": 1} {
			if page := decode[rows.Page[rows.Pod]](t, s.get(t, base+"/pods?"+query)); page.Total != want {
				t.Errorf("pods?%s: %d, want %d", query, page.Total, want)
			}
		}
		for _, column := range []string{"name", "namespace", "state", "ready", "restarts", "node", "zone", "age", "cpu", "memory", "owner"} {
			up := decode[rows.Page[rows.Pod]](t, s.get(t, base+"/pods?namespace=views&sort="+column))
			down := decode[rows.Page[rows.Pod]](t, s.get(t, base+"/pods?namespace=views&sort=-"+column))
			if up.Total != 4 || down.Total != 4 {
				t.Errorf("sorted by %s: %d and %d rows", column, up.Total, down.Total)
			}
		}
	})
	t.Run("workloads", func(t *testing.T) {
		page := decode[rows.Page[rows.Workload]](t, s.get(t, base+"/workloads?namespace=views"))
		if page.Total != 3 {
			t.Fatalf("workloads: %+v", page)
		}
		web := decode[rows.Workload](t, s.get(t, base+"/workloads/Deployment/views/web"))
		if web.State != "Healthy" || web.Ready != 2 || web.Desired != 2 || web.Zones["a"] != 1 || web.Zones["b"] != 1 || !slices.Equal(web.Images, []string{"registry.example/web:1"}) ||
			web.Requests.CPUMilli != 1000 || len(web.Budgets) != 1 || web.Budgets[0].Rule != "minAvailable 2" || web.Budgets[0].Allowed != 0 {
			t.Errorf("workload: %+v", web)
		}
		if alone := decode[rows.Workload](t, s.get(t, base+"/workloads/Pod/views/alone")); alone.State != "Healthy" || alone.Desired != 1 {
			t.Errorf("a pod of its own: %+v", alone)
		}
		if page := decode[rows.Page[rows.Workload]](t, s.get(t, base+"/workloads?kind=statefulset&namespace=views")); page.Total != 1 {
			t.Errorf("stateful sets: %+v", page)
		}
	})
	t.Run("live", func(t *testing.T) {
		event := &corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: "views", Name: "e1"}, InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: "views", Name: "db-0"}, Reason: "Pulled", Message: "done", Type: "Normal", Count: 2, LastTimestamp: metav1.Now()}
		w.create(event, nil)
		page := decode[rows.Page[rows.Event]](t, s.get(t, base+"/events?kind=Pod&namespace=views&name=db-0"))
		if page.Total != 1 || page.Items[0].Reason != "Pulled" || page.Items[0].Object != "Pod/views/db-0" || page.Items[0].Count != 2 {
			t.Errorf("events: %+v", page)
		}
		yaml := string(s.get(t, base+"/objects?kind=Deployment&namespace=views&name=web"))
		if !strings.Contains(yaml, "kind: Deployment") || strings.Contains(yaml, "managedFields") {
			t.Errorf("YAML:\n%s", yaml)
		}
	})
	t.Run("clusters", func(t *testing.T) {
		overview := decode[rows.Overview](t, s.get(t, "/kanrin/v1/overview"))
		if len(overview.Clusters) != 1 || overview.DiskFreeBytes != 7 || len(overview.Clusters[0].Zones) < 2 || !overview.Clusters[0].Access["operations"]["approve"] {
			t.Errorf("overview: %+v", overview)
		}
		never := slices.ContainsFunc(overview.Clusters[0].Findings, func(f v1alpha1.Finding) bool {
			return f.Code == "BudgetNeverMet" && f.Object == "views/web" && strings.Contains(f.Message, "Deployment views/web")
		})
		if !never {
			t.Errorf("findings: %+v", overview.Clusters[0].Findings)
		}
		if row := decode[rows.ClusterRow](t, s.get(t, base)); row.Status.Version == "" || row.Status.Nodes.Ready < 3 {
			t.Errorf("cluster: %+v", row)
		}
		access := decode[map[string]map[string]bool](t, s.get(t, base+"/access"))
		if !access["operations"]["create"] || !access["clusters"]["delete"] {
			t.Errorf("access: %v", access)
		}
	})
	t.Run("operations", func(t *testing.T) {
		op := &v1alpha1.Operation{ObjectMeta: metav1.ObjectMeta{Namespace: "view", Name: "cordon-1"}, Spec: v1alpha1.OperationSpec{Type: v1alpha1.OperationCordon, Cordon: &v1alpha1.NodesSpec{Nodes: []string{"w1", "w2"}}}}
		w.create(op, nil)
		fleettest.Eventually(t, "the operation is listed", func() error {
			page := decode[rows.Page[rows.OperationRow]](t, s.get(t, "/kanrin/v1/operations?cluster=view&phase=pending"))
			if page.Total != 1 || page.Items[0].Target != "w1, w2" || page.Items[0].Type != "Cordon" {
				return fmt.Errorf("operations: %+v", page)
			}
			return nil
		})
		if row := decode[rows.ClusterRow](t, s.get(t, base)); len(row.Running) != 1 || row.Running[0].Name != "cordon-1" {
			t.Errorf("running operations: %+v", row.Running)
		}
	})
	for path, code := range map[string]int{
		"/kanrin/v1/clusters/nope": 404, "/kanrin/v1/clusters/nope/pods": 404, base + "/nodes/nope": 404, base + "/pods/views/nope": 404, base + "/workloads/Deployment/views/nope": 404,
		base + "/pods?limit=0": 400, base + "/pods?colour=red": 400, base + "/nodes?sort=x": 400, base + "/objects?kind=Secret&namespace=views&name=x": 400,
		base + "/objects?kind=Pod&namespace=views&name=../x": 400, base + "/objects?kind=Pod&namespace=views&name=nope": 404, base + "/objects?kind=Bomb&name=x": 400, base + "/events?name=x&y=z": 400,
	} {
		answer := s.do(httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		status := decode[metav1.Status](t, answer.Body.Bytes())
		if answer.Code != code || status.Kind != "Status" || status.Message == "" {
			t.Errorf("GET %s: %d %s", path, answer.Code, answer.Body)
		}
	}
}

// only permits one verb on one resource of one cluster.
type only struct{ cluster string }

func (o only) Allowed(_ context.Context, _ httpapi.Caller, verb, resource, cluster string) (bool, error) {
	return cluster == o.cluster && (verb == "get" || verb == "list"), nil
}

// Everybody sees the clusters that they may see, and no others.
func TestOverviewShowsWhatTheCallerMaySee(t *testing.T) {
	c := fleettest.Management(t, api.Config)
	s, f := serveCluster(t, c, "mine", only{"mine"})
	if _, err := f.Ensure(t.Context(), fleet.Registration{Name: "yours", Kubeconfig: api.Kubeconfig}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Deregister(context.Background(), "yours"); err != nil {
			t.Error(err)
		}
	}()
	for _, ns := range []string{"mine", "yours"} {
		op := &v1alpha1.Operation{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "cordon-1"}, Spec: v1alpha1.OperationSpec{Type: v1alpha1.OperationCordon, Cordon: &v1alpha1.NodesSpec{Nodes: []string{"w1"}}}}
		if err := c.Create(t.Context(), op); err != nil {
			t.Fatal(err)
		}
	}
	fleettest.Eventually(t, "the operation of the cluster that may be seen", func() error {
		page := decode[rows.Page[rows.OperationRow]](t, s.get(t, "/kanrin/v1/operations"))
		if page.Total != 1 || page.Items[0].Cluster != "mine" {
			return fmt.Errorf("operations: %+v", page)
		}
		return nil
	})
	if o := decode[rows.Overview](t, s.get(t, "/kanrin/v1/overview")); len(o.Clusters) != 1 || o.Clusters[0].Name != "mine" || o.Clusters[0].Access["operations"]["create"] {
		t.Errorf("overview: %+v", o)
	}
	if page := decode[rows.Page[rows.ClusterRow]](t, s.get(t, "/kanrin/v1/clusters")); page.Total != 1 {
		t.Errorf("clusters: %+v", page)
	}
	if page := decode[rows.Page[rows.OperationRow]](t, s.get(t, "/kanrin/v1/operations?cluster=yours")); page.Total != 0 {
		t.Errorf("operations of the other cluster: %+v", page)
	}
}

// Adding a cluster says in data why it cannot be.
func TestAddCluster(t *testing.T) {
	c := fleettest.Management(t, api.Config)
	s, f := serveCluster(t, c, "first", anything{})
	add := func(body string) (int, metav1.Status) {
		answer := s.do(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/kanrin/v1/clusters", strings.NewReader(body)))
		return answer.Code, decode[metav1.Status](t, answer.Body.Bytes())
	}
	kubeconfig, _ := json.Marshal(string(api.Kubeconfig))
	for name, test := range map[string]struct {
		body, code string
		status     int
	}{
		"no JSON":        {"{", "BodyInvalid", 400},
		"unknown field":  {`{"name":"x","kubeconfg":""}`, "BodyInvalid", 400},
		"bad name":       {`{"name":"X","kubeconfig":""}`, "NameInvalid", 422},
		"bad kubeconfig": {`{"name":"x","kubeconfig":"[]"}`, "InvalidKubeconfig", 422},
		"taken":          {`{"name":"first","kubeconfig":` + string(kubeconfig) + `}`, "NameTaken", 409},
		"the same again": {`{"name":"second","kubeconfig":` + string(kubeconfig) + `}`, "SameCluster", 409},
	} {
		code, status := add(test.body)
		if code != test.status || status.Details == nil || len(status.Details.Causes) == 0 || string(status.Details.Causes[0].Type) != test.code {
			t.Errorf("%s: %d %+v", name, code, status)
		}
	}
	answer := s.do(httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "/kanrin/v1/clusters/first", nil))
	if answer.Code != 200 {
		t.Fatalf("DELETE: %d %s", answer.Code, answer.Body)
	}
	fleettest.Eventually(t, "the cluster is gone", func() error {
		if _, err := f.Connection("first"); err == nil {
			return fmt.Errorf("it is still there")
		}
		return nil
	})
	answer = s.do(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/kanrin/v1/clusters", strings.NewReader(`{"name":"first","kubeconfig":`+string(kubeconfig)+`}`)))
	if made := decode[v1alpha1.Cluster](t, answer.Body.Bytes()); answer.Code != 201 || made.Kind != "Cluster" || made.Name != "first" {
		t.Errorf("POST: %d %s", answer.Code, answer.Body)
	}
}
