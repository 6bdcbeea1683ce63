package install

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilversion "k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Namespace of everything that belongs to no cluster.
const Namespace = "kanrin-system"

const fieldManager = "kanrin-install"

// oldest is the first version of Kubernetes that has ValidatingAdmissionPolicy in v1.
var oldest = utilversion.MustParseGeneric("1.30.0")

// Install applies everything and returns when the API serves the kinds and enforces the policies. It may be called again at
// any time. ctx should carry a deadline.
func Install(ctx context.Context, config *rest.Config) error {
	if err := checkVersion(config); err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("installing into the management API: %w", err)
	}
	definitions, err := Definitions()
	if err != nil {
		return err
	}
	others, err := Others()
	if err != nil {
		return err
	}
	for _, obj := range append(definitions, others...) {
		if err := apply(ctx, client, obj); err != nil {
			return err
		}
	}
	for _, resource := range []string{"clusters", "hosts", "operations", "operationlogs", "backuppolicies", "backups", "drills"} {
		if err := waitServed(ctx, client, resource); err != nil {
			return err
		}
	}
	return waitEnforced(ctx, client)
}

func checkVersion(config *rest.Config) error {
	d, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("installing into the management API: %w", err)
	}
	info, err := d.ServerVersion()
	if err != nil {
		return fmt.Errorf("asking the management API %s for its version: %w", config.Host, err)
	}
	v, err := utilversion.ParseGeneric(info.GitVersion)
	if err != nil {
		return fmt.Errorf("the management API %s says that its version is %q: %w", config.Host, info.GitVersion, err)
	}
	if v.LessThan(oldest) {
		return fmt.Errorf("the management API %s is Kubernetes %s, which lacks validating admission policies; use v%s or later",
			config.Host, info.GitVersion, oldest)
	}
	return nil
}

func resourceOf(obj *unstructured.Unstructured) schema.GroupVersionResource {
	plural, _ := meta.UnsafeGuessKindToResource(obj.GroupVersionKind()) // right for every kind of the manifests
	return plural
}

func apply(ctx context.Context, client dynamic.Interface, obj *unstructured.Unstructured) error {
	what := fmt.Sprintf("%s %s", obj.GetKind(), obj.GetName())
	err := retry.OnError(retry.DefaultBackoff, retriable, func() error {
		_, err := client.Resource(resourceOf(obj)).Apply(ctx, obj.GetName(), obj, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
		return err
	})
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("installing %s: the user of the management kubeconfig lacks the right; use one that may administer the cluster: %w", what, err)
	}
	if err != nil {
		return fmt.Errorf("installing %s: %w", what, err)
	}
	return nil
}

func retriable(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsTooManyRequests(err) || apierrors.IsServiceUnavailable(err) ||
		apierrors.IsInternalError(err) || apierrors.IsServerTimeout(err)
}

func waitServed(ctx context.Context, client dynamic.Interface, resource string) error {
	gvr := v1alpha1.GroupVersion.WithResource(resource)
	return poll(ctx, "waiting for the management API to serve "+resource, func() error {
		_, err := client.Resource(gvr).List(ctx, metav1.ListOptions{Limit: 1})
		return err
	})
}

var errNotEnforced = errors.New("admission policies are not enforced yet")

// waitEnforced tries, without storing anything, what the policies forbid to everybody.
func waitEnforced(ctx context.Context, client dynamic.Interface) error {
	probe := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(),
		"kind":       "Operation",
		"metadata":   map[string]any{"generateName": "probe-"},
		"spec": map[string]any{
			"type":        string(v1alpha1.OperationCordon),
			"cordon":      map[string]any{"nodes": []any{"probe"}},
			"requestedBy": "somebody else than who asks",
		},
	}}
	return poll(ctx, "waiting for the management API to enforce the admission policies", func() error {
		_, err := client.Resource(v1alpha1.GroupVersion.WithResource("operations")).Namespace(Namespace).
			Create(ctx, probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		switch {
		case err == nil:
			return errNotEnforced
		case refusedByPolicy(err):
			return nil
		}
		return err
	})
}

// refusedByPolicy tells a policy's refusal, which names its causes, from that of RBAC, which has none.
func refusedByPolicy(err error) bool {
	var status apierrors.APIStatus
	return apierrors.IsForbidden(err) && errors.As(err, &status) && status.Status().Details != nil && len(status.Status().Details.Causes) > 0
}

func poll(ctx context.Context, doing string, try func() error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsInvalid(err) {
			return fmt.Errorf("%s: %w", doing, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w (last answer: %w)", doing, ctx.Err(), err)
		case <-tick.C:
		}
	}
}
