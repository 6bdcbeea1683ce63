package object

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/cbor/direct"
)

func protobufOf(t testing.TB, apiVersion, kind string) []byte {
	t.Helper()
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"}}
	pod.Spec.Containers = []corev1.Container{{Name: "c", Image: "example.org/c"}}
	raw, err := pod.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	b, err := (&runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: apiVersion, Kind: kind}, Raw: raw}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte("k8s\x00"), b...)
}

func cborOf(t testing.TB) []byte {
	t.Helper()
	b, err := direct.Marshal(map[string]any{
		"apiVersion": "example.org/v1", "kind": "Widget", "metadata": map[string]any{"name": "web"}, "spec": map[string]any{"size": 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(cborPrefix), b...)
}

func TestDecode(t *testing.T) {
	for name, tt := range map[string]struct {
		value            []byte
		apiVersion, kind string
	}{
		"protobuf": {protobufOf(t, "v1", "Pod"), "v1", "Pod"},
		"JSON":     {[]byte(` {"kind":"Widget","apiVersion":"example.org/v1","metadata":{"name":"web"}}`), "example.org/v1", "Widget"},
		"CBOR":     {cborOf(t), "example.org/v1", "Widget"},
	} {
		u, err := Decode(tt.value)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		apiVersion, kind, ok := Kind(tt.value)
		if !ok || apiVersion != tt.apiVersion || kind != tt.kind || u.GetAPIVersion() != apiVersion || u.GetKind() != kind || u.GetName() != "web" {
			t.Errorf("%s: %v, %s %s %v", name, u.Object, apiVersion, kind, ok)
		}
		for n := range tt.value {
			if _, err := Decode(tt.value[:n]); err == nil && name != "protobuf" {
				t.Errorf("%s: the first %d bytes are an object", name, n)
			}
		}
	}
	var unknown *UnknownTypeError
	if _, err := Decode(protobufOf(t, "future.k8s.io/v9", "Thing")); !errors.As(err, &unknown) || unknown.Kind != "Thing" || unknown.APIVersion != "future.k8s.io/v9" {
		t.Errorf("unknown type: %v", err)
	}
	for value, format := range map[string]Format{
		"": "", "text": "", "k8s:enc:aescbc:v1:a:b": "Encrypted", "k8s\x00": Protobuf, "k8s\x00\xff": Protobuf,
		`{"password":"plain-to-see"}`: JSON, `{"kind":"A","apiVersion":"v1","password":"plain-to-see}`: JSON, "\xd9\xd9\xf7plain-to-see": CBOR,
		string(protobufOf(t, "a/b/c", "Pod")): Protobuf, string(protobufOf(t, "", "Pod")): Protobuf, string(protobufOf(t, "v1", "")): Protobuf,
	} {
		var f *FormatError
		if _, err := Decode([]byte(value)); !errors.As(err, &f) || f.Format != format || strings.Contains(err.Error(), "plain-to-see") {
			t.Errorf("%q: %v", value, err)
		}
		if _, _, ok := Kind([]byte(value)); ok && format != JSON && !strings.Contains(value, "Pod") {
			t.Errorf("%q has a kind", value)
		}
	}
}

// What YAML writes must be read back as the same object, by what kubectl reads with.
func TestYAML(t *testing.T) {
	for _, text := range []string{
		"plain", "", "y", "on", "null", "~", "12", "1e3", "0x1f", "1:30", "2026-01-02", "a: b", "# c", "- d", " space ", "tab\t", "two\nlines",
		"two\nlines\n", "\n first", "trailing \n", "\u007f\u0080\u009f", "\x00\x01\x1b", "\u2028\u2029\ufeff", "日本語 😀", "'\"\\", "%x", "@a", "`b`",
		strings.Repeat("long words ", 100), "{a: b}", "[c]", "!!str d", "&e", "*f", "|", ">", "<<", "=",
	} {
		u := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "c"},
			"data":  map[string]any{"text": text, "k" + text: "v", "list": []any{text, int64(1), 0.5, true, []any{}, map[string]any{}}},
			"large": int64(9007199254740993),
		}}
		b, err := YAML(u)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if again := parse(t, string(b)); len(Diff(u, again)) > 0 {
			t.Errorf("%q: %v in\n%s", text, Diff(u, again), b)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(protobufOf(f, "v1", "Pod"))
	f.Add(protobufOf(f, "v1", "Secret"))
	f.Add(protobufOf(f, "apps/v1", "Deployment"))
	f.Add(cborOf(f))
	f.Add([]byte(`{"kind":"CustomResourceDefinition","apiVersion":"apiextensions.k8s.io/v1beta1","spec":{"version":"v1","validation":{},"versions":[1,{}]}}`))
	f.Add([]byte(`{"kind":"Pod","apiVersion":"v1","metadata":[],"spec":{"volumes":[1,{"name":2}],"containers":{}}}`))
	f.Add([]byte(`{"kind":"Secret","apiVersion":"v1","metadata":{"annotations":3},"data":{"a":1},"stringData":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, _ = Kind(b)
		u, err := Decode(b)
		if err != nil {
			return
		}
		clean := Clean(u)
		if len(Diff(u, u)) != 0 || UnifiedDiff(u, u, "a", "b") != "" {
			t.Error("an object differs from itself")
		}
		_ = Diff(u, clean)
		_ = UnifiedDiff(u, clean, "a", "b")
		Redact(u)
		if _, err := YAML(u); err != nil {
			t.Error(err)
		}
	})
}
