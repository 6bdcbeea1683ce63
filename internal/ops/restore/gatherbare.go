package restore

import (
	"archive/tar"
	"context"
	_ "embed"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
)

//go:embed bare.sh
var bareScript string

// gatherBare reads what a restore onto bare hosts rests on.
func (b base) gatherBare(ctx context.Context, f *Facts) error {
	list, err := b.Hosts.Hosts(ctx, f.Cluster)
	if err != nil {
		return err
	}
	for i := range list {
		h := &list[i]
		if h.Spec.NodeName == "" {
			continue
		}
		f.Hosts = append(f.Hosts, Host{
			Name: h.Name, Node: h.Spec.NodeName, ControlPlane: slices.Contains(h.Spec.Roles, v1alpha1.RoleControlPlane),
			Archived: slices.Contains(f.Set.Hosts, h.Name), FreeData: -1, FreeState: -1,
		})
	}
	err = b.askAll(ctx, f, func(ctx context.Context, m *hosts.Machine, h *Host) error {
		r, err := m.Script(ctx, bareScript)
		if err != nil {
			return err
		}
		return parseBare(r.Stdout, h)
	})
	if err != nil {
		return err
	}
	if err := b.highest(ctx, f); err != nil {
		return err
	}
	b.openSet(ctx, f)
	if f.Set.Error != "" || f.Set.Keys == "" {
		return nil
	}
	set, err := b.d.Sets.Open(ctx, f.Cluster, f.Set.Name)
	if err != nil {
		f.Set.Error = oneLine(err)
		return nil
	}
	defer set.Close() //nolint:errcheck // only read from
	for i := range f.Hosts {
		if h := &f.Hosts[i]; h.Archived {
			if err := readArchive(ctx, set, f.Set.Keys, h); err != nil {
				f.Set.KeysError = oneLine(err)
			}
		}
	}
	return ctx.Err()
}

// parseBare reads the script's output; output that is not whole is an error.
func parseBare(out []byte, h *Host) error {
	for line := range strings.Lines(string(out)) {
		key, v, _ := strings.Cut(strings.TrimRight(line, "\n"), "=")
		switch key {
		case "leftover":
			h.Leftovers = append(h.Leftovers, v)
		case "runtime":
			h.Runtime = v
		case "lacks":
			h.Lacks = append(h.Lacks, v)
		case "address":
			h.Addresses = append(h.Addresses, v)
		case "free", "state":
			if n, err := strconv.ParseInt(v, 10, 64); err == nil && n >= 0 && n < 1<<50 {
				if key == "free" {
					h.FreeData = n << 10
				} else {
					h.FreeState = n << 10
				}
			}
		case "end":
			slices.Sort(h.Addresses)
			return nil
		}
	}
	return errors.New("the probe did not come to its end")
}

// readArchive reads the static pods of a host out of its own files.
func readArchive(ctx context.Context, set Set, keys string, h *Host) error {
	found := map[string]bool{}
	err := walkSealed(ctx, set, path.Join(keys, h.Name+fileKeys), func(e *tar.Header, clean string, content io.Reader) error {
		name, ok := strings.CutSuffix(clean, ".yaml")
		name, in := strings.CutPrefix(name, "etc/kubernetes/manifests/")
		if !ok || !in || e.Typeflag != tar.TypeReg || !slices.Contains(components, name) {
			return nil
		}
		raw, err := readSmall(content)
		if err != nil {
			return err
		}
		p, err := parseStaticPod(raw)
		if err != nil {
			h.Broken = append(h.Broken, name)
			return nil
		}
		found[name] = true
		switch name {
		case podEtcd:
			h.takeEtcd(p)
		case podAPIServer:
			h.Kubernetes, h.APIPort, h.EtcdServers = p.version(), p.ports(name)[0], p.flag("etcd-servers")
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		h.Archived = false
		return nil
	}
	for _, c := range components {
		if !found[c] && h.ControlPlane {
			h.Missing = append(h.Missing, c)
		}
	}
	return err
}
