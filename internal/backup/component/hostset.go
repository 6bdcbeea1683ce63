package component

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

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

// Chosen are the names of the hosts that a component is captured from.
func (e Env) Chosen(c v1alpha1.BackupComponent) []string {
	switch c.Type {
	case v1alpha1.ComponentResources, v1alpha1.ComponentPodCommand, v1alpha1.ComponentVolumeSnapshots, v1alpha1.ComponentElasticsearch:
		return nil
	case v1alpha1.ComponentEtcd:
		if e.Cluster.Spec.Etcd != nil {
			return nil
		}
	}
	if c.Pod != nil {
		return nil
	}
	return e.chosen(c)
}

// BoundClaims counts the bound claims of the cluster.
func (e Env) BoundClaims() int {
	n := 0
	for o := range e.Connection.Snapshot() {
		if p, ok := o.(*corev1.PersistentVolumeClaim); ok && p.Status.Phase == corev1.ClaimBound {
			n++
		}
	}
	return n
}
