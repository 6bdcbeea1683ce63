package power

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/internal/fleet"
)

// StateName is the ConfigMap in a cluster's namespace that holds what a stop wrote down. As long as it is there the cluster is stopped on
// purpose, or on its way there or back.
const StateName = fleet.PowerState

const stateKey = "state.json"

// ReadState returns what was written down, nil when nothing was.
func ReadState(ctx context.Context, c client.Client, cluster string) (*State, error) {
	var m corev1.ConfigMap
	err := c.Get(ctx, client.ObjectKey{Namespace: cluster, Name: StateName}, &m)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what was written down of cluster %s: %w", cluster, err)
	}
	var s State
	if err := json.Unmarshal([]byte(m.Data[stateKey]), &s); err != nil {
		return nil, fmt.Errorf("reading ConfigMap %s/%s: %w", cluster, StateName, err)
	}
	return &s, nil
}

func writeState(ctx context.Context, c client.Client, cluster string, s *State) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("writing down cluster %s: %w", cluster, err)
	}
	err = c.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: cluster, Name: StateName}, Data: map[string]string{stateKey: string(raw)}})
	if apierrors.IsAlreadyExists(err) {
		return nil // by the attempt before; a plan with another state in the way is blocked
	}
	return err
}

func dropState(ctx context.Context, c client.Client, cluster string) error {
	return client.IgnoreNotFound(c.Delete(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: cluster, Name: StateName}}))
}
