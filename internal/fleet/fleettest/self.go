package fleettest

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/install"
)

// Self is one API that is the management API and the managed cluster too, under whatever name it is asked for: tests whose worlds are
// kept apart by namespaces take each of these for a cluster.
type Self struct {
	Management client.WithWatch
	Cluster    *fleet.Connection
}

// NewSelf installs Kanrin's kinds into an API and connects to it, until the program ends.
func NewSelf(config *rest.Config, kubeconfig []byte) (*Self, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := install.Install(ctx, config); err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, err
	}
	s := &Self{Management: c}
	f := fleet.New(fleet.Configuration{}, fleet.Dependencies{Management: c, Log: slog.New(slog.DiscardHandler)})
	if err := f.Start(context.Background()); err != nil {
		return nil, err
	}
	if _, err := f.Register(ctx, fleet.Registration{Name: "self", Kubeconfig: kubeconfig}); err != nil {
		return nil, err
	}
	for {
		if s.Cluster, err = f.Connection("self"); err == nil {
			return s, s.Cluster.WaitSynced(ctx)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("connecting to the API: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Connection is the one connection, for every name.
func (s *Self) Connection(string) (*fleet.Connection, error) { return s.Cluster, nil }

// Operations lists those of a cluster.
func (s *Self) Operations(ctx context.Context, cluster string) ([]v1alpha1.Operation, error) {
	var l v1alpha1.OperationList
	err := s.Management.List(ctx, &l, client.InNamespace(cluster))
	return l.Items, err
}
