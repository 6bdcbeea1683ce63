package nodes

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/etcd"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// base is what every planner and step needs.
type base struct {
	call.Base
	d Dependencies
}

// node reads a Node; nil when there is none.
func (b base) node(ctx context.Context, s *plan.Scope, c *fleet.Connection, name string) (*corev1.Node, error) {
	var n *corev1.Node
	err := b.Persist(ctx, s, func(ctx context.Context) (err error) {
		n, err = c.Client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		return err
	})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return n, err
}

func nodeReady(n *corev1.Node) bool {
	i := slices.IndexFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool { return c.Type == corev1.NodeReady })
	return i >= 0 && n.Status.Conditions[i].Status == corev1.ConditionTrue
}

// etcdVia opens etcd through the first of the hosts that lets it.
func (b base) etcdVia(ctx context.Context, cluster string, via []string) (*etcd.Client, error) {
	return etcd.Via(ctx, b.d.Hosts, cluster, via)
}

// engaged adds which nodes are in the hands of other operations.
func (b base) engaged(ctx context.Context, op *v1alpha1.Operation) (map[string]string, error) {
	out := map[string]string{}
	ops, err := b.d.History.Operations(ctx, op.Namespace)
	if err != nil {
		return nil, fmt.Errorf("reading the operations of cluster %s: %w", op.Namespace, err)
	}
	for i := range ops {
		if o := &ops[i]; o.Name != op.Name && plan.AtWork(o.Status.Phase) {
			for _, n := range plan.Nodes(o) {
				out[n] = o.Name
			}
		}
	}
	return out, nil
}
