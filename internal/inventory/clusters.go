package inventory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/kubeconfig"
	"kanrin.dev/kanrin/internal/fleet/reach"
	"kanrin.dev/kanrin/internal/httpapi"
)

// recentOperations is how many operations that are over a cluster's row shows.
const recentOperations = 5

var clusterColumns = columns{sorts: []string{"name"}}

// access lists what the buttons of a cluster's pages need to know.
var access = map[string][]string{
	"clusters":        {"get", "update", "delete"},
	"operations":      {"get", "create", "update", "approve"},
	"nodes":           {"list"},
	"pods":            {"list"},
	"workloads":       {"list"},
	"events":          {"list"},
	"objects":         {"get"},
	"capacity":        {"get"},
	"hosts":           {"get", "create", "update", "delete"},
	"backups":         {"get", "update"},
	"backuppolicies":  {"get", "create", "update"},
	"snapshots":       {"get"},
	"snapshotsecrets": {"get"},
}

// accessOf asks what a caller may do with the named resources of a cluster, or with all.
func (i *Inventory) accessOf(ctx context.Context, caller httpapi.Caller, cluster string, resources ...string) (map[string]map[string]bool, error) {
	if len(resources) == 0 {
		resources = sortedKeys(access)
	}
	out := map[string]map[string]bool{}
	for _, resource := range resources {
		verbs := access[resource]
		out[resource] = map[string]bool{}
		for _, verb := range verbs {
			ok, err := i.authorizer.Allowed(ctx, caller, verb, resource, cluster)
			if err != nil {
				return nil, fmt.Errorf("asking whether %s may %s %s of %s: %w", caller.User, verb, resource, cluster, err)
			}
			out[resource][verb] = ok
		}
	}
	return out, nil
}

// permitted returns the clusters for which the caller may do something.
func (i *Inventory) permitted(ctx context.Context, verb, resource string) (map[string]bool, error) {
	caller, ok := httpapi.CallerFrom(ctx)
	if !ok {
		return nil, errors.New("a request without a caller has come through")
	}
	out := map[string]bool{}
	everywhere, err := i.authorizer.Allowed(ctx, caller, verb, resource, "")
	if err != nil {
		return nil, fmt.Errorf("asking whether %s may %s %s: %w", caller.User, verb, resource, err)
	}
	for _, c := range i.fleet.Clusters() {
		ok := everywhere
		if !ok {
			if ok, err = i.authorizer.Allowed(ctx, caller, verb, resource, c.Name); err != nil {
				return nil, fmt.Errorf("asking whether %s may %s %s of %s: %w", caller.User, verb, resource, c.Name, err)
			}
		}
		if ok {
			out[c.Name] = true
		}
	}
	return out, nil
}

// clusterRow makes the row of one cluster for one caller.
func (i *Inventory) clusterRow(ctx context.Context, c *v1alpha1.Cluster) (inventory.ClusterRow, error) {
	row := inventory.ClusterRow{Name: c.Name, Demo: c.Spec.Demo, Status: c.Status, Findings: c.Status.Findings}
	caller, _ := httpapi.CallerFrom(ctx)
	var err error
	if row.Access, err = i.accessOf(ctx, caller, c.Name, "clusters", "operations"); err != nil {
		return row, err
	}
	if row.Access["operations"]["get"] {
		all, _ := i.operations.list(map[string]bool{c.Name: true}, nil)
		for _, o := range all {
			switch {
			case !o.Phase.Terminal():
				row.Running = append(row.Running, o)
			case len(row.Recent) < recentOperations:
				row.Recent = append(row.Recent, o)
			}
		}
	}
	if conn, state, err := ready(i.fleet, c.Name); err == nil && state.Synced {
		nodes, _ := i.memory.get(conn).nodesOf(conn)
		row.Zones = nodes.zones
	}
	return row, nil
}

func (i *Inventory) clusterRows(ctx context.Context) ([]inventory.ClusterRow, error) {
	allowed, err := i.permitted(ctx, "get", "clusters")
	if err != nil {
		return nil, err
	}
	out := []inventory.ClusterRow{}
	for _, c := range i.fleet.Clusters() {
		if !allowed[c.Name] {
			continue
		}
		row, err := i.clusterRow(ctx, c)
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}

// addCluster reads an AddCluster and registers it.
func (i *Inventory) addCluster(r *http.Request) (*v1alpha1.Cluster, error) {
	var in inventory.AddCluster
	// Twice the size of the kubeconfig leaves room for its escapes.
	body := io.LimitReader(r.Body, 2*kubeconfig.MaxBytes)
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, badInput("BodyInvalid")
	}
	c, err := i.fleet.Register(r.Context(), fleet.Registration{Name: strings.TrimSpace(in.Name), Kubeconfig: []byte(in.Kubeconfig), Lost: in.Lost})
	var e *reach.Error
	if errors.As(err, &e) {
		return nil, unusable(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, e)
	}
	return c, err
}
