package proof

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// put writes a key of the source's etcd behind its API's back and takes it away after the test.
func put(t *testing.T, key, value string, opts ...clientv3.OpOption) {
	t.Helper()
	c := etcdClient(t)
	if _, err := c.Put(t.Context(), key, value, opts...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := c.Delete(context.Background(), key); err != nil {
			t.Error(err)
		}
	})
}

func noise(n int) string {
	b := make([]byte, n)
	rand.Read(b) //nolint:errcheck // never fails
	return string(b)
}

// convertedDefinition stores an object in v1 and then makes v2 the version to store, converted by a webhook that is nowhere.
func convertedDefinition(t *testing.T) {
	t.Helper()
	dyn := dynamic.NewForConfigOrDie(source.Config)
	d := definitionOf("converted.example.com", "gears", "Gear", "v2", "v1")
	if _, err := dyn.Resource(definitions).Create(t.Context(), d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	gear := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "converted.example.com/v1", "kind": "Gear", "metadata": map[string]any{"name": "old"},
	}}
	gears := dyn.Resource(schema.GroupVersionResource{Group: "converted.example.com", Version: "v1", Resource: "gears"}).Namespace("default")
	eventually(t, "a gear", func() bool {
		_, err := gears.Create(t.Context(), gear, metav1.CreateOptions{})
		return err == nil
	})
	patch := `[{"op":"replace","path":"/spec/versions/0/storage","value":true},{"op":"replace","path":"/spec/versions/1/storage","value":false},
		{"op":"add","path":"/spec/conversion","value":{"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],
		"clientConfig":{"service":{"namespace":"default","name":"nowhere"}}}}}]`
	if _, err := dyn.Resource(definitions).Patch(t.Context(), "gears.converted.example.com", types.JSONPatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, key := range []string{"converted.example.com/gears/default/old", "apiextensions.k8s.io/customresourcedefinitions/gears.converted.example.com"} {
			if _, err := etcdClient(t).Delete(context.Background(), "/registry/"+key); err != nil {
				t.Error(err)
			}
		}
	})
}

