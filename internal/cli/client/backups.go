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

// repositoryLimit bounds what makes the server open a repository: the first look at one far away reads its indexes.
const repositoryLimit = 5 * time.Minute

// Backup reads one set.
func (c *Client) Backup(ctx context.Context, cluster, name string) (*v1alpha1.Backup, error) {
	var out v1alpha1.Backup
	if err := c.read(ctx, "backups", cluster, name, &out); err != nil {
		return nil, err
	}
	stamp(&out.TypeMeta, "Backup")
	return &out, nil
}

// Backups lists the sets of a cluster.
func (c *Client) Backups(ctx context.Context, cluster string) (*v1alpha1.BackupList, error) {
	var out v1alpha1.BackupList
	if err := c.list(ctx, "backups", cluster, &out); err != nil {
		return nil, err
	}
	stamp(&out.TypeMeta, "BackupList")
	for i := range out.Items {
		stamp(&out.Items[i].TypeMeta, "Backup")
	}
	return &out, nil
}

// PinBackup keeps a set from the retention, or no longer does.
func (c *Client) PinBackup(ctx context.Context, cluster, name string, pinned bool) (*v1alpha1.Backup, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	failed := func(err error) error {
		return &Error{Verb: "patch", Resource: "backups", Cluster: cluster, Name: name, Err: err}
	}
	body, err := json.Marshal(map[string]any{"spec": map[string]any{"pinned": pinned}})
	if err != nil {
		return nil, failed(fmt.Errorf("writing the patch: %w", err))
	}
	var out v1alpha1.Backup
	if err := c.rest.Patch(types.MergePatchType).Namespace(cluster).Resource("backups").Name(name).Body(body).Do(ctx).Into(&out); err != nil {
		return nil, failed(err)
	}
	stamp(&out.TypeMeta, "Backup")
	return &out, nil
}

// Drill reads one proof.
func (c *Client) Drill(ctx context.Context, cluster, name string) (*v1alpha1.Drill, error) {
	var out v1alpha1.Drill
	if err := c.read(ctx, "drills", cluster, name, &out); err != nil {
		return nil, err
	}
	stamp(&out.TypeMeta, "Drill")
	return &out, nil
}

// Drills lists the proofs of a cluster.
func (c *Client) Drills(ctx context.Context, cluster string) (*v1alpha1.DrillList, error) {
	var out v1alpha1.DrillList
	if err := c.list(ctx, "drills", cluster, &out); err != nil {
		return nil, err
	}
	stamp(&out.TypeMeta, "DrillList")
	for i := range out.Items {
		stamp(&out.Items[i].TypeMeta, "Drill")
	}
	return &out, nil
}

// BackupPolicy reads one policy.
func (c *Client) BackupPolicy(ctx context.Context, cluster, name string) (*v1alpha1.BackupPolicy, error) {
	var out v1alpha1.BackupPolicy
	if err := c.read(ctx, "backuppolicies", cluster, name, &out); err != nil {
		return nil, err
	}
	stamp(&out.TypeMeta, "BackupPolicy")
	return &out, nil
}

// BackupPolicies lists the policies of a cluster.
func (c *Client) BackupPolicies(ctx context.Context, cluster string) (*v1alpha1.BackupPolicyList, error) {
	var out v1alpha1.BackupPolicyList
	if err := c.list(ctx, "backuppolicies", cluster, &out); err != nil {
		return nil, err
	}
	stamp(&out.TypeMeta, "BackupPolicyList")
	for i := range out.Items {
		stamp(&out.Items[i].TypeMeta, "BackupPolicy")
	}
	return &out, nil
}

func policyRequest(method, verb, cluster, name string, path ...string) request {
	r := view(cluster, "backuppolicies", verb, name, append([]string{"backuppolicies"}, path...)...)
	r.method, r.limit = method, repositoryLimit
	return r
}

// SetBackupPolicy makes or replaces a policy. The server opens its repository, or makes it.
func (c *Client) SetBackupPolicy(ctx context.Context, cluster string, set inventory.SetBackupPolicy) (*inventory.BackupPolicySet, error) {
	r := policyRequest(http.MethodPost, "create", cluster, set.Name)
	r.body = set
	var out inventory.BackupPolicySet
	if err := c.call(ctx, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// RescanBackupPolicy has the server look for sets in the repository that it does not know.
func (c *Client) RescanBackupPolicy(ctx context.Context, cluster, name string) (*inventory.BackupPolicySet, error) {
	var out inventory.BackupPolicySet
	if err := c.call(ctx, policyRequest(http.MethodPost, "update", cluster, name, name, "rescan"), &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// BackupKeys are the secrets of a policy's repository.
func (c *Client) BackupKeys(ctx context.Context, cluster, name string) (*inventory.BackupKeys, error) {
	r := policyRequest(http.MethodGet, "get", cluster, name, name, "keys")
	r.resource = "snapshotsecrets"
	var out inventory.BackupKeys
	if err := c.call(ctx, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// RemoveBackupPolicy removes a policy; its repository is left alone.
func (c *Client) RemoveBackupPolicy(ctx context.Context, cluster, name string) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if err := c.rest.Delete().Namespace(cluster).Resource("backuppolicies").Name(name).Do(ctx).Error(); err != nil {
		return &Error{Verb: "delete", Resource: "backuppolicies", Cluster: cluster, Name: name, Err: err}
	}
	return nil
}
