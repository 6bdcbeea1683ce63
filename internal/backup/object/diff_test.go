package object

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func parse(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	b, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = u.UnmarshalJSON(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestDiff(t *testing.T) {
	a := parse(t, `
apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {example.org/a: "1", plain: x}}
spec:
  containers:
  - {name: one, image: a:1, args: [p, q], ports: [{containerPort: 80}], env: [{name: A, value: "1"}, {name: B, value: "2"}]}
  - {name: two, image: b:1}
  list: [{num: 1}, {num: 2}]
`)
	b := parse(t, `
apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {example.org/a: "2"}}
spec:
  containers:
  - {name: three, image: c:1}
  - {name: one, image: a:2, args: [p, z, w], ports: [{containerPort: 80, name: http}], env: [{name: B, value: "2"}, {name: A, value: "1"}]}
  list: [{num: 1}, {num: 3}]
  new: true
`)
	var got []string
	for _, c := range Diff(a, b) {
		got = append(got, fmt.Sprintf("%s %s %v %v", c.Type, c.Path, c.From, c.To))
	}
	want := []string{
		`Changed metadata.annotations["example.org/a"] 1 2`,
		"Removed metadata.annotations.plain x <nil>",
		"Changed spec.containers[name=one].args[1] q z",
		"Added spec.containers[name=one].args[2] <nil> w",
		"Reordered spec.containers[name=one].env <nil> <nil>",
		"Changed spec.containers[name=one].image a:1 a:2",
		"Added spec.containers[name=one].ports[containerPort=80].name <nil> http",
		"Removed spec.containers[name=two] map[image:b:1 name:two] <nil>",
		"Added spec.containers[name=three] <nil> map[image:c:1 name:three]",
		"Changed spec.list[1].num 2 3",
		"Added spec.new <nil> true",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestUnifiedDiff(t *testing.T) {
	a := parse(t, "{apiVersion: v1, kind: A, a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9, j: 10, k: 11, l: 12}")
	b := parse(t, "{apiVersion: v1, kind: A, a: 1, b: 3, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9, j: 10, k: 11, l: 12, m: 13}")
	want := `--- old
+++ new
@@ -1,6 +1,6 @@
 a: 1
 apiVersion: v1
-b: 2
+b: 3
 c: 3
 d: 4
 e: 5
@@ -12,3 +12,4 @@
 k: 11
 kind: A
 l: 12
+m: 13
`
	if got := UnifiedDiff(a, b, "old", "new"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := UnifiedDiff(a, a, "old", "new"); got != "" {
		t.Errorf("no change gives %q", got)
	}
	if got := UnifiedDiff(nil, parse(t, "{apiVersion: v1, kind: A}"), "old", "new"); got != "--- old\n+++ new\n@@ -0,0 +1,2 @@\n+apiVersion: v1\n+kind: A\n" {
		t.Errorf("new object gives %q", got)
	}
}

// What UnifiedDiff writes must turn the one into the other, in the hands of patch.
func TestPatch(t *testing.T) {
	patch, err := exec.LookPath("patch")
	if err != nil {
		t.Skip("no patch on this machine")
	}
	random := rand.New(rand.NewPCG(1, 1))
	dir := t.TempDir()
	for round := range 30 {
		size, edits := 1+random.IntN(200), random.IntN(40)
		if round == 0 {
			size, edits = 3000, 3000 // more than are looked for
		}
		var a, b []any
		for range size {
			line := fmt.Sprint(random.IntN(20))
			a = append(a, line)
			if random.IntN(size) < edits {
				switch random.IntN(3) {
				case 0:
					b = append(b, line, "new")
				case 1:
					b = append(b, "changed "+line)
				}
				continue
			}
			b = append(b, line)
		}
		from, to := &unstructured.Unstructured{Object: map[string]any{"l": a}}, &unstructured.Unstructured{Object: map[string]any{"l": b}}
		diff := UnifiedDiff(from, to, "a", "b")
		before, _ := YAML(from)
		after, _ := YAML(to)
		if diff == "" {
			if string(before) != string(after) {
				t.Fatal("a difference is not seen")
			}
			continue
		}
		path := filepath.Join(dir, "file")
		if err := os.WriteFile(path, before, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(patch, "--fuzz=0", path)
		cmd.Stdin = strings.NewReader(diff)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("patch: %v\n%s\n%s", err, out, diff)
		}
		if got, _ := os.ReadFile(path); string(got) != string(after) {
			t.Fatalf("patched to\n%s\nwant\n%s", got, after)
		}
	}
}

func TestRedact(t *testing.T) {
	secret := func(password string) *unstructured.Unstructured {
		return parse(t, `
apiVersion: v1
kind: Secret
metadata: {name: s, annotations: {kubectl.kubernetes.io/last-applied-configuration: plain-to-see, other: kept}}
type: Opaque
data: {password: `+password+`, odd: "no base64"}
stringData: {password: plain-to-see}
`)
	}
	a, b := secret("cGxhaW4tdG8tc2Vl"), secret("cGxhaW4tdG8tc2Vl")
	Redact(a)
	Redact(b)
	if len(Diff(a, b)) != 0 {
		t.Error("equal values do not look equal")
	}
	out, err := YAML(a)
	if err != nil || strings.Contains(string(out), "plain-to-see") || strings.Contains(string(out), "cGxhaW") || !strings.Contains(string(out), "kept") {
		t.Errorf("redacted to\n%s", out)
	}
	data, text := a.Object["data"].(map[string]any)["password"], a.Object["stringData"].(map[string]any)["password"]
	if data != text || !strings.HasSuffix(fmt.Sprint(data), "(12 bytes)") {
		t.Errorf("redacted to %v and %v", data, text)
	}
	other := secret("b3RoZXI=")
	Redact(other)
	if changes := Diff(a, other); len(changes) != 1 || changes[0].Path != "data.password" {
		t.Errorf("another value gives %v", changes)
	}
	settings := parse(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: b}}")
	Redact(settings)
	if settings.Object["data"].(map[string]any)["a"] != "b" {
		t.Error("a ConfigMap is redacted")
	}
}
