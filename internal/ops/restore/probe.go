package restore

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"kanrin.dev/kanrin/internal/hosts"
)

//go:embed probe.sh
var probeScript string

//go:embed room.sh
var roomScript string

// probeControlPlane asks a host for what it says of its control plane.
func probeControlPlane(ctx context.Context, m *hosts.Machine, h *Host) error {
	r, err := m.Script(ctx, probeScript)
	if err != nil {
		return err
	}
	api, err := parseProbe(r.Stdout, h)
	if err != nil {
		return err
	}
	if api != nil {
		if file := api.flag("encryption-provider-config"); file != "" {
			data, err := m.ReadFile(ctx, file, maxManifest)
			if err != nil {
				return fmt.Errorf("reading the encryption configuration: %w", err)
			}
			h.Encryption = short(bytes.TrimSpace(data))
		}
	}
	if h.DataDir == "" {
		return nil
	}
	if r, err = m.Script(ctx, roomScript, h.DataDir); err != nil {
		return err
	}
	for line := range strings.Lines(string(r.Stdout)) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 0 || n > 1<<50 {
			continue
		}
		switch k {
		case "free":
			h.FreeData = n << 10
		case "used":
			h.Used = n << 10
		}
	}
	return nil
}

// parseProbe reads the script's output into h and returns the API server's pod. Output that is not whole is an error.
func parseProbe(out []byte, h *Host) (api *staticPod, err error) {
	manifests := map[string][]byte{}
	whole := false
	for line := range strings.Lines(string(out)) {
		key, v, ok := strings.Cut(strings.TrimRight(line, "\n"), "=")
		if !ok {
			continue
		}
		switch key {
		case "manifest":
			name, data, _ := strings.Cut(v, " ")
			raw, err := base64.StdEncoding.DecodeString(data)
			if err == nil && slices.Contains(components, name) {
				manifests[name] = raw
			}
		case "kubelet":
			h.Kubelet = v
		case "ca":
			if raw, err := base64.StdEncoding.DecodeString(v); err == nil {
				h.CA = short(bytes.TrimSpace(raw))
			}
		case "lacks":
			h.Lacks = append(h.Lacks, v)
		case "state":
			if n, err := strconv.ParseInt(v, 10, 64); err == nil && n >= 0 && n < 1<<50 {
				h.FreeState = n << 10
			}
		case "end":
			whole = true
		}
	}
	if !whole {
		return nil, errors.New("the probe did not come to its end")
	}
	sum := sha256.New()
	for _, c := range components {
		raw, ok := manifests[c]
		if !ok {
			h.Missing = append(h.Missing, c)
			continue
		}
		fmt.Fprintf(sum, "%s %d\n%s", c, len(raw), raw)
		p, err := parseStaticPod(raw)
		if err != nil {
			h.Broken = append(h.Broken, c)
			continue
		}
		switch c {
		case podEtcd:
			h.takeEtcd(p)
		case podAPIServer:
			h.Kubernetes, h.APIPort, h.EtcdServers = p.version(), p.ports(c)[0], p.flag("etcd-servers")
			api = p
		}
	}
	h.Manifests = hex.EncodeToString(sum.Sum(nil))[:12]
	return api, nil
}

func (h *Host) takeEtcd(p *staticPod) {
	h.Member, h.PeerURL, h.Etcd = p.flag("name"), p.flag("initial-advertise-peer-urls"), p.version()
	h.WALDir = p.flag("wal-dir")
	if d := p.flag("data-dir"); path.IsAbs(d) && path.Clean(d) != "/" {
		h.DataDir = path.Clean(d)
	}
}

// components are the static pods of a control plane.
var components = []string{podEtcd, podAPIServer, podController, podScheduler}

// short is a digest to compare with.
func short(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])[:16]
}
