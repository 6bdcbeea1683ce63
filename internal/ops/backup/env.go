package backup

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/component"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/kubeconfig"
	"kanrin.dev/kanrin/internal/plan"
)

// env is where components of a cluster are captured from. A cluster that does not answer has no connection in it: components that need
// one are then missing, and the others are still captured.
func (b base) env(ctx context.Context, cluster string, s *plan.Scope) (component.Env, error) {
	var c v1alpha1.Cluster
	if err := b.d.Client.Get(ctx, client.ObjectKey{Namespace: cluster, Name: cluster}, &c); err != nil {
		return component.Env{}, fmt.Errorf("reading cluster %s: %w", cluster, err)
	}
	machines, err := b.Hosts.Hosts(ctx, cluster)
	if err != nil {
		return component.Env{}, err
	}
	e := component.Env{
		Cluster: &c, Management: b.d.Client, Hosts: b.Hosts, Machines: machines, Scratch: b.d.Store.Scratch(), Log: b.d.Log,
	}
	if conn, err := b.Fleet.Connection(cluster); err == nil && conn.State().Fresh {
		e.Connection = conn
	}
	if s != nil {
		e.Guard = s.Guard
		if e.Exec, err = b.execConfig(ctx, &c); err != nil {
			b.d.Log.Warn("no commands can be run in pods", "cluster", cluster, "error", err)
		}
	}
	return e, nil
}

// execConfig is the cluster's own configuration: upgraded streams cannot go through the shared connection.
func (b base) execConfig(ctx context.Context, c *v1alpha1.Cluster) (*rest.Config, error) {
	var s corev1.Secret
	if err := b.d.Client.Get(ctx, client.ObjectKey{Namespace: c.Name, Name: c.Spec.KubeconfigSecret}, &s); err != nil {
		return nil, fmt.Errorf("reading the kubeconfig of cluster %s: %w", c.Name, err)
	}
	creds, err := kubeconfig.Parse(s.Data[fleet.KubeconfigKey], "")
	if err != nil {
		return nil, err
	}
	return creds.Config, nil
}

// scratch makes sure that the scratch directory is there.
func (b base) scratch() error {
	if err := os.MkdirAll(filepath.Clean(b.d.Store.Scratch()), 0o700); err != nil {
		return fmt.Errorf("making the scratch directory: %w", err)
	}
	return nil
}

// nameOf is the name of the set that an operation makes: the time at which it was asked for.
func nameOf(op *v1alpha1.Operation) string {
	return op.CreationTimestamp.UTC().Format("20060102-150405") + suffix(op)
}

// suffix keeps two sets of the same second apart: operations have names of their own.
func suffix(op *v1alpha1.Operation) string {
	uid := string(op.UID)
	if len(uid) < 4 {
		return ""
	}
	return "-" + uid[:4]
}
