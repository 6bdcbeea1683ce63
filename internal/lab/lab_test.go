//go:build linux

package lab

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func sample() *Lab {
	l := &Lab{Name: "t", Kubernetes: "v1.36.3", Subnet: netip.MustParsePrefix("10.89.7.0/24")}
	l.plan(Options{ControlPlanes: 3, Workers: 2, Bare: 1})
	return l
}

func TestPlan(t *testing.T) {
	l := sample()
	if got := strings.Join(l.names(), " "); got != "lb cp1 cp2 cp3 w1 w2 b1" {
		t.Errorf("hosts %s", got)
	}
	if l.gateway().String() != "10.89.7.1" || l.Endpoint() != "10.89.7.11:6443" {
		t.Errorf("gateway %s, endpoint %s", l.gateway(), l.Endpoint())
	}
	seen := map[netip.Addr]bool{}
	for _, h := range l.Hosts {
		if seen[h.Address] || !l.Subnet.Contains(h.Address) {
			t.Errorf("%s has %s", h.Name, h.Address)
		}
		seen[h.Address] = true
	}
	for _, want := range []string{"server cp1 10.89.7.12:6443", "server b1 10.89.7.17:6443"} {
		if !strings.Contains(l.balancer(), want) {
			t.Errorf("the load balancer has no %q:\n%s", want, l.balancer())
		}
	}
	if strings.Contains(l.balancer(), "w1") {
		t.Error("a worker is no control plane")
	}
	if n := l.network(l.Hosts[1]); strings.Contains(n, podSubnet(2)) || !strings.Contains(n, podSubnet(3)) {
		t.Errorf("routes of cp1: its own pods are not behind another host:\n%s", n)
	}
}

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{"lab": true, "a1": true, "": false, "Lab": false, "1a": false, "toolong": false, "a/b": false, "..": false} {
		if (CheckName(name) == nil) != ok {
			t.Errorf("%q: %v", name, CheckName(name))
		}
	}
}

func TestStateOutlivesTheCommand(t *testing.T) {
	dir := t.TempDir()
	l := sample()
	l.dir = filepath.Join(dir, "t")
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, "t"); err == nil {
		t.Error("opened a lab that has written nothing")
	}
	if err := l.save(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir, "t")
	if err != nil || len(again.Hosts) != len(l.Hosts) || again.Hosts[3] != l.Hosts[3] {
		t.Errorf("read back %+v, %v", again, err)
	}
	if _, err := again.Host("nobody"); err == nil {
		t.Error("found a host that is not there")
	}
	if labs, err := List(dir); err != nil || len(labs) != 1 {
		t.Errorf("%d labs, %v", len(labs), err)
	}
}

func TestTokensHaveTheirForm(t *testing.T) {
	token, key := newToken()
	if len(token) != 23 || token[6] != '.' || len(key) != 64 {
		t.Errorf("token of %d characters, key of %d", len(token), len(key))
	}
}
