package client

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Operation reads one operation.
func (c *Client) Operation(ctx context.Context, cluster, name string) (*v1alpha1.Operation, error) {
	var out v1alpha1.Operation
	if err := c.read(ctx, "operations", cluster, name, &out); err != nil {
		return nil, err
	}
	stamp(&out.TypeMeta, "Operation")
	return &out, nil
}

// Operations lists the operations of a cluster; of all clusters when it is "".
func (c *Client) Operations(ctx context.Context, cluster string) (*v1alpha1.OperationList, error) {
	var out v1alpha1.OperationList
	if err := c.list(ctx, "operations", cluster, &out); err != nil {
		return nil, err
	}
	stamp(&out.TypeMeta, "OperationList")
	for i := range out.Items {
		stamp(&out.Items[i].TypeMeta, "Operation")
	}
	return &out, nil
}

// Cluster reads one cluster; it lives in the namespace of its name.
func (c *Client) Cluster(ctx context.Context, name string) (*v1alpha1.Cluster, error) {
	var out v1alpha1.Cluster
	if err := c.read(ctx, "clusters", name, name, &out); err != nil {
		return nil, err
	}
	stamp(&out.TypeMeta, "Cluster")
	return &out, nil
}

// Clusters lists all clusters; a caller without rights in all of them gets a Forbidden.
func (c *Client) Clusters(ctx context.Context) (*v1alpha1.ClusterList, error) {
	var out v1alpha1.ClusterList
	if err := c.list(ctx, "clusters", "", &out); err != nil {
		return nil, err
	}
	stamp(&out.TypeMeta, "ClusterList")
	for i := range out.Items {
		stamp(&out.Items[i].TypeMeta, "Cluster")
	}
	return &out, nil
}

// CreateOperation asks for an operation.
func (c *Client) CreateOperation(ctx context.Context, op *v1alpha1.Operation) (*v1alpha1.Operation, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	var out v1alpha1.Operation
	op = op.DeepCopy()
	stamp(&op.TypeMeta, "Operation")
	err := c.rest.Post().Namespace(op.Namespace).Resource("operations").Body(op).Do(ctx).Into(&out)
	if err != nil {
		return nil, &Error{Verb: "create", Resource: "operations", Cluster: op.Namespace, Err: err}
	}
	stamp(&out.TypeMeta, "Operation")
	return &out, nil
}

// Change is one operation of a JSON patch (RFC 6902).
type Change struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// PatchOperation changes an operation's switches. verb names what the change means to RBAC: approve, or patch.
func (c *Client) PatchOperation(ctx context.Context, cluster, name, verb string, changes ...Change) (*v1alpha1.Operation, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	failed := func(err error) error {
		return &Error{Verb: verb, Resource: "operations", Cluster: cluster, Name: name, Err: err}
	}
	body, err := json.Marshal(changes)
	if err != nil {
		return nil, failed(fmt.Errorf("writing the patch: %w", err))
	}
	var out v1alpha1.Operation
	err = c.rest.Patch(types.JSONPatchType).Namespace(cluster).Resource("operations").Name(name).Body(body).Do(ctx).Into(&out)
	if err != nil {
		return nil, failed(err)
	}
	stamp(&out.TypeMeta, "Operation")
	return &out, nil
}

// WatchOperations watches the operations of a cluster, or of all, or only the one of a name, from a resource version on.
func (c *Client) WatchOperations(ctx context.Context, cluster, name, from string) (watch.Interface, error) {
	return c.watch(ctx, "operations", cluster, name, from)
}

// WatchClusters watches clusters.
func (c *Client) WatchClusters(ctx context.Context, name, from string) (watch.Interface, error) {
	return c.watch(ctx, "clusters", name, name, from)
}

func (c *Client) read(ctx context.Context, resource, namespace, name string, out runtime.Object) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	err := c.rest.Get().Namespace(namespace).Resource(resource).Name(name).Do(ctx).Into(out)
	if err != nil {
		return &Error{Verb: "get", Resource: resource, Cluster: namespace, Name: name, Err: err}
	}
	return nil
}

func (c *Client) list(ctx context.Context, resource, namespace string, out runtime.Object) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	err := c.rest.Get().Namespace(namespace).Resource(resource).Do(ctx).Into(out)
	if err != nil {
		return &Error{Verb: "list", Resource: resource, Cluster: namespace, Err: err}
	}
	return nil
}

func (c *Client) watch(ctx context.Context, resource, namespace, name, from string) (watch.Interface, error) {
	options := &metav1.ListOptions{Watch: true, ResourceVersion: from, AllowWatchBookmarks: true}
	if name != "" {
		options.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
	}
	w, err := c.rest.Get().Namespace(namespace).Resource(resource).VersionedParams(options, metav1.ParameterCodec).Watch(ctx)
	if err != nil {
		return nil, &Error{Verb: "watch", Resource: resource, Cluster: namespace, Name: name, Err: err}
	}
	return w, nil
}

// stamp says the kind again, which decoding takes away.
func stamp(t *metav1.TypeMeta, kind string) {
	t.Kind, t.APIVersion = kind, v1alpha1.GroupVersion.String()
}
