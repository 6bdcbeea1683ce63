package browse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/object"
	"kanrin.dev/kanrin/internal/backup/snapshot"
)

// Live stands for the cluster as it is now, in the place of a set's name.
const Live = "live"

// liveObject reads an object from the cluster; nil when there is none.
func (s *server) liveObject(ctx context.Context, cluster string, n inventory.SnapshotName) (*unstructured.Unstructured, error) {
	c, err := s.d.Fleet.Connection(cluster)
	if err != nil {
		return nil, err
	}
	config := rest.CopyConfig(c.Config)
	config.ContentConfig = rest.ContentConfig{}
	d, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("preparing to read from the cluster: %w", err)
	}
	groups, err := restmapper.GetAPIGroupResources(c.Client.Discovery())
	if err != nil {
		return nil, refuse(http.StatusBadGateway, metav1.StatusReasonServiceUnavailable, "ClusterSilent", "cluster", cluster)
	}
	gvr, err := restmapper.NewDiscoveryRESTMapper(groups).ResourceFor(schema.GroupVersionResource{Group: n.Group, Resource: n.Resource})
	if err != nil {
		return nil, nil //nolint:nilerr // a resource that is not served any more has no objects
	}
	var at dynamic.ResourceInterface = d.Resource(gvr)
	if n.Namespace != "" {
		at = d.Resource(gvr).Namespace(n.Namespace)
	}
	u, err := at.Get(ctx, n.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return u, err
}

// side is an object in a set or in the cluster; nil when it is not there.
func (s *server) side(ctx context.Context, cluster, set string, o *opened, n inventory.SnapshotName) (*unstructured.Unstructured, error) {
	if set == Live {
		return s.liveObject(ctx, cluster, n)
	}
	u, err := o.set.Object(ctx, key(n))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return u, err
}

// diff compares one object between two sets, or a set and now.
func (s *server) diff(r *http.Request) (any, error) {
	q := r.URL.Query()
	reveal, err := s.reveals(r)
	if err != nil {
		return nil, err
	}
	from, to := q.Get("from"), q.Get("to")
	if to == "" {
		to = Live
	}
	if from == "" || from == Live {
		return nil, invalid("NoBackup")
	}
	cluster := r.PathValue("cluster")
	a, err := s.open(r.Context(), cluster, from)
	if err != nil {
		return nil, err
	}
	defer a.close()
	b := a
	if to != Live && to != from {
		if b, err = s.open(r.Context(), cluster, to); err != nil {
			return nil, err
		}
		defer b.close()
	}
	name, err := named(r, a.index)
	if err != nil {
		return nil, err
	}
	if _, ok := find(a.index, &name); !ok && to != Live {
		find(b.index, &name)
	}
	was, err := s.side(r.Context(), cluster, from, a, name)
	if err != nil {
		return nil, err
	}
	is, err := s.side(r.Context(), cluster, to, b, name)
	if err != nil {
		return nil, err
	}
	if was == nil && is == nil {
		return nil, s.absent(name, from+", "+to)
	}
	return compare(name, from, to, was, is, reveal), nil
}

func compare(name inventory.SnapshotName, from, to string, was, is *unstructured.Unstructured, reveal bool) inventory.SnapshotDiff {
	out := inventory.SnapshotDiff{SnapshotName: name, From: from, To: to, By: authors(was, is)}
	clean := func(u *unstructured.Unstructured) *unstructured.Unstructured {
		if u == nil {
			return nil
		}
		c, _ := covered(object.Clean(u), reveal)
		return c
	}
	x, y := clean(was), clean(is)
	switch {
	case x == nil:
		out.Type = "Added"
	case y == nil:
		out.Type = "Removed"
	default:
		for _, c := range object.Diff(x, y) {
			out.Changes = append(out.Changes, inventory.SnapshotFieldChange{Path: c.Path, Type: string(c.Type), From: value(c.From), To: value(c.To)})
		}
		out.Type = "Changed"
		if len(out.Changes) == 0 {
			out.Type = "Same"
			return out
		}
	}
	out.Unified = object.UnifiedDiff(x, y, from, to)
	return out
}

