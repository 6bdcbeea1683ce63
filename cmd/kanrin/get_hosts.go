package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/output"
)

type hostRow = row[*v1alpha1.Host]

func hostListing(a *app) *listing[*v1alpha1.Host] {
	column := func(header string, wide bool, f func(*v1alpha1.Host) string) output.Column[hostRow] {
		return output.Column[hostRow]{Header: header, Wide: wide, Text: func(r hostRow) string { return f(r.Object) }}
	}
	fact := func(header string, wide bool, f func(*v1alpha1.HostFacts) string) output.Column[hostRow] {
		return column(header, wide, func(h *v1alpha1.Host) string {
			if h.Status.Facts == nil {
				return ""
			}
			return f(h.Status.Facts)
		})
	}
	tier := column("TIER", true, func(h *v1alpha1.Host) string { return strconv.Itoa(int(h.Spec.Tier)) })
	tier.Number = func(r hostRow) float64 { return float64(r.Object.Spec.Tier) }
	age := column("AGE", false, func(h *v1alpha1.Host) string { return output.Age(h.CreationTimestamp.Time, a.now()) })
	age.Number = func(r hostRow) float64 { return -float64(r.Object.CreationTimestamp.Unix()) }
	return &listing[*v1alpha1.Host]{
		kind: "Host", apiVersion: v1alpha1.GroupVersion.String(), real: true, resource: "hosts", perCluster: true,
		columns: []output.Column[hostRow]{
			column("NAME", false, func(h *v1alpha1.Host) string { return h.Name }),
			column("STATE", false, hostState),
			column("ROLES", false, hostRoles),
			column("NODE", false, func(h *v1alpha1.Host) string { return h.Spec.NodeName }),
			column("ADDRESS", false, func(h *v1alpha1.Host) string { return h.Spec.Address }),
			column("POWER", false, func(h *v1alpha1.Host) string { return h.Status.Power }),
			fact("KUBELET", false, func(f *v1alpha1.HostFacts) string { return f.Kubelet }),
			age,
			fact("OS", true, func(f *v1alpha1.HostFacts) string { return f.OS }),
			fact("KERNEL", true, func(f *v1alpha1.HostFacts) string { return f.Kernel }),
			fact("RUNTIME", true, func(f *v1alpha1.HostFacts) string { return f.Runtime }),
			tier,
			fact("CLOCK", true, clockText),
		},
		list: func(ctx context.Context, s *session, cluster string, _ client.Filter) ([]*v1alpha1.Host, error) {
			list, err := s.Hosts(ctx, cluster)
			if err != nil {
				return nil, err
			}
			out := make([]*v1alpha1.Host, 0, len(list.Items))
			for i := range list.Items {
				list.Items[i].ManagedFields = nil
				out = append(out, &list.Items[i])
			}
			return out, nil
		},
		get: func(ctx context.Context, s *session, cluster, name string) (*v1alpha1.Host, error) {
			h, err := s.Host(ctx, cluster, name)
			if err == nil {
				h.ManagedFields = nil
			}
			return h, err
		},
		name: func(h *v1alpha1.Host) string { return h.Name },
		match: func(h *v1alpha1.Host, f client.Filter) bool {
			if f.State != "" && !strings.EqualFold(f.State, hostState(h)) || f.Role != "" && !slices.Contains(h.Spec.Roles, v1alpha1.HostRole(strings.ToLower(f.Role))) {
				return false
			}
			for _, text := range []string{h.Name, h.Spec.Address, h.Spec.NodeName, h.Spec.Group} {
				if strings.Contains(strings.ToLower(text), strings.ToLower(f.Query)) {
					return true
				}
			}
			return false
		},
	}
}

func hostState(h *v1alpha1.Host) string { return string(cmp.Or(h.Status.State, v1alpha1.HostUnknown)) }

func hostRoles(h *v1alpha1.Host) string {
	roles := make([]string, 0, len(h.Spec.Roles))
	for _, r := range h.Spec.Roles {
		roles = append(roles, string(r))
	}
	return strings.Join(roles, ",")
}

// clockText is how far the machine's clock is off, and how sure that is: "+3 ms ±1 ms". An error of 0 means that it is not known.
func clockText(f *v1alpha1.HostFacts) string {
	if f.ClockErrorMilliseconds == 0 {
		return ""
	}
	return fmt.Sprintf("%+d ms ±%d ms", f.ClockOffsetMilliseconds, f.ClockErrorMilliseconds)
}
