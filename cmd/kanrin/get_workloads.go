package main

import (
	"context"
	"fmt"
	"net/http"
	"sort"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/output"
)

type workloadRow = row[inventory.Workload]

func workloadListing(a *app) *listing[inventory.Workload] {
	column := func(header string, wide bool, f func(inventory.Workload) string) output.Column[workloadRow] {
		return output.Column[workloadRow]{Header: header, Wide: wide, Text: func(r workloadRow) string { return f(r.Object) }}
	}
	age := column("AGE", false, func(w inventory.Workload) string { return output.Age(w.Created, a.now()) })
	age.Number = func(r workloadRow) float64 { return -float64(r.Object.Created.Unix()) }
	return &listing[inventory.Workload]{
		kind: "Workload", apiVersion: inventoryVersion, resource: "workloads", perCluster: true,
		columns: []output.Column[workloadRow]{
			column("NAMESPACE", false, func(w inventory.Workload) string { return w.Namespace }),
			column("KIND", false, func(w inventory.Workload) string { return w.Kind }),
			column("NAME", false, func(w inventory.Workload) string { return w.Name }),
			column("READY", false, func(w inventory.Workload) string { return fmt.Sprintf("%d/%d", w.Ready, w.Desired) }),
			column("STATE", false, func(w inventory.Workload) string { return w.State }),
			column("BUDGET", false, func(w inventory.Workload) string { return budgets(w.Budgets) }),
			column("ZONES", false, func(w inventory.Workload) string { return zones(w.Zones) }),
			age,
			column("REASON", true, func(w inventory.Workload) string { return w.Reason }),
			column("PRIORITY", true, func(w inventory.Workload) string { return w.Priority }),
			column("SURGED-BY", true, func(w inventory.Workload) string { return w.SurgedBy }),
			column("IMAGES", true, func(w inventory.Workload) string { return strings.Join(w.Images, ",") }),
		},
		list: func(ctx context.Context, s *session, cluster string, f client.Filter) ([]inventory.Workload, error) {
			return s.Workloads(ctx, cluster, f)
		},
		get: func(ctx context.Context, s *session, cluster, name string) (inventory.Workload, error) {
			return s.workload(ctx, cluster, name)
		},
		name: func(w inventory.Workload) string { return w.Kind + "/" + w.Namespace + "/" + w.Name },
	}
}

// budgets says what each disruption budget allows right now: "web-pdb 1 of 3".
func budgets(list []inventory.Budget) string {
	parts := make([]string, 0, len(list))
	for _, b := range list {
		_, name, found := strings.Cut(b.Name, "/")
		if !found {
			name = b.Name
		}
		parts = append(parts, fmt.Sprintf("%s:%d", name, b.Allowed))
	}
	return strings.Join(parts, ",")
}

func zones(m map[string]int) string {
	names := make([]string, 0, len(m))
	for z := range m {
		names = append(names, z)
	}
	sort.Strings(names)
	parts := make([]string, 0, len(names))
	for _, z := range names {
		label := z
		if z == "" {
			label = "-"
		}
		parts = append(parts, fmt.Sprintf("%s:%d", label, m[z]))
	}
	return strings.Join(parts, ",")
}

// workload reads one by Kind/namespace/name, or by namespace/name when that means only one.
func (s *session) workload(ctx context.Context, cluster, name string) (inventory.Workload, error) {
	parts := strings.Split(name, "/")
	switch len(parts) {
	case 3:
		w, err := s.Workload(ctx, cluster, parts[0], parts[1], parts[2])
		if err != nil {
			return inventory.Workload{}, err
		}
		return *w, nil
	case 2:
		all, err := s.Workloads(ctx, cluster, client.Filter{Namespace: parts[0], Query: parts[1]})
		if err != nil {
			return inventory.Workload{}, err
		}
		var found []inventory.Workload
		for _, w := range all {
			if w.Namespace == parts[0] && w.Name == parts[1] {
				found = append(found, w)
			}
		}
		switch len(found) {
		case 1:
			return found[0], nil
		case 0:
			return inventory.Workload{}, notThere("workloads", cluster, name)
		}
		kinds := make([]string, 0, len(found))
		for _, w := range found {
			kinds = append(kinds, w.Kind+"/"+name)
		}
		return inventory.Workload{}, s.app.badInput(s.app.t("cli.what.get.workloads", "name", name, "cluster", cluster),
			s.app.t("cli.why.severalKinds", "names", strings.Join(kinds, ", ")), s.app.t("cli.next.severalKinds"))
	}
	return inventory.Workload{}, s.app.badInput(s.app.t("cli.what.get.workloads", "name", name, "cluster", cluster),
		s.app.t("cli.why.workloadName"), s.app.t("cli.next.workloadName"))
}

// notThere is what the server would say of a name that it does not know.
func notThere(resource, cluster, name string) error {
	err := apierrors.NewNotFound(v1alpha1.Resource(resource), name)
	err.ErrStatus.Code = http.StatusNotFound
	return &client.Error{Verb: "get", Resource: resource, Cluster: cluster, Name: name, Err: err}
}