func value(v any) string {
	if v == nil {
		return ""
	}
	if s, ok := v.(string); ok {
		return s
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

// authors are who wrote the later state after the earlier one was last written.
func authors(was, is *unstructured.Unstructured) []inventory.SnapshotAuthor {
	if is == nil {
		return nil
	}
	var since time.Time
	if was != nil {
		for _, f := range was.GetManagedFields() {
			if f.Time != nil && f.Time.After(since) {
				since = f.Time.Time
			}
		}
	}
	var out []inventory.SnapshotAuthor
	for _, f := range is.GetManagedFields() {
		switch {
		case f.Subresource == "status":
		case f.Time == nil && !wrote(was, f): // such as a change of the scale
			out = append(out, inventory.SnapshotAuthor{Manager: f.Manager, Operation: string(f.Operation)})
		case f.Time != nil && f.Time.After(since):
			out = append(out, inventory.SnapshotAuthor{Manager: f.Manager, Operation: string(f.Operation), Time: f.Time.Time})
		}
	}
	slices.SortFunc(out, func(a, b inventory.SnapshotAuthor) int { return a.Time.Compare(b.Time) })
	return out
}

// wrote reports whether the same manager had written to the earlier state already.
func wrote(was *unstructured.Unstructured, f metav1.ManagedFieldsEntry) bool {
	return was != nil && slices.ContainsFunc(was.GetManagedFields(), func(w metav1.ManagedFieldsEntry) bool {
		return w.Manager == f.Manager && w.Operation == f.Operation && w.Subresource == f.Subresource
	})
}

// closely is how many changed objects are looked into, whether more than their status has changed. Beyond it they are listed as they are.
const closely = 3000

// onlyStatus reports whether what a person may set is the same in both sets.
func onlyStatus(ctx context.Context, a, b *opened, c snapshot.Change) bool {
	was, err := a.set.At(ctx, c.From)
	if err != nil {
		return false
	}
	is, err := b.set.At(ctx, c.To)
	return err == nil && len(object.Diff(object.Clean(was), object.Clean(is))) == 0
}

// changes lists what differs between two sets.
func (s *server) changes(r *http.Request) (any, error) {
	q := r.URL.Query()
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	a, err := s.open(r.Context(), r.PathValue("cluster"), q.Get("from"))
	if err != nil {
		return nil, err
	}
	defer a.close()
	b, err := s.open(r.Context(), r.PathValue("cluster"), q.Get("to"))
	if err != nil {
		return nil, err
	}
	defer b.close()
	out := inventory.SnapshotChanges{From: a.set.Backup.Name, To: b.set.Backup.Name, Items: []inventory.SnapshotChange{}}
	var only *schema.GroupResource
	if q.Get("resource") != "" {
		gr, err := resolve(b.index, q.Get("resource"), q.Get("group"))
		if err != nil {
			return nil, err
		}
		only = &gr
	}
	quiet := q.Get("all") != "true"
	cursor, looked := q.Get("cursor"), 0
	for c := range snapshot.Diff(a.index, b.index) {
		name, ok := b.index.Name(c.Key)
		if !ok || !name.Served() || c.Type == snapshot.Rewritten ||
			only != nil && (name.Group != only.Group || name.Resource != only.Resource) ||
			q.Get("namespace") != "" && name.Namespace != q.Get("namespace") || quiet && only == nil && noisy[name.Resource] {
			continue
		}
		if c.Type == snapshot.Changed && q.Get("all") != "true" && looked < closely {
			if looked++; onlyStatus(r.Context(), a, b, c) {
				continue
			}
		}
		out.Total++
		if c.Key > cursor && len(out.Items) < n {
			out.Items = append(out.Items, inventory.SnapshotChange{
				SnapshotName: inventory.SnapshotName{Group: name.Group, Resource: name.Resource, Namespace: name.Namespace, Name: name.Name}, Type: string(c.Type),
			})
			out.Next = c.Key
		}
	}
	if len(out.Items) < n {
		out.Next = ""
	}
	return out, nil
}

// noisy resources change all the time and say little; they are listed when asked for.
var noisy = map[string]bool{"events": true, "leases": true, "endpoints": true, "endpointslices": true}

// history follows one object over all sets, newest first.
func (s *server) history(r *http.Request) (any, error) {
	cluster := r.PathValue("cluster")
	var list v1alpha1.BackupList
	if err := s.d.Client.List(r.Context(), &list, client.InNamespace(cluster)); err != nil {
		return nil, err
	}
	var sets []*v1alpha1.Backup
	for i := range list.Items {
		if b := &list.Items[i]; b.Status.SnapshotID != "" && b.Status.Revision > 0 && b.Status.StartedAt != nil {
			sets = append(sets, b)
		}
	}
	slices.SortFunc(sets, func(a, b *v1alpha1.Backup) int { return a.Status.StartedAt.Compare(b.Status.StartedAt.Time) })
	out := inventory.SnapshotHistory{Versions: []inventory.SnapshotVersion{}}
	var before *snapshot.Entry
	var known bool
	for _, b := range sets { // oldest first
		o, err := s.open(r.Context(), cluster, b.Name)
		if err != nil {
			return nil, err
		}
		if !known {
			if out.SnapshotName, err = named(r, o.index); err != nil {
				o.close()
				return nil, err
			}
		}
		e, there := find(o.index, &out.SnapshotName)
		known = known || there
		v := inventory.SnapshotVersion{Backup: b.Name, At: b.Status.StartedAt.Time, Phase: b.Status.Phase, Change: "Absent"}
		switch {
		case there && before == nil:
			v.Change, v.Revision = "Added", e.ModRevision
		case there && before.ModRevision == e.ModRevision && before.Digest == e.Digest:
			v.Change, v.Revision = "Same", e.ModRevision
		case there:
			v.Change, v.Revision = "Changed", e.ModRevision
		case before != nil:
			v.Change = "Removed"
		}
		before = nil
		if there {
			before = &e
		}
		o.close()
		out.Versions = append(out.Versions, v)
	}
	if !known {
		return nil, refuse(http.StatusNotFound, metav1.StatusReasonNotFound, "ObjectInNoSet", "object", text(out.SnapshotName))
	}
	slices.Reverse(out.Versions)
	return out, nil
}
