package browse

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/backup/object"
	"kanrin.dev/kanrin/internal/backup/snapshot"
)

const (
	defaultPage = 200
	maxPage     = 2000
)

func limit(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return defaultPage, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPage {
		return 0, invalid("LimitInvalid", "value", text, "limit", maxPage)
	}
	return n, nil
}

func (s *server) resources(r *http.Request) (any, error) {
	o, err := s.open(r.Context(), r.PathValue("cluster"), r.URL.Query().Get("backup"))
	if err != nil {
		return nil, err
	}
	defer o.close()
	out := inventory.SnapshotSummary{
		Backup: o.set.Backup.Name, At: o.set.Manifest.StartedAt, Revision: o.set.Manifest.Etcd.Revision, Objects: o.index.Len(), Resources: []inventory.SnapshotResource{},
	}
	for _, c := range o.index.Resources() {
		out.Resources = append(out.Resources, inventory.SnapshotResource{Group: c.Group, Resource: c.Resource, Count: c.Count})
	}
	return out, nil
}

// objects lists a part of the objects of a resource, or of all.
func (s *server) objects(r *http.Request) (any, error) {
	q := r.URL.Query()
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	o, err := s.open(r.Context(), r.PathValue("cluster"), q.Get("backup"))
	if err != nil {
		return nil, err
	}
	defer o.close()
	out := inventory.SnapshotPage{Backup: o.set.Backup.Name, At: o.set.Manifest.StartedAt, Items: []inventory.SnapshotItem{}}
	group, resource := "", ""
	if q.Get("resource") != "" {
		gr, err := resolve(o.index, q.Get("resource"), q.Get("group"))
		if err != nil {
			return nil, err
		}
		group, resource = gr.Group, gr.Resource
	}
	words, cursor := strings.Fields(strings.ToLower(q.Get("q"))), q.Get("cursor")
	take := func(name snapshot.Name, e snapshot.Entry) {
		if !matches(name, words) {
			return
		}
		out.Total++
		switch {
		case e.Key <= cursor:
		case len(out.Items) < n:
			out.Items = append(out.Items, inventory.SnapshotItem{
				SnapshotName: inventory.SnapshotName{Group: name.Group, Resource: name.Resource, Namespace: name.Namespace, Name: name.Name}, Revision: e.ModRevision,
			})
			out.Next = e.Key
		}
	}
	if resource != "" {
		for name, e := range o.index.Objects(group, resource, q.Get("namespace")) {
			take(name, e)
		}
	} else {
		for i := range o.index.Len() {
			e := o.index.At(i)
			if name, ok := o.index.Name(e.Key); ok && name.Served() && (q.Get("namespace") == "" || name.Namespace == q.Get("namespace")) {
				take(name, e)
			}
		}
	}
	if len(out.Items) < n {
		out.Next = ""
	}
	return out, nil
}

func matches(n snapshot.Name, words []string) bool {
	text := strings.ToLower(n.Resource + " " + n.Namespace + "/" + n.Name)
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// object gives one object as YAML: as it would stand in Git, or with full=true all of it.
func (s *server) object(r *http.Request) (any, error) {
	reveal, err := s.reveals(r)
	if err != nil {
		return nil, err
	}
	o, err := s.open(r.Context(), r.PathValue("cluster"), r.URL.Query().Get("backup"))
	if err != nil {
		return nil, err
	}
	defer o.close()
	name, err := named(r, o.index)
	if err != nil {
		return nil, err
	}
	e, ok := find(o.index, &name)
	if !ok {
		return nil, s.absent(name, o.set.Backup.Name)
	}
	u, err := o.set.At(r.Context(), e)
	if err != nil {
		return nil, err
	}
	out := inventory.SnapshotContent{SnapshotName: name, Backup: o.set.Backup.Name, At: o.set.Manifest.StartedAt, Revision: e.ModRevision}
	if r.URL.Query().Get("full") != "true" {
		u = object.Clean(u)
	}
	u, out.Redacted = covered(u, reveal)
	data, err := object.YAML(u)
	if err != nil {
		return nil, err
	}
	out.YAML = string(data)
	return out, nil
}

// covered hides the values of a Secret.
func covered(u *unstructured.Unstructured, reveal bool) (*unstructured.Unstructured, bool) {
	if u == nil || reveal || u.GetKind() != "Secret" || u.GroupVersionKind().Group != "" {
		return u, false
	}
	u = u.DeepCopy()
	object.Redact(u)
	return u, true
}

func (s *server) absent(n inventory.SnapshotName, set string) error {
	return refuse(http.StatusNotFound, "NotFound", "ObjectAbsent", "object", text(n), "set", set)
}

// text is a name as people write it.
func text(n inventory.SnapshotName) string {
	r := n.Resource
	if n.Group != "" {
		r += "." + n.Group
	}
	if n.Namespace != "" {
		return fmt.Sprintf("%s %s/%s", r, n.Namespace, n.Name)
	}
	return r + " " + n.Name
}
