package snapshot

import (
	"strings"
	"testing"
)

var names = []struct {
	key  string
	want Name
}{
	{"/registry/pods/default/web", Name{"", "pods", "default", "web"}},
	{"/registry/minions/node-1", Name{"", "nodes", "", "node-1"}},
	{"/registry/services/specs/default/kubernetes", Name{"", "services", "default", "kubernetes"}},
	{"/registry/services/endpoints/default/kubernetes", Name{"", "endpoints", "default", "kubernetes"}},
	{"/registry/controllers/default/rc", Name{"", "replicationcontrollers", "default", "rc"}},
	{"/registry/events/default/web.17", Name{"", "events", "default", "web.17"}},
	{"/registry/ranges/serviceips", Name{"", "ranges", "", "serviceips"}},
	{"/registry/masterleases/10.0.0.1", Name{"", "masterleases", "", "10.0.0.1"}},
	{"/registry/ingress/default/site", Name{"networking.k8s.io", "ingresses", "default", "site"}},
	{"/registry/deployments/shop/cart", Name{"apps", "deployments", "shop", "cart"}},
	{"/registry/clusterroles/system:node", Name{"rbac.authorization.k8s.io", "clusterroles", "", "system:node"}},
	{"/registry/leases/kube-node-lease/node-1", Name{"coordination.k8s.io", "leases", "kube-node-lease", "node-1"}},
	{"/registry/apiregistration.k8s.io/apiservices/v1.apps", Name{"apiregistration.k8s.io", "apiservices", "", "v1.apps"}},
	{
		"/registry/apiextensions.k8s.io/customresourcedefinitions/a.b.c",
		Name{"apiextensions.k8s.io", "customresourcedefinitions", "", "a.b.c"},
	},
	{"/registry/cert-manager.io/certificates/web/tls", Name{"cert-manager.io", "certificates", "web", "tls"}},
	{"/registry/example.org/globals/one", Name{"example.org", "globals", "", "one"}},
	{"/registry/futures/default/one", Name{"", "futures", "default", "one"}},
	{"/kubernetes.io/pods/default/web", Name{"", "pods", "default", "web"}},
	{"/custom/services/specs/default/web", Name{"", "services", "default", "web"}},
}

func TestParseKey(t *testing.T) {
	for _, tt := range names {
		got, ok := ParseKey(tt.key)
		if !ok || got != tt.want {
			t.Errorf("%s: %+v %v", tt.key, got, ok)
		}
		if prefix := tt.key[:strings.Index(tt.key[1:], "/")+2]; prefix+got.path() != tt.key {
			t.Errorf("%s: found at %s", tt.key, got.path())
		}
	}
	for _, key := range []string{
		"", "/", "/registry", "/registry/", "/registry/pods", "/registry/pods/", "/registry/pods//x", "/registry/pods/a/b/c",
		"/registry/services/other/a/b", "/registry/services/specs", "/registry//a/b", "compact_rev_key", "/calico/ipam/v2/host/a",
		"/calico/resources/v3/projectcalico.org/profiles/x", "/coreos.com/network/config", "/registry/a.b/c", "/registry/a.b//d",
	} {
		if n, ok := ParseKey(key); ok {
			t.Errorf("%s: taken for %+v", key, n)
		}
	}
}

func TestLookup(t *testing.T) {
	for _, prefix := range []string{"/registry/", "/a/b/"} {
		keys := []string{prefix + "namespaces/default", "other", "/x/y/z"}
		for _, tt := range names {
			if rest, ok := strings.CutPrefix(tt.key, "/registry/"); ok {
				keys = append(keys, prefix+rest)
			}
		}
		x := made(keys...)
		if x.KeyPrefix() != prefix {
			t.Fatalf("prefix %q, want %q", x.KeyPrefix(), prefix)
		}
		count := 0
		for _, tt := range names {
			rest, ok := strings.CutPrefix(tt.key, "/registry/")
			if !ok {
				continue
			}
			count++
			if e, ok := x.Lookup(tt.want); !ok || e.Key != prefix+rest {
				t.Errorf("%+v: %q %v", tt.want, e.Key, ok)
			}
			if n, ok := x.Name(prefix + rest); !ok || n != tt.want {
				t.Errorf("%s: %+v %v", prefix+rest, n, ok)
			}
		}
		for _, n := range []Name{{}, {Resource: "pods"}, {Resource: "pods", Namespace: "default", Name: "absent"}} {
			if e, ok := x.Lookup(n); ok {
				t.Errorf("%+v: %q", n, e.Key)
			}
		}
		total := 0
		for _, c := range x.Resources() {
			total += c.Count
			for n, e := range x.Objects(c.Group, c.Resource, "") {
				if again, ok := x.Lookup(n); !ok || again != e {
					t.Errorf("%+v is not found again", n)
				}
				c.Count--
			}
			if c.Count != 0 {
				t.Errorf("%s of %q: %d more than listed", c.Resource, c.Group, c.Count)
			}
		}
		if total != count+1 {
			t.Errorf("%d objects, want %d", total, count+1)
		}
	}
	if x := made("other"); x.KeyPrefix() != "" || len(x.Resources()) != 0 {
		t.Errorf("objects of an etcd without any: %q %v", x.KeyPrefix(), x.Resources())
	}
	moved := Name{Group: "extensions", Resource: "deployments", Namespace: "shop", Name: "cart"}
	if moved.path() != "deployments/shop/cart" {
		t.Errorf("moved resource is looked for at %s", moved.path())
	}
}

func FuzzParseKey(f *testing.F) {
	for _, tt := range names {
		f.Add(tt.key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		n, ok := ParseKey(key)
		if ok && (n.Resource == "" || n.Name == "" || !strings.HasSuffix(key, "/"+n.Name)) {
			t.Errorf("%q: %+v", key, n)
		}
	})
}
