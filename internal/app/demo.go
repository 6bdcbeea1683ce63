package app

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/controlplane"
	"kanrin.dev/kanrin/internal/demo"
)

// demoEtcd is the Secret through which the etcd of the demo cluster, which has no hosts, is reached.
const demoEtcd = "etcd-client"

// reachDemoEtcd tells the demo's Cluster how its etcd is reached; the port and the certificates may be others than the last time.
func (a *App) reachDemoEtcd(ctx context.Context, f controlplane.EtcdFiles) error {
	data := map[string][]byte{"ca.crt": f.CA, "tls.crt": f.Cert, "tls.key": f.Key, "encryption": f.Encryption}
	c := a.parts.client
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		s := &corev1.Secret{}
		err := c.Get(ctx, client.ObjectKey{Namespace: demo.Name, Name: demoEtcd}, s)
		if apierrors.IsNotFound(err) {
			return c.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: demo.Name, Name: demoEtcd}, Data: data})
		}
		if err != nil || maps.EqualFunc(s.Data, data, slices.Equal) {
			return err
		}
		s.Data = data
		return c.Update(ctx, s)
	})
	if err != nil {
		return fmt.Errorf("keeping the certificates of the demo's etcd: %w", err)
	}
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		x := &v1alpha1.Cluster{}
		if err := c.Get(ctx, client.ObjectKey{Namespace: demo.Name, Name: demo.Name}, x); err != nil {
			return err
		}
		want := &v1alpha1.EtcdAccess{Endpoints: []string{f.Endpoint}, SecretName: demoEtcd}
		if x.Spec.Etcd != nil && slices.Equal(x.Spec.Etcd.Endpoints, want.Endpoints) {
			return nil
		}
		x.Spec.Etcd = want
		return c.Update(ctx, x)
	})
	if err != nil {
		return fmt.Errorf("telling the demo cluster where its etcd is: %w", err)
	}
	return nil
}
