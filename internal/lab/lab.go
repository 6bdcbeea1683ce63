//go:build linux

package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// DefaultDir holds labs, one directory each.
const DefaultDir = "/var/lib/kanrin-lab"

// Roles of lab hosts.
const (
	RoleControlPlane = "control-plane"
	RoleWorker       = "worker"
	RoleBalancer     = "proxy"
	RoleBare         = "bare" // a Debian host with sshd and nothing else, to be joined by Kanrin
)

// Lab is one lab as it stands in its state file.
type Lab struct {
	Name       string `json:"name"`
	Kubernetes string `json:"kubernetes"`
	// Subnet is the network of the hosts; its first address is the machine's own.
	Subnet netip.Prefix `json:"subnet"`
	// Base is the prepared directory that the hosts lie over.
	Base  string `json:"base"`
	Hosts []Host `json:"hosts"`

	dir string
}

// Host of a lab.
type Host struct {
	Name    string     `json:"name"`
	Role    string     `json:"role"`
	Index   int        `json:"index"` // from 1; decides the addresses
	Address netip.Addr `json:"address"`
	// HostKey is its public key in the form of authorized_keys.
	HostKey string `json:"hostKey"`
}

// Errors of finding a lab.
var (
	ErrNoLab  = errors.New("there is no such lab")
	ErrExists = errors.New("the lab exists already")
	ErrNoHost = errors.New("the lab has no such host")
)

// names keep interface names (15 characters, "kl-" and "vb-") whole.
var namePattern = regexp.MustCompile(`^[a-z][a-z0-9]{0,5}$`)

// CheckName refuses names that do not fit into interface and machine names.
func CheckName(name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("lab name %q: one to six lower-case letters and digits, a letter first", name)
	}
	return nil
}

// Open reads a lab below dir; ErrNoLab when there is none.
func Open(dir, name string) (*Lab, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	l := &Lab{dir: filepath.Join(dir, name)}
	raw, err := os.ReadFile(l.path("lab.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", name, ErrNoLab)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the state of lab %s: %w", name, err)
	}
	if err := json.Unmarshal(raw, l); err != nil {
		return nil, fmt.Errorf("reading the state of lab %s: %w", name, err)
	}
	return l, nil
}

// List returns the labs below dir, by name.
func List(dir string) ([]*Lab, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing labs: %w", err)
	}
	var out []*Lab
	for _, e := range entries {
		if l, err := Open(dir, e.Name()); err == nil {
			out = append(out, l)
		}
	}
	return out, nil
}

func (l *Lab) save() error {
	raw, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the state of lab %s: %w", l.Name, err)
	}
	tmp := l.path("lab.json.new")
	if err := os.WriteFile(tmp, append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the state of lab %s: %w", l.Name, err)
	}
	if err := os.Rename(tmp, l.path("lab.json")); err != nil {
		return fmt.Errorf("writing the state of lab %s: %w", l.Name, err)
	}
	return nil
}

func (l *Lab) path(parts ...string) string {
	return filepath.Join(append([]string{l.dir}, parts...)...)
}

// KeyFile is the private key that opens every host (users root and ops), KubeconfigFile the cluster's administrator kubeconfig.
func (l *Lab) KeyFile() string        { return l.path("id_ed25519") }
func (l *Lab) KubeconfigFile() string { return l.path("kubeconfig") }

// BundleDir holds binaries and images for a host without a registry, in the format of Kanrin's bundles.
func (l *Lab) BundleDir() string { return filepath.Join(l.Base, "bundle") }

// Host finds a host by name; ErrNoHost when there is none.
func (l *Lab) Host(name string) (*Host, error) {
	for i := range l.Hosts {
		if l.Hosts[i].Name == name {
			return &l.Hosts[i], nil
		}
	}
	return nil, fmt.Errorf("%s: %w; it has %s", name, ErrNoHost, strings.Join(l.names(), ", "))
}

func (l *Lab) names() []string {
	out := make([]string, len(l.Hosts))
	for i, h := range l.Hosts {
		out[i] = h.Name
	}
	return out
}

// Of returns the hosts of the roles, in order.
func (l *Lab) Of(roles ...string) []Host {
	var out []Host
	for _, h := range l.Hosts {
		if slices.Contains(roles, h.Role) {
			out = append(out, h)
		}
	}
	return out
}

func (l *Lab) bridge() string        { return "kl-" + l.Name }
func (l *Lab) machine(h Host) string { return l.Name + "-" + h.Name }
func (l *Lab) group(h Host) string   { return "kanrin-lab/" + l.Name + "/" + h.Name }
func (l *Lab) hostDir(h Host, p ...string) string {
	return l.path(append([]string{"hosts", h.Name}, p...)...)
}

// gateway is the machine's own address in the lab.
func (l *Lab) gateway() netip.Addr { return l.Subnet.Masked().Addr().Next() }

// Endpoint is where the cluster's API is reached, through the load balancer.
func (l *Lab) Endpoint() string {
	for _, h := range l.Of(RoleBalancer) {
		return netip.AddrPortFrom(h.Address, 6443).String()
	}
	return ""
}

// address of the host with an index: .11 for the first.
func (l *Lab) address(index int) netip.Addr {
	a := l.Subnet.Masked().Addr().As4()
	a[3] = byte(10 + index)
	return netip.AddrFrom4(a)
}

// podSubnet of the host with an index.
func podSubnet(index int) string { return fmt.Sprintf("10.244.%d.0/24", index) }

// maxHosts of a lab: addresses and routes are laid out for that many.
const maxHosts = 40

// Dir holds the lab's directory and those of the others.
func (l *Lab) Dir() string { return filepath.Dir(l.dir) }

// KnownHosts are the host keys in the form of OpenSSH's known_hosts.
func (l *Lab) KnownHosts() string {
	var b strings.Builder
	for _, h := range l.Hosts {
		fmt.Fprintf(&b, "%s %s\n", h.Address, h.HostKey)
	}
	return b.String()
}
