package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"kanrin.dev/kanrin/api/inventory"
)

// snapshotPage is how many objects of a set one request asks for.
const snapshotPage = 2000

func snapshotRequest(cluster, path string, q url.Values) request {
	r := view(cluster, "snapshots", "get", "", "snapshots", path)
	r.method, r.limit, r.query = http.MethodGet, repositoryLimit, q
	return r
}

func flag(set bool) string {
	if set {
		return "true"
	}
	return ""
}

// SnapshotResources counts the objects of a set by resource.
func (c *Client) SnapshotResources(ctx context.Context, cluster, backup string) (*inventory.SnapshotSummary, error) {
	return one[inventory.SnapshotSummary](ctx, c, snapshotRequest(cluster, "resources", query("backup", backup)))
}

// SnapshotFilter narrows a list of a set's objects.
type SnapshotFilter struct {
	Resource  string
	Namespace string
	Query     string
}

// SnapshotObjects lists the objects of a set.
func (c *Client) SnapshotObjects(ctx context.Context, cluster, backup string, f SnapshotFilter) (*inventory.SnapshotPage, error) {
	q := query("backup", backup, "resource", f.Resource, "namespace", f.Namespace, "q", f.Query, "limit", strconv.Itoa(snapshotPage))
	var all *inventory.SnapshotPage
	for {
		page, err := one[inventory.SnapshotPage](ctx, c, snapshotRequest(cluster, "objects", q))
		switch {
		case err != nil:
			return nil, err
		case all == nil:
			all = page
		default:
			all.Items = append(all.Items, page.Items...)
		}
		if all.Next = ""; page.Next == "" || page.Next == q.Get("cursor") {
			return all, nil
		}
		q.Set("cursor", page.Next)
	}
}

// SnapshotContent reads one object of a set: as it would stand in Git or, when full, all of it. reveal shows the values of a Secret.
func (c *Client) SnapshotContent(ctx context.Context, cluster, backup string, n inventory.SnapshotName, full, reveal bool) (*inventory.SnapshotContent, error) {
	r := snapshotRequest(cluster, "object", query("backup", backup, "resource", n.Resource, "group", n.Group, "namespace", n.Namespace, "name", n.Name,
		"full", flag(full), "reveal", flag(reveal)))
	return one[inventory.SnapshotContent](ctx, c, r)
}

// SnapshotDiff compares one object between two sets; to may be "live".
func (c *Client) SnapshotDiff(ctx context.Context, cluster, from, to string, n inventory.SnapshotName, reveal bool) (*inventory.SnapshotDiff, error) {
	r := snapshotRequest(cluster, "diff", query("from", from, "to", to, "resource", n.Resource, "group", n.Group, "namespace", n.Namespace, "name", n.Name,
		"reveal", flag(reveal)))
	return one[inventory.SnapshotDiff](ctx, c, r)
}

// SnapshotChanges lists what differs between two sets; all takes in what changes all the time.
func (c *Client) SnapshotChanges(ctx context.Context, cluster, from, to string, f SnapshotFilter, everything bool) (*inventory.SnapshotChanges, error) {
	q := query("from", from, "to", to, "resource", f.Resource, "namespace", f.Namespace, "all", flag(everything), "limit", strconv.Itoa(snapshotPage))
	var all *inventory.SnapshotChanges
	for {
		page, err := one[inventory.SnapshotChanges](ctx, c, snapshotRequest(cluster, "changes", q))
		switch {
		case err != nil:
			return nil, err
		case all == nil:
			all = page
		default:
			all.Items = append(all.Items, page.Items...)
		}
		if all.Next = ""; page.Next == "" || page.Next == q.Get("cursor") {
			return all, nil
		}
		q.Set("cursor", page.Next)
	}
}

// SnapshotHistory follows one object over all sets.
func (c *Client) SnapshotHistory(ctx context.Context, cluster string, n inventory.SnapshotName) (*inventory.SnapshotHistory, error) {
	r := snapshotRequest(cluster, "history", query("resource", n.Resource, "group", n.Group, "namespace", n.Namespace, "name", n.Name))
	return one[inventory.SnapshotHistory](ctx, c, r)
}
