package controlplane

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPorts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ports.json")
	p := openPorts(path)
	if err := p.claim(false, "a", "b"); err != nil {
		t.Fatal(err)
	}
	a, b := p.address("a"), p.address("b")
	if a == b || !strings.HasPrefix(a, "127.0.0.1:2") {
		t.Fatalf("chosen %s and %s", a, b)
	}
	stranger, err := net.Listen("tcp4", a)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if err := p.claim(true, "a"); err == nil || !strings.Contains(err.Error(), a+" is in use") {
		t.Errorf("a taken port that others know: %v", err)
	}

	p = openPorts(path)
	if p.address("a") != a {
		t.Errorf("not remembered: %s, want %s", p.address("a"), a)
	}
	if err := p.claim(false, "a", "b"); err != nil {
		t.Fatal(err)
	}
	if p.address("a") == a || p.address("b") != b {
		t.Errorf("with %s taken: %s and %s, want another one and %s", a, p.address("a"), p.address("b"), b)
	}
	if again := openPorts(path); again.address("a") != p.address("a") {
		t.Errorf("the new choice is not remembered")
	}
}

func FuzzPortsFile(f *testing.F) {
	f.Add([]byte(`{"a":20001}`))
	f.Add([]byte(`{"a":22,"b":-1}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "ports.json")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		p := openPorts(path)
		if err := p.claim(false, "a"); err != nil {
			t.Fatal(err)
		}
		if port := p.chosen["a"]; port < firstPort || port > lastPort {
			t.Errorf("port %d from %q", port, data)
		}
	})
}
