package snapshot

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// DefaultPrefix is where Kubernetes keeps its objects unless it is told otherwise.
const DefaultPrefix = "/registry/"

// Name names an object of Kubernetes. Namespace is empty for one of the cluster.
type Name struct {
	Group, Resource, Namespace, Name string
}

// Served reports whether there is an API for the object. The API server keeps a few records that no API serves: its own
// addresses and the ranges of cluster IPs and node ports.
func (n Name) Served() bool {
	return n.Group != "" || n.Resource != "masterleases" && n.Resource != "peerserverleases" && n.Resource != "ranges"
}

// ParseKey tells which object is kept under a key of etcd. Under the default prefix, a name that is not known and has no
// dot is taken for a resource without a group, as that of a later Kubernetes would be kept. Under another prefix of one
// part only resources that are known, and names with a dot, are taken for objects; an Index knows its own prefix.
func ParseKey(key string) (Name, bool) {
	if rest, ok := strings.CutPrefix(key, DefaultPrefix); ok {
		return parse(rest, true)
	}
	_, rest, ok := strings.Cut(strings.TrimPrefix(key, "/"), "/")
	if !ok {
		return Name{}, false
	}
	return parse(rest, false)
}

// parse reads what follows the prefix: resource, or group and resource, then namespace and name.
func parse(rest string, anyResource bool) (Name, bool) {
	first, rest, _ := strings.Cut(rest, "/")
	n, known := byPath[first]
	switch {
	case known:
	case first == "services":
		var second string
		second, rest, _ = strings.Cut(rest, "/")
		if n, known = byPath[first+"/"+second]; !known {
			return Name{}, false
		}
	case strings.Contains(first, "."):
		n.Group = first
		n.Resource, rest, _ = strings.Cut(rest, "/")
	case anyResource:
		n.Resource = first
	default:
		return Name{}, false
	}
	n.Name = rest
	if namespace, name, ok := strings.Cut(rest, "/"); ok {
		n.Namespace, n.Name = namespace, name
		if namespace == "" {
			return Name{}, false
		}
	}
	if n.Resource == "" || n.Name == "" || strings.Contains(n.Name, "/") {
		return Name{}, false
	}
	return n, true
}

// path is what follows the prefix in the key of an object.
func (n Name) path() string {
	p := n.resourcePath()
	if n.Namespace != "" {
		p += n.Namespace + "/"
	}
	return p + n.Name
}

func (n Name) resourcePath() string {
	if p, ok := byName[Name{Group: n.Group, Resource: n.Resource}]; ok {
		return p + "/"
	}
	if n.Group != "" {
		return n.Group + "/" + n.Resource + "/"
	}
	return n.Resource + "/"
}

// landmarks are objects that each cluster has; their keys tell the prefix.
var landmarks = []string{"namespaces/default", "namespaces/kube-system", "services/specs/default/kubernetes"}

func (x *Index) findPrefix() string {
	if e, ok := first(x.Prefix(DefaultPrefix)); ok && e.Key != "" {
		return DefaultPrefix
	}
	for i := range x.rows {
		key := x.key(i)
		for _, l := range landmarks {
			if prefix, ok := strings.CutSuffix(key, l); ok && strings.HasSuffix(prefix, "/") {
				return prefix
			}
		}
	}
	return ""
}

func first(s iter.Seq[Entry]) (Entry, bool) {
	for e := range s {
		return e, true
	}
	return Entry{}, false
}

// KeyPrefix is what the keys of Kubernetes' objects begin with, with a slash at its end; "" when there are none.
func (x *Index) KeyPrefix() string { return x.prefix }

// Name tells which object is kept under a key of this snapshot.
func (x *Index) Name(key string) (Name, bool) {
	rest, ok := strings.CutPrefix(key, x.prefix)
	if !ok || x.prefix == "" {
		return Name{}, false
	}
	return parse(rest, true)
}

// Lookup finds an object.
func (x *Index) Lookup(n Name) (Entry, bool) {
	if x.prefix == "" || n.Resource == "" || n.Name == "" {
		return Entry{}, false
	}
	return x.Find(x.prefix + n.path())
}

// Objects gives the objects of a resource in the order of namespace and name; with a namespace, only those in it.
func (x *Index) Objects(group, resource, namespace string) iter.Seq2[Name, Entry] {
	prefix := x.prefix + Name{Group: group, Resource: resource}.resourcePath()
	if namespace != "" {
		prefix += namespace + "/"
	}
	return func(yield func(Name, Entry) bool) {
		if x.prefix == "" || resource == "" {
			return
		}
		for e := range x.Prefix(prefix) {
			if n, ok := x.Name(e.Key); ok && !yield(n, e) {
				return
			}
		}
	}
}

// ResourceCount says how many objects of a resource there are.
type ResourceCount struct {
	Group, Resource string
	Count           int
}

// Resources counts the objects of each resource, in the order of group and resource, with those that are not served.
func (x *Index) Resources() []ResourceCount {
	var counts []ResourceCount
	at := make(map[Name]int)
	for e := range x.Prefix(x.prefix) {
		n, ok := x.Name(e.Key)
		if !ok {
			continue
		}
		n.Namespace, n.Name = "", ""
		i, seen := at[n]
		if !seen {
			i = len(counts)
			at[n] = i
			counts = append(counts, ResourceCount{Group: n.Group, Resource: n.Resource})
		}
		counts[i].Count++
	}
	slices.SortFunc(counts, func(a, b ResourceCount) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Resource, b.Resource))
	})
	return counts
}
