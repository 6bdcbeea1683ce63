package component

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
)

// chosen are the names of the hosts of a component: those it names, those of the roles it names, or the control planes.
func (e Env) chosen(c v1alpha1.BackupComponent) []string {
	wanted := c.Hosts
	if len(wanted) == 0 {
		wanted = []string{"@" + string(v1alpha1.RoleControlPlane)}
	}
	var out []string
	for _, w := range wanted {
		role, isRole := strings.CutPrefix(w, "@")
		if !isRole {
			out = append(out, w)
			continue
		}
		for _, h := range e.Machines {
			if slices.Contains(h.Spec.Roles, v1alpha1.HostRole(role)) || role == string(v1alpha1.RoleControlPlane) && e.controlPlane(h) {
				out = append(out, h.Name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// controlPlane reports whether the host's node says so.
func (e Env) controlPlane(h v1alpha1.Host) bool {
	if e.Connection == nil || h.Spec.NodeName == "" {
		return false
	}
	n, err := e.Connection.Nodes().Get(h.Spec.NodeName)
	if err != nil {
		return false
	}
	_, is := n.Labels["node-role.kubernetes.io/control-plane"]
	return is
}

// machine is a host on which commands run.
func (e Env) machine(ctx context.Context, name string) (*hosts.Machine, error) {
	m, err := e.Hosts.Machine(ctx, e.Cluster.Name, name)
	if err != nil {
		return nil, fmt.Errorf("reaching host %s: %w", name, err)
	}
	return m, nil
}
