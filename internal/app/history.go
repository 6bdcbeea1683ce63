package app

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// history gives the planners the operations of a cluster.
type history struct{ client client.Reader }

func (h history) Operations(ctx context.Context, cluster string) ([]v1alpha1.Operation, error) {
	var list v1alpha1.OperationList
	if err := h.client.List(ctx, &list, client.InNamespace(cluster)); err != nil {
		return nil, fmt.Errorf("listing operations of cluster %s: %w", cluster, err)
	}
	return list.Items, nil
}
