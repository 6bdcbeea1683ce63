package nodes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const someSum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

const goodBundle = `{"kubernetes":"v1.36.3","files":[{"path":"/usr/local/bin/kubelet","source":"files/kubelet","mode":493,"sha256":"` + someSum + `"}],
"links":[{"path":"/usr/local/bin/kubeadm","target":"kanrin-kube"}],"debs":["debs/conntrack_1.deb"],"images":["images.tar"],"units":["containerd.service","kubelet.service"]}`

func TestParseBundle(t *testing.T) {
	b, err := ParseBundle([]byte(goodBundle))
	if err != nil {
		t.Fatal(err)
	}
	for program, want := range map[string]bool{"kubelet": true, "kubeadm": true, "conntrack": true, "containerd": false} {
		if b.Has(program) != want {
			t.Errorf("Has(%s) = %v", program, !want)
		}
	}
	for name, change := range map[string][2]string{
		"unknown field":   {`"kubernetes"`, `"extra":1,"kubernetes"`},
		"version":         {`v1.36.3`, `1.36`},
		"relative path":   {`/usr/local/bin/kubelet`, `usr/bin/kubelet`},
		"path with dots":  {`/usr/local/bin/kubelet`, `/usr/local/../../etc/shadow`},
		"closed path":     {`/usr/local/bin/kubelet`, `/var/lib/kanrin/installed.json`},
		"twice":           {`/usr/local/bin/kubeadm`, `/usr/local/bin/kubelet`},
		"source escapes":  {`files/kubelet`, `../kubelet`},
		"source absolute": {`files/kubelet`, `/etc/shadow`},
		"set-user-id":     {`493`, `2541`},
		"sum":             {someSum, strings.ToUpper(someSum)},
		"deb escapes":     {`debs/conntrack_1.deb`, `debs/../../x.deb`},
		"unit":            {`containerd.service`, `../containerd.service`},
		"second document": {`"units":["containerd.service","kubelet.service"]}`, `"units":[]} {}`},
	} {
		text := strings.Replace(goodBundle, change[0], change[1], 1)
		if text == goodBundle {
			t.Fatalf("%s: the change does not apply", name)
		}
		if _, err := ParseBundle([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestOpenBundle(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		p := filepath.Join(dir, "b", name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("bundle.json", goodBundle)
	write("files/kubelet", "x")
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "b", "images.tar")); err != nil {
		t.Fatal(err)
	}
	b, err := OpenBundle(dir, "b")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	f, err := b.Open("files/kubelet")
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if _, err := b.Open("images.tar"); err == nil {
		t.Error("a link that leads out of the bundle was followed")
	}
	for _, name := range []string{"..", "../b", "", "b/../b", "missing"} {
		if _, err := OpenBundle(dir, name); err == nil {
			t.Errorf("bundle %q was opened", name)
		}
	}
}

func FuzzParseBundle(f *testing.F) {
	f.Add([]byte(goodBundle))
	f.Add([]byte(`{"kubernetes":"v1.36.3"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := ParseBundle(data)
		if err != nil {
			return
		}
		for _, x := range b.Files {
			if strings.Contains(x.Path, "..") && strings.Contains(x.Path, "/../") || !strings.HasPrefix(x.Path, "/") || !filepath.IsLocal(x.Source) {
				t.Errorf("accepted %+v", x)
			}
		}
		for _, p := range append(append([]string{}, b.Debs...), b.Images...) {
			if !filepath.IsLocal(p) {
				t.Errorf("accepted %q", p)
			}
		}
	})
}
