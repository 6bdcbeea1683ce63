package main

import (
	"context"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/output"
)

type clusterRow = row[*v1alpha1.Cluster]

func clusterListing(a *app) *listing[*v1alpha1.Cluster] {
	text := func(f func(*v1alpha1.Cluster) string) func(clusterRow) string {
		return func(r clusterRow) string { return f(r.Object) }
	}
	return &listing[*v1alpha1.Cluster]{
		kind: "Cluster", apiVersion: v1alpha1.GroupVersion.String(), real: true, resource: "clusters",
		columns: []output.Column[clusterRow]{
			{Header: "NAME", Text: text(func(c *v1alpha1.Cluster) string { return c.Name })},
			{Header: "HEALTH", Text: text(func(c *v1alpha1.Cluster) string { return string(c.Status.Health) })},
			{Header: "VERSION", Text: text(func(c *v1alpha1.Cluster) string { return c.Status.Version })},
			{Header: "NODES", Text: text(func(c *v1alpha1.Cluster) string { return c.Status.NodesText })},
			{
				Header: "PODS", Text: text(func(c *v1alpha1.Cluster) string { return strconv.Itoa(int(c.Status.Pods.Total)) }),
				Number: func(r clusterRow) float64 { return float64(r.Object.Status.Pods.Total) },
			},
			{
				Header: "AGE", Text: text(func(c *v1alpha1.Cluster) string { return output.Age(c.CreationTimestamp.Time, a.now()) }),
				Number: func(r clusterRow) float64 { return -float64(r.Object.CreationTimestamp.Unix()) },
			},
			{Header: "SERVER", Wide: true, Text: text(func(c *v1alpha1.Cluster) string { return c.Status.Server })},
			{
				Header: "CPU", Wide: true, Text: text(func(c *v1alpha1.Cluster) string { return usage(c.Status.Capacity.CPU, milli, cores) }),
				Number: func(r clusterRow) float64 {
					return ratio(milli(r.Object.Status.Capacity.CPU.Requested), milli(r.Object.Status.Capacity.CPU.Allocatable))
				},
			},
			{
				Header: "MEMORY", Wide: true, Text: text(func(c *v1alpha1.Cluster) string { return usage(c.Status.Capacity.Memory, byteCount, gibibytes) }),
				Number: func(r clusterRow) float64 {
					return ratio(byteCount(r.Object.Status.Capacity.Memory.Requested), byteCount(r.Object.Status.Capacity.Memory.Allocatable))
				},
			},
			{
				Header: "FINDINGS", Wide: true, Text: text(func(c *v1alpha1.Cluster) string { return strconv.Itoa(len(c.Status.Findings)) }),
				Number: func(r clusterRow) float64 { return float64(len(r.Object.Status.Findings)) },
			},
		},
		list: func(ctx context.Context, s *session, _ string, _ client.Filter) ([]*v1alpha1.Cluster, error) {
			return s.allClusters(ctx)
		},
		get: func(ctx context.Context, s *session, _, name string) (*v1alpha1.Cluster, error) {
			c, err := s.Cluster(ctx, name)
			if err == nil {
				c.ManagedFields = nil
			}
			return c, err
		},
		name:  func(c *v1alpha1.Cluster) string { return c.Name },
		match: func(c *v1alpha1.Cluster, f client.Filter) bool { return strings.Contains(c.Name, f.Query) },
	}
}

// allClusters lists the clusters; a user who has rights in some of them only gets those, one by one.
func (s *session) allClusters(ctx context.Context) ([]*v1alpha1.Cluster, error) {
	list, err := s.Clusters(ctx)
	var out []*v1alpha1.Cluster
	if err == nil {
		for i := range list.Items {
			list.Items[i].ManagedFields = nil
			out = append(out, &list.Items[i])
		}
		return out, nil
	}
	if !apierrors.IsForbidden(err) {
		return nil, err
	}
	names, listErr := s.clusterNames(ctx)
	if listErr != nil {
		return nil, err
	}
	for _, name := range names {
		c, err := s.Cluster(ctx, name)
		if err != nil {
			return nil, err
		}
		c.ManagedFields = nil
		out = append(out, c)
	}
	return out, nil
}
