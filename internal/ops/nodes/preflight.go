package nodes

import (
	"bufio"
	"bytes"
	_ "embed"
	"errors"
	"slices"
	"strconv"
	"strings"
)

//go:embed preflight.sh
var preflightScript string

// Preflight is what a host says of itself before it becomes a node.
type Preflight struct {
	Systemd     bool     `json:"systemd,omitempty"`
	CgroupV2    bool     `json:"cgroupV2,omitempty"`
	IPForward   bool     `json:"ipForward,omitempty"`
	Bridge      string   `json:"bridge,omitempty"` // bridge-nf-call-iptables; empty without the module
	BrNetfilter bool     `json:"brNetfilter,omitempty"`
	Overlay     bool     `json:"overlay,omitempty"`
	Ports       []int    `json:"ports,omitempty"` // listened on, those that matter
	Leftovers   []string `json:"leftovers,omitempty"`
	CNI         []string `json:"cni,omitempty"`
	Programs    []string `json:"programs,omitempty"`
	Addresses   []string `json:"addresses,omitempty"`
	Endpoint    string   `json:"endpoint,omitempty"` // yes, no, or empty when it could not be tried
	// Packages are the candidates of its package manager.
	Packages map[string]string `json:"packages,omitempty"`

	DiskBytes int64 `json:"-"` // free below /var/lib; it changes all the time
}

// ports that matter: of the kubelet, and of a control plane.
var (
	kubeletPorts      = []int{10250}
	controlPlanePorts = []int{6443, 2379, 2380, 10257, 10259}
)

// parsePreflight reads the script's output; one that is not whole is an error.
func parsePreflight(out []byte) (*Preflight, error) {
	p := &Preflight{Packages: map[string]string{}, DiskBytes: -1}
	whole := false
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		key, v, ok := strings.Cut(lines.Text(), "=")
		if !ok {
			continue
		}
		switch key {
		case "systemd":
			p.Systemd = v == "yes"
		case "cgroup":
			p.CgroupV2 = v == "cgroup2fs"
		case "ipforward":
			p.IPForward = v == "1"
		case "bridge":
			p.Bridge = v
		case "brnetfilter":
			p.BrNetfilter = v == "yes"
		case "overlay":
			p.Overlay = v == "yes"
		case "disk":
			if n, err := strconv.ParseInt(v, 10, 64); err == nil && n >= 0 && n < 1<<50 {
				p.DiskBytes = n << 10
			}
		case "port":
			if n, err := strconv.ParseInt(v, 16, 32); err == nil && (slices.Contains(kubeletPorts, int(n)) || slices.Contains(controlPlanePorts, int(n))) {
				p.Ports = append(p.Ports, int(n))
			}
		case "leftover":
			p.Leftovers = append(p.Leftovers, v)
		case "cni":
			p.CNI = append(p.CNI, v)
		case "program":
			p.Programs = append(p.Programs, v)
		case "address":
			p.Addresses = append(p.Addresses, v)
		case "endpoint":
			p.Endpoint = v
		case "end":
			whole = true
		default:
			if name, ok := strings.CutPrefix(key, "apt."); ok {
				p.Packages[name] = v
			}
		}
	}
	if !whole {
		return nil, errors.New("the preflight did not come to its end")
	}
	slices.Sort(p.Ports)
	p.Ports = slices.Compact(p.Ports)
	slices.Sort(p.Addresses)
	return p, nil
}

func (p *Preflight) has(program string) bool { return slices.Contains(p.Programs, program) }
