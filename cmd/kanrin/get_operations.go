package main

import (
	"context"
	"slices"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/output"
	"kanrin.dev/kanrin/internal/cli/render"
)

type operationRow = row[*v1alpha1.Operation]

func operationListing(a *app) *listing[*v1alpha1.Operation] {
	column := func(header string, wide bool, f func(*v1alpha1.Operation) string) output.Column[operationRow] {
		return output.Column[operationRow]{Header: header, Wide: wide, Text: func(r operationRow) string { return f(r.Object) }}
	}
	age := column("AGE", false, func(o *v1alpha1.Operation) string { return output.Age(o.CreationTimestamp.Time, a.now()) })
	age.Number = func(r operationRow) float64 { return -float64(r.Object.CreationTimestamp.Unix()) }
	return &listing[*v1alpha1.Operation]{
		kind: "Operation", apiVersion: v1alpha1.GroupVersion.String(), real: true, resource: "operations", perCluster: true,
		columns: []output.Column[operationRow]{
			column("NAME", false, func(o *v1alpha1.Operation) string { return o.Name }),
			column("TYPE", false, func(o *v1alpha1.Operation) string { return string(o.Spec.Type) }),
			column("TARGET", false, func(o *v1alpha1.Operation) string {
				if o.Status.Target == "" { // not planned yet, or it could not be
					if names := render.Subjects(o); len(names) > 0 {
						return render.List(names)
					}
					return o.Namespace
				}
				return o.Status.Target
			}),
			column("PHASE", false, func(o *v1alpha1.Operation) string { return string(o.Status.Phase) }),
			column("STEP", false, func(o *v1alpha1.Operation) string { return o.Status.StepText }),
			column("REASON", false, func(o *v1alpha1.Operation) string { return o.Status.Reason }),
			age,
			column("BY", true, func(o *v1alpha1.Operation) string { return o.Spec.RequestedBy }),
			column("APPROVED-BY", true, func(o *v1alpha1.Operation) string { return o.Spec.ApprovedBy }),
			column("PLAN", true, func(o *v1alpha1.Operation) string {
				if o.Status.Plan == nil {
					return ""
				}
				return o.Status.Plan.Digest
			}),
		},
		list: func(ctx context.Context, s *session, cluster string, _ client.Filter) ([]*v1alpha1.Operation, error) {
			list, err := s.Operations(ctx, cluster)
			if err != nil {
				return nil, err
			}
			out := make([]*v1alpha1.Operation, 0, len(list.Items))
			for i := range list.Items {
				list.Items[i].ManagedFields = nil
				out = append(out, &list.Items[i])
			}
			// The newest last, next to the prompt.
			slices.SortStableFunc(out, func(a, b *v1alpha1.Operation) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
			return out, nil
		},
		get: func(ctx context.Context, s *session, cluster, name string) (*v1alpha1.Operation, error) {
			o, err := s.Operation(ctx, cluster, name)
			if err == nil {
				o.ManagedFields = nil
			}
			return o, err
		},
		name: func(o *v1alpha1.Operation) string { return o.Name },
		match: func(o *v1alpha1.Operation, f client.Filter) bool {
			if f.State != "" && !strings.EqualFold(f.State, string(o.Status.Phase)) {
				return false
			}
			for _, text := range []string{o.Name, string(o.Spec.Type), o.Status.Target, o.Spec.RequestedBy} {
				if strings.Contains(strings.ToLower(text), strings.ToLower(f.Query)) {
					return true
				}
			}
			return false
		},
	}
}
