//go:build linux

package lab

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

// newKey makes an SSH key pair: the private one in OpenSSH's form, the public one as a line of authorized_keys.
func newKey(comment string) (private []byte, public string, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, "", fmt.Errorf("making a key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(priv, comment)
	if err != nil {
		return nil, "", fmt.Errorf("making a key: %w", err)
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		return nil, "", fmt.Errorf("making a key: %w", err)
	}
	return pem.EncodeToMemory(block), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))), nil
}

// furnish writes what is a host's own, over its base. The host key is made here, so that it can be pinned without having been seen first.
func (l *Lab) furnish(h *Host, authorized string) error {
	for _, d := range []string{"root", "up", "work", "var/containerd", "var/kubelet", "var/etcd"} {
		if err := os.MkdirAll(l.hostDir(*h, d), 0o755); err != nil {
			return fmt.Errorf("making host %s: %w", h.Name, err)
		}
	}
	private, public, err := newKey(h.Name)
	if err != nil {
		return err
	}
	h.HostKey = public
	var id [16]byte
	_, _ = rand.Read(id[:])
	up := l.hostDir(*h, "up")
	var known strings.Builder
	known.WriteString("127.0.0.1 localhost\n::1 localhost\n")
	for _, o := range l.Hosts {
		fmt.Fprintf(&known, "%s %s\n", o.Address, o.Name)
	}
	out := []struct {
		path, text string
		mode       os.FileMode
	}{
		{"etc/hostname", h.Name + "\n", 0o644},
		{"etc/machine-id", hex.EncodeToString(id[:]) + "\n", 0o444},
		{"etc/hosts", known.String(), 0o644},
		{"etc/resolv.conf", "# No names from outside: nobody answers there, and says so at once.\nnameserver " + l.gateway().String() + "\noptions timeout:1 attempts:1\n", 0o644},
		{"etc/systemd/network/10-lab.network", l.network(*h), 0o644},
		{"etc/ssh/ssh_host_ed25519_key", string(private), 0o600},
		{"etc/ssh/ssh_host_ed25519_key.pub", public + "\n", 0o644},
		{"root/.ssh/authorized_keys", authorized + "\n", 0o600},
		{"etc/ssh/keys/ops", authorized + "\n", 0o644},
		{"etc/ssh/sshd_config.d/keys.conf", "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u\n", 0o644},
	}
	if h.Role == RoleBalancer {
		out = append(out, struct {
			path, text string
			mode       os.FileMode
		}{"etc/haproxy/haproxy.cfg", l.balancer(), 0o644})
		wants := filepath.Join(up, "etc/systemd/system/multi-user.target.wants")
		if err := os.MkdirAll(wants, 0o755); err != nil {
			return fmt.Errorf("enabling haproxy: %w", err)
		}
		if err := os.Symlink("/lib/systemd/system/haproxy.service", filepath.Join(wants, "haproxy.service")); err != nil {
			return fmt.Errorf("enabling haproxy: %w", err)
		}
	} else {
		out = append(out, struct {
			path, text string
			mode       os.FileMode
		}{"etc/cni/net.d/10-lab.conflist", conflist(h.Index), 0o644})
	}
	for _, f := range out {
		if err := writeFile(filepath.Join(up, f.path), []byte(f.text), f.mode); err != nil {
			return err
		}
	}
	return os.Chmod(filepath.Join(up, "root"), 0o700)
}

// network is the host's networkd file. It sorts before Debian's own for containers. Routes lead to the pods of every host there can be.
func (l *Lab) network(h Host) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[Match]\nName=host0\n\n[Network]\nAddress=%s/%d\nGateway=%s\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n", h.Address, l.Subnet.Bits(), l.gateway())
	for i := 1; i <= maxHosts; i++ {
		if i != h.Index {
			fmt.Fprintf(&b, "\n[Route]\nDestination=%s\nGateway=%s\n", podSubnet(i), l.address(i))
		}
	}
	return b.String()
}

// balancer is haproxy's configuration: every host that is or may become a control plane, those that answer are used.
func (l *Lab) balancer() string {
	var b strings.Builder
	b.WriteString("global\n  maxconn 4096\ndefaults\n  mode tcp\n  timeout connect 2s\n  timeout client 1h\n  timeout server 1h\n  timeout check 2s\n" +
		"frontend api\n  bind :6443\n  default_backend control-planes\n" +
		"backend control-planes\n  option httpchk GET /readyz\n  http-check expect status 200\n" +
		"  default-server check check-ssl verify none inter 1s fall 2 rise 1 on-marked-down shutdown-sessions\n")
	for _, h := range l.Of(RoleControlPlane, RoleBare) {
		fmt.Fprintf(&b, "  server %s %s:6443\n", h.Name, h.Address)
	}
	return b.String()
}

// conflist connects pods by a bridge; the routes between hosts are the network's.
func conflist(index int) string {
	raw, _ := json.MarshalIndent(map[string]any{
		"cniVersion": "1.0.0", "name": "lab",
		"plugins": []map[string]any{
			{
				"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
				"ipam": map[string]any{
					"type": "host-local", "ranges": [][]map[string]string{{{"subnet": podSubnet(index)}}},
					"routes": []map[string]string{{"dst": "0.0.0.0/0"}},
				},
			},
			{"type": "portmap", "capabilities": map[string]bool{"portMappings": true}},
		},
	}, "", "  ")
	return string(raw) + "\n"
}