func othersAPIs(t *testing.T) {
	t.Helper()
	dyn := dynamic.NewForConfigOrDie(source.Config)
	aggregated := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": map[string]any{"name": "v1.elsewhere.example.com"},
		"spec": map[string]any{
			"group": "elsewhere.example.com", "version": "v1", "groupPriorityMinimum": int64(100), "versionPriority": int64(100),
			"insecureSkipTLSVerify": true, "service": map[string]any{"namespace": "default", "name": "nowhere"},
		},
	}}
	if _, err := dyn.Resource(apiServices).Create(t.Context(), aggregated, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dyn.Resource(apiServices).Delete(context.Background(), aggregated.GetName(), metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	none, url := admissionv1.SideEffectClassNone, "https://127.0.0.1:1/"
	hook := &admissionv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "guard"}, Webhooks: []admissionv1.ValidatingWebhook{{
		Name: "guard.example.com", SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
		ClientConfig: admissionv1.WebhookClientConfig{URL: &url},
		Rules: []admissionv1.RuleWithOperations{{
			Operations: []admissionv1.OperationType{admissionv1.Create}, Rule: admissionv1.Rule{APIGroups: []string{"none.example.com"}, APIVersions: []string{"v1"}, Resources: []string{"*"}},
		}},
	}}}
	hooks := source.Client.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	if _, err := hooks.Create(t.Context(), hook, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := hooks.Delete(context.Background(), "guard", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// expected checks that each of "Code object" is found and nothing else.
func expected(t *testing.T, what string, got []Problem, want ...string) {
	t.Helper()
	have := map[string]bool{}
	for _, p := range got {
		have[strings.TrimSpace(string(p.Code)+" "+p.Object)] = true
	}
	for _, w := range want {
		if !have[w] {
			t.Errorf("%s: missing %s", what, w)
		}
		delete(have, w)
	}
	for _, h := range slices.Sorted(maps.Keys(have)) {
		t.Errorf("%s: unexpected %s", what, h)
	}
}

// TestDamage: what cannot be read is named, one by one, and all the rest is listed.
func TestDamage(t *testing.T) {
	if _, err := source.Client.CoreV1().Secrets("default").Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "whole"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := source.Client.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "whole"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	convertedDefinition(t)
	othersAPIs(t)
	c := etcdClient(t)
	value := func(key string) string {
		resp, err := c.Get(t.Context(), key)
		if err != nil || len(resp.Kvs) != 1 {
			t.Fatal(key, err)
		}
		return string(resp.Kvs[0].Value)
	}
	put(t, "/registry/secrets/default/damaged", "k8s:enc:secretbox:v1:key1:"+noise(100))
	put(t, "/registry/secrets/default/elsewhere", value("/registry/secrets/default/whole")) // as somebody might exchange them
	put(t, "/registry/secrets/default/old", "k8s:enc:aescbc:v1:lost:"+noise(64))
	put(t, "/registry/configmaps/default/damaged", "k8s\x00"+noise(100))
	put(t, "/registry/configmaps/default/half", value("/registry/configmaps/default/whole")[:20])
	put(t, "/registry/gone.example.com/things/default/a", `{"apiVersion":"gone.example.com/v1","kind":"Thing","metadata":{"name":"a","namespace":"default"}}`)
	put(t, "/registry/podsecuritypolicy/strict", `{"apiVersion":"policy/v1beta1","kind":"PodSecurityPolicy","metadata":{"name":"strict"}}`)
	put(t, "/elsewhere/key", "not of Kubernetes")
	lease, err := c.Grant(t.Context(), 3600)
	if err != nil {
		t.Fatal(err)
	}
	put(t, "/registry/configmaps/default/whole-with-lease", value("/registry/configmaps/default/whole"), clientv3.WithLease(lease.ID))
	short, err := c.Grant(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	put(t, "/registry/events/default/short", "gone before anybody asks", clientv3.WithLease(short.ID))

	s := takeSet(t)
	res := prove(t, s.input(), nil)
	expected(t, "problems", res.Problems,
		"DecryptFailed secrets/default/damaged", "NotListed secrets/default/elsewhere", "DecryptFailed secrets/default/old",
		"Unreadable configmaps/default/damaged", "Unreadable configmaps/default/half",
		"NotListed configmaps/default/whole-with-lease", // it says that it is another object
		"APINotReady", // it waits for all Secrets
		"DefinitionMissing things.gone.example.com", "NotServed podsecuritypolicies.policy")
	expected(t, "excluded", res.Excluded,
		"AggregatedAPI v1.elsewhere.example.com", "AdmissionWebhook validatingwebhookconfigurations.admissionregistration.k8s.io/guard",
		"ConversionWebhook customresourcedefinitions.apiextensions.k8s.io/gears.converted.example.com", "OtherKeys", "Unserved")
	if res.Keys != s.index.Len() || res.Secrets == 0 {
		t.Errorf("%d of %d keys, %d secrets", res.Keys, s.index.Len(), res.Secrets)
	}
	for _, r := range res.Resources {
		switch r.Resource {
		case "gears":
			if r.Listed != 1 {
				t.Errorf("%+v", r)
			}
		case "events":
			if r.Expired != 1 {
				t.Errorf("%+v", r)
			}
		case "secrets":
			if r.Listed != r.Stored-3 {
				t.Errorf("%+v", r)
			}
		}
	}
}

// TestWrongSet: the index is another snapshot's, and the encryption key is missing.
func TestWrongSet(t *testing.T) {
	t.Parallel()
	if _, err := source.Client.CoreV1().Secrets("kube-system").Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "locked"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	configMaps := source.Client.CoreV1().ConfigMaps("kube-public")
	make := func(name string) *corev1.ConfigMap {
		cm, err := configMaps.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return cm
	}
	changed := make("changed")
	make("removed")
	before := takeSet(t)
	make("added")
	changed.Data = map[string]string{"k": "v"}
	if _, err := configMaps.Update(t.Context(), changed, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := configMaps.Delete(t.Context(), "removed", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	after := takeSet(t)
	after.index, after.encryption = before.index, nil
	res := prove(t, after.input(), nil)
	found := map[string]bool{}
	for _, p := range res.Problems {
		found[strings.TrimSpace(fmt.Sprint(p.Code, " ", p.Object, " ", p.Params["provider"], p.Params["key"]))] = true
	}
	for _, want := range []string{
		"SnapshotDiffers", "KeyUnknown /registry/configmaps/kube-public/added", "KeyMissing /registry/configmaps/kube-public/removed",
		"KeyDiffers /registry/configmaps/kube-public/changed", "DecryptFailed secrets/kube-system/locked secretboxkey1",
	} {
		if !found[want] {
			t.Errorf("missing %s in %v", want, found)
		}
	}
	if res.Secrets != 0 {
		t.Errorf("%d secrets", res.Secrets)
	}
}

func TestDamagedSnapshot(t *testing.T) {
	t.Parallel()
	s := takeSet(t)
	for name, change := range map[string]func([]byte) []byte{
		"flipped":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"truncated": func(b []byte) []byte { return b[:len(b)/2] },
		"longer":    func(b []byte) []byte { return append(b, 0) },
		"checksum":  func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
	} {
		t.Run(name, func(t *testing.T) {
			in := s.input()
			in.Snapshot = bytes.NewReader(change(bytes.Clone(s.data)))
			var codes []Code
			for _, p := range prove(t, in, nil).Problems {
				codes = append(codes, p.Code)
			}
			if !slices.Contains(codes, RestoreFailed) || !slices.Contains(codes, SnapshotDiffers) && name != "checksum" {
				t.Error(codes)
			}
		})
	}
}
