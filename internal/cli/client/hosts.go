package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
)

// lookLimit bounds a look at a machine that the server takes; one that does not answer costs it about 10 s, one that hangs 40.
const lookLimit = time.Minute

// Host reads one host.
func (c *Client) Host(ctx context.Context, cluster, name string) (*v1alpha1.Host, error) {
	var out v1alpha1.Host
	if err := c.read(ctx, "hosts", cluster, name, &out); err != nil {
		return nil, err
	}
	stamp(&out.TypeMeta, "Host")
	return &out, nil
}

// Hosts lists the hosts of a cluster.
func (c *Client) Hosts(ctx context.Context, cluster string) (*v1alpha1.HostList, error) {
	var out v1alpha1.HostList
	if err := c.list(ctx, "hosts", cluster, &out); err != nil {
		return nil, err
	}
	stamp(&out.TypeMeta, "HostList")
	for i := range out.Items {
		stamp(&out.Items[i].TypeMeta, "Host")
	}
	return &out, nil
}

func hostRequest(method, verb, cluster, name string, path ...string) request {
	r := view(cluster, "hosts", verb, name, append([]string{"hosts"}, path...)...)
	r.method, r.limit = method, lookLimit
	return r
}

// ScanHost has the server ask a machine for its host key.
func (c *Client) ScanHost(ctx context.Context, cluster string, scan inventory.ScanHost) (*inventory.ScannedKey, error) {
	r := hostRequest(http.MethodPost, "create", cluster, scan.Address, "scan")
	r.body = scan
	var out inventory.ScannedKey
	if err := c.call(ctx, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// AddHost makes a host with its credentials.
func (c *Client) AddHost(ctx context.Context, cluster string, add inventory.AddHost) (*v1alpha1.Host, error) {
	r := hostRequest(http.MethodPost, "create", cluster, add.Name)
	r.body = add
	var out v1alpha1.Host
	if err := c.call(ctx, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// RefreshHost has the server look at a machine now.
func (c *Client) RefreshHost(ctx context.Context, cluster, name string) (*v1alpha1.Host, error) {
	var out v1alpha1.Host
	if err := c.call(ctx, hostRequest(http.MethodPost, "update", cluster, name, name, "refresh"), &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// RemoveHost makes Kanrin forget a host and its credentials.
func (c *Client) RemoveHost(ctx context.Context, cluster, name string) error {
	return c.call(ctx, hostRequest(http.MethodDelete, "delete", cluster, name, name), nil)
}

// PinHost pins another host key.
func (c *Client) PinHost(ctx context.Context, cluster, name, key string) (*v1alpha1.Host, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	failed := func(err error) error {
		return &Error{Verb: "patch", Resource: "hosts", Cluster: cluster, Name: name, Err: err}
	}
	body, err := json.Marshal(map[string]any{"spec": map[string]any{"hostKey": key}})
	if err != nil {
		return nil, failed(fmt.Errorf("writing the patch: %w", err))
	}
	var out v1alpha1.Host
	if err := c.rest.Patch(types.MergePatchType).Namespace(cluster).Resource("hosts").Name(name).Body(body).Do(ctx).Into(&out); err != nil {
		return nil, failed(err)
	}
	stamp(&out.TypeMeta, "Host")
	return &out, nil
}
