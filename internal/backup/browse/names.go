package browse

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/backup"
	"kanrin.dev/kanrin/internal/backup/snapshot"
)

// short are kubectl's short names and singulars of the built-in resources.
var short = map[string]schema.GroupResource{
	"po": {Resource: "pods"}, "pod": {Resource: "pods"}, "svc": {Resource: "services"}, "service": {Resource: "services"},
	"cm": {Resource: "configmaps"}, "configmap": {Resource: "configmaps"}, "secret": {Resource: "secrets"}, "ns": {Resource: "namespaces"},
	"namespace": {Resource: "namespaces"}, "no": {Resource: "nodes"}, "node": {Resource: "nodes"}, "sa": {Resource: "serviceaccounts"},
	"serviceaccount": {Resource: "serviceaccounts"}, "pv": {Resource: "persistentvolumes"}, "pvc": {Resource: "persistentvolumeclaims"},
	"persistentvolume": {Resource: "persistentvolumes"}, "persistentvolumeclaim": {Resource: "persistentvolumeclaims"},
	"quota": {Resource: "resourcequotas"}, "limits": {Resource: "limitranges"}, "ev": {Resource: "events"}, "event": {Resource: "events"},
	"rc": {Resource: "replicationcontrollers"}, "ep": {Resource: "endpoints"},
	"deploy": {Group: "apps", Resource: "deployments"}, "deployment": {Group: "apps", Resource: "deployments"},
	"sts": {Group: "apps", Resource: "statefulsets"}, "statefulset": {Group: "apps", Resource: "statefulsets"},
	"ds": {Group: "apps", Resource: "daemonsets"}, "daemonset": {Group: "apps", Resource: "daemonsets"},
	"rs": {Group: "apps", Resource: "replicasets"}, "replicaset": {Group: "apps", Resource: "replicasets"},
	"job": {Group: "batch", Resource: "jobs"}, "cj": {Group: "batch", Resource: "cronjobs"}, "cronjob": {Group: "batch", Resource: "cronjobs"},
	"hpa": {Group: "autoscaling", Resource: "horizontalpodautoscalers"}, "pdb": {Group: "policy", Resource: "poddisruptionbudgets"},
	"ing": {Group: "networking.k8s.io", Resource: "ingresses"}, "ingress": {Group: "networking.k8s.io", Resource: "ingresses"},
	"netpol": {Group: "networking.k8s.io", Resource: "networkpolicies"}, "networkpolicy": {Group: "networking.k8s.io", Resource: "networkpolicies"},
	"sc": {Group: "storage.k8s.io", Resource: "storageclasses"}, "storageclass": {Group: "storage.k8s.io", Resource: "storageclasses"},
	"crd": {Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"}, "crds": {Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"},
	"role": {Group: "rbac.authorization.k8s.io", Resource: "roles"}, "rolebinding": {Group: "rbac.authorization.k8s.io", Resource: "rolebindings"},
	"clusterrole": {Group: "rbac.authorization.k8s.io", Resource: "clusterroles"}, "clusterrolebinding": {Group: "rbac.authorization.k8s.io", Resource: "clusterrolebindings"},
	"pc": {Group: "scheduling.k8s.io", Resource: "priorityclasses"},
}

// resolve finds which resource of a set is meant by a short name, a plural, plural.group, or a singular that the plural begins with.
func resolve(x *snapshot.Index, text, group string) (schema.GroupResource, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" {
		return schema.GroupResource{}, invalid("NoResource")
	}
	if group != "" {
		return schema.GroupResource{Group: group, Resource: text}, nil
	}
	if gr, ok := short[text]; ok {
		return gr, nil
	}
	name, group, _ := strings.Cut(text, ".")
	var exact, near []schema.GroupResource
	for _, r := range x.Resources() {
		gr := schema.GroupResource{Group: r.Group, Resource: r.Resource}
		if group != "" && r.Group != group {
			continue
		}
		switch {
		case r.Resource == name:
			exact = append(exact, gr)
		case r.Resource == name+"s" || r.Resource == name+"es" || strings.TrimSuffix(name, "y")+"ies" == r.Resource:
			near = append(near, gr)
		}
	}
	if len(exact) == 0 {
		exact = near
	}
	switch len(exact) {
	case 0:
		return schema.GroupResource{}, invalid("UnknownResource", "resource", text)
	case 1:
		return exact[0], nil
	}
	if i := slices.IndexFunc(exact, func(g schema.GroupResource) bool { return g.Group == "" }); i >= 0 {
		return exact[i], nil
	}
	var all []string
	for _, g := range exact {
		all = append(all, g.String())
	}
	return schema.GroupResource{}, invalid("AmbiguousResource", "resource", text, "candidates", strings.Join(all, ", "))
}

// opened is a set with its index and the name that a request is about.
type opened struct {
	set   *backup.Set
	index *snapshot.Index
}

func (s *server) open(ctx context.Context, cluster, name string) (*opened, error) {
	if name == "" {
		return nil, invalid("NoBackup")
	}
	set, err := s.d.Store.Set(ctx, cluster, name)
	if err != nil {
		return nil, err
	}
	x, err := set.Index(ctx)
	if err != nil {
		_ = set.Close() // only read from
		return nil, err
	}
	return &opened{set, x}, nil
}

func (o *opened) close() { _ = o.set.Close() } // only read from

// named reads the name of an object from a request.
func named(r *http.Request, x *snapshot.Index) (inventory.SnapshotName, error) {
	q := r.URL.Query()
	gr, err := resolve(x, q.Get("resource"), q.Get("group"))
	if err != nil {
		return inventory.SnapshotName{}, err
	}
	n := inventory.SnapshotName{Group: gr.Group, Resource: gr.Resource, Namespace: q.Get("namespace"), Name: q.Get("name")}
	if n.Name == "" {
		return n, invalid("NoName")
	}
	return n, nil
}

func key(n inventory.SnapshotName) snapshot.Name {
	return snapshot.Name{Group: n.Group, Resource: n.Resource, Namespace: n.Namespace, Name: n.Name}
}

// find looks an object up; without a namespace that a namespaced object needs, in "default".
func find(x *snapshot.Index, n *inventory.SnapshotName) (snapshot.Entry, bool) {
	if e, ok := x.Lookup(key(*n)); ok || n.Namespace != "" {
		return e, ok
	}
	inDefault := *n
	inDefault.Namespace = "default"
	e, ok := x.Lookup(key(inDefault))
	if ok {
		*n = inDefault
	}
	return e, ok
}
