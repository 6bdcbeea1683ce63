package object

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"kanrin.dev/kanrin/internal/backup/snapshot"
)

// TestStored reads each value that a real API server keeps, with each provider of encryption, and compares it with what
// that API server answers.
func TestStored(t *testing.T) {
	configuration, err := os.ReadFile("testdata/encryption.yaml")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := LoadKeys(configuration)
	if err != nil {
		t.Fatal(err)
	}
	s := startServer(t, configuration)
	client, err := dynamic.NewForConfig(s.config)
	if err != nil {
		t.Fatal(err)
	}
	manifests := createAll(t, s, client)

	all, err := s.etcd.Get(t.Context(), "/registry/", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	compared, providers, formats := map[string]int{}, map[string]int{}, map[Format]int{}
	for _, kv := range all.Kvs {
		key := string(kv.Key)
		name, ok := snapshot.ParseKey(key)
		if !ok {
			t.Errorf("%s: no object", key)
			continue
		}
		provider, _, encrypted := Encrypted(kv.Value)
		plain, err := keys.Decrypt(key, kv.Value)
		if err != nil {
			t.Error(err)
			continue
		}
		if encrypted {
			providers[provider]++
			refusesOthers(t, keys, key, kv.Value)
		}
		formats[formatOf(plain)]++
		u, err := Decode(plain)
		if err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		apiVersion, kind, ok := Kind(plain)
		if kind == "CustomResourceDefinition" {
			apiVersion = "apiextensions.k8s.io/v1"
		}
		if !ok || apiVersion != u.GetAPIVersion() || kind != u.GetKind() {
			t.Errorf("%s is a %s %s, not a %s %s", key, u.GetAPIVersion(), u.GetKind(), apiVersion, kind)
		}
		if !name.Served() {
			continue
		}
		gvr := schema.FromAPIVersionAndKind(u.GetAPIVersion(), "").GroupVersion().WithResource(name.Resource)
		if gvr.Group != name.Group {
			t.Errorf("%s is of group %q, not %q", key, gvr.Group, name.Group)
		}
		live, err := client.Resource(gvr).Namespace(name.Namespace).Get(t.Context(), name.Name, metav1.GetOptions{})
		if err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		compared[name.Resource]++
		same(t, key, u, live)
	}
	for _, provider := range []string{providerCBC, providerGCM, providerSecretbox} {
		if providers[provider] == 0 {
			t.Errorf("nothing was encrypted with %s: %v", provider, providers)
		}
	}
	if formats[Protobuf] == 0 || formats[JSON] == 0 {
		t.Errorf("formats %v", formats)
	}
	for _, m := range manifests {
		if compared[m.resource] == 0 {
			t.Errorf("no object of %s was compared", m.resource)
		}
	}
	t.Logf("%d objects of %d resources are the same; encrypted: %v, formats: %v", len(all.Kvs), len(compared), providers, formats)
	appliesAgain(t, client, manifests)
}

// refusesOthers checks that a value opens only whole, in its place, and with its key.
func refusesOthers(t *testing.T, keys *Keys, key string, value []byte) {
	t.Helper()
	damaged := bytes.Clone(value)
	damaged[len(damaged)-20] ^= 1
	plain, err := keys.Decrypt(key, damaged)
	var d *DecryptError
	provider, _, _ := Encrypted(value)
	if provider != providerCBC && (!errors.As(err, &d) || d.Reason != WrongKey) {
		t.Errorf("%s: a damaged value gives %d bytes, %v", key, len(plain), err)
	}
	if _, err := keys.Decrypt(key+"x", value); provider == providerGCM && err == nil {
		t.Errorf("%s opens in another place", key)
	}
	if _, err := (*Keys)(nil).Decrypt(key, value); !errors.As(err, &d) || d.Reason != NoKey {
		t.Errorf("%s opens without keys: %v", key, err)
	}
}

// same compares what was stored with what is served, apart from what is not stored and fields without a value.
func same(t *testing.T, key string, stored, live *unstructured.Unstructured) {
	t.Helper()
	live.SetResourceVersion("")
	for _, u := range []*unstructured.Unstructured{stored, live} {
		dropNull(u.Object)
		if m, ok := u.Object["status"].(map[string]any); ok && len(m) == 0 {
			delete(u.Object, "status")
		}
	}
	for _, c := range Diff(stored, live) {
		// What the API server fills in when it reads.
		if c.Type == FieldAdded && (stored.GetKind() == "Job" && c.Path == "metadata.labels" || c.Path == "status") {
			unstructured.RemoveNestedField(live.Object, strings.Split(c.Path, ".")...)
			continue
		}
		t.Errorf("%s: %v", key, c)
	}
	if !reflect.DeepEqual(stored.Object, live.Object) {
		t.Errorf("%s:\n%s", key, UnifiedDiff(stored, live, "stored", "served"))
	}
}

type manifest struct {
	resource string
	gvr      schema.GroupVersionResource
	object   *unstructured.Unstructured
}

// createAll creates the manifests of the test data and waits for the custom resources' definition.
func createAll(t *testing.T, s server, client dynamic.Interface) []manifest {
	t.Helper()
	content, err := os.ReadFile("testdata/manifests.yaml")
	if err != nil {
		t.Fatal(err)
	}
	disco, err := discovery.NewDiscoveryClientForConfig(s.config)
	if err != nil {
		t.Fatal(err)
	}
	var all []manifest
	for _, text := range strings.Split(string(content), "\n---\n") {
		u := &unstructured.Unstructured{}
		text, err := yaml.YAMLToJSON([]byte(text))
		if err == nil {
			err = u.UnmarshalJSON(text)
		}
		if err != nil {
			t.Fatal(err)
		}
		m := manifest{object: u}
		for m.resource == "" && t.Context().Err() == nil {
			list, err := disco.ServerResourcesForGroupVersion(u.GetAPIVersion())
			if err != nil {
				continue // until the custom resource is served
			}
			for _, r := range list.APIResources {
				if r.Kind == u.GetKind() && !strings.Contains(r.Name, "/") {
					m.resource = r.Name
				}
			}
		}
		m.gvr = u.GroupVersionKind().GroupVersion().WithResource(m.resource)
		create(t, client, m)
		all = append(all, m)
	}
	return all
}

func create(t *testing.T, client dynamic.Interface, m manifest) {
	t.Helper()
	for {
		_, err := client.Resource(m.gvr).Namespace(m.object.GetNamespace()).Create(t.Context(), m.object, metav1.CreateOptions{})
		if err == nil {
			return
		}
		if t.Context().Err() != nil || !strings.Contains(err.Error(), "could not find the requested resource") {
			t.Fatalf("creating %s %s: %v", m.resource, m.object.GetName(), err)
		}
	}
}

// appliesAgain checks that the clean form of an object has all that was asked for, and that the API server takes it.
func appliesAgain(t *testing.T, client dynamic.Interface, manifests []manifest) {
	t.Helper()
	for _, m := range manifests {
		resource := client.Resource(m.gvr).Namespace(m.object.GetNamespace())
		live, err := resource.Get(t.Context(), m.object.GetName(), metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		clean := Clean(live)
		for _, c := range Diff(m.object, clean) {
			if c.Type != FieldAdded && !strings.HasPrefix(c.Path, "stringData") && c.Path != "spec.nodeName" {
				t.Errorf("%s %s: clean form has %s %s: %v, %v", m.resource, m.object.GetName(), c.Path, c.Type, c.From, c.To)
			}
		}
		if m.resource == "namespaces" || m.resource == "customresourcedefinitions" {
			continue
		}
		if err := resource.Delete(t.Context(), m.object.GetName(), *metav1.NewDeleteOptions(0)); err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = resource.Get(t.Context(), m.object.GetName(), metav1.GetOptions{})
			if err == nil { // no controller runs that would take them away
				_, _ = resource.Patch(t.Context(), m.object.GetName(), "application/merge-patch+json",
					[]byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
			}
		}
		if _, err := resource.Create(t.Context(), clean, metav1.CreateOptions{}); err != nil {
			t.Errorf("%s %s: creating it from its clean form: %v", m.resource, m.object.GetName(), err)
		}
	}
}
