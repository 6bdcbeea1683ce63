package restore

import (
	"cmp"
	"slices"
	"strings"

	"kanrin.dev/kanrin/internal/backup/snapshot"
)

// Kinds of differences; the first part of the name of a measure.
const (
	onlyNow  = "onlyNow"  // exists now and not in the set: it goes
	onlyThen = "onlyThen" // exists in the set alone: it comes back
	changed  = "changed"
)

// difference counts objects of one resource.
type difference struct {
	Kind, Resource string // resource or resource.group
	Count          int
	Names          []string // the first of them
}

// firstNames is how many names of a resource are given.
const firstNames = 10

func (d *difference) measure() string { return d.Kind + "." + d.Resource }

// differenceOf reads the name of a measure.
func differenceOf(measure string) (kind, resource string, ok bool) {
	kind, resource, ok = strings.Cut(measure, ".")
	return kind, resource, ok && resource != "" && (kind == onlyNow || kind == onlyThen || kind == changed)
}

// passing resources come and go by themselves and would drown the rest.
var passing = map[string]bool{"events": true, "events.events.k8s.io": true, "leases.coordination.k8s.io": true}

// compare the present state with a set's, by resource. Leases, events and what is no object are left out.
func compare(then, now *snapshot.Index) []difference {
	byKey := map[string]*difference{}
	for c := range snapshot.Diff(then, now) {
		kind := changed
		index := now
		switch c.Type {
		case snapshot.Added:
			kind = onlyNow
		case snapshot.Removed:
			kind, index = onlyThen, then
		case snapshot.Rewritten:
			continue
		}
		n, ok := index.Name(c.Key)
		if !ok || !n.Served() {
			continue
		}
		resource := n.Resource
		if n.Group != "" {
			resource += "." + n.Group
		}
		if passing[resource] {
			continue
		}
		key := kind + "." + resource
		d := byKey[key]
		if d == nil {
			d = &difference{Kind: kind, Resource: resource}
			byKey[key] = d
		}
		d.Count++
		if len(d.Names) < firstNames {
			name := n.Name
			if n.Namespace != "" {
				name = n.Namespace + "/" + name
			}
			d.Names = append(d.Names, name)
		}
	}
	out := make([]difference, 0, len(byKey))
	for _, d := range byKey {
		out = append(out, *d)
	}
	order := []string{onlyNow, onlyThen, changed}
	slices.SortFunc(out, func(a, b difference) int {
		return cmp.Or(slices.Index(order, a.Kind)-slices.Index(order, b.Kind), strings.Compare(a.Resource, b.Resource))
	})
	return out
}
