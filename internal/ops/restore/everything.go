package restore

import (
	"archive/tar"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/plan"
)

//go:embed bare.sh
var bareScript string

// Everything was lost: hosts of the same names and addresses, with programs and runtime but without a cluster, get their own files from
// the set, and etcd is made from the snapshot. From there on it is a restore of all members.

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

// members are the hosts that become members of etcd again.
func (f *Facts) members() []Host {
	return slices.DeleteFunc(slices.Clone(f.Hosts), func(h Host) bool { return !h.ControlPlane || !h.Archived })
}

// workers are the other hosts of the set; survivors those that were not lost.
func (f *Facts) workers() (archived, survivors []Host) {
	for _, h := range f.Hosts {
		switch {
		case h.ControlPlane || h.Unreachable != "":
		case len(h.Leftovers) > 0:
			survivors = append(survivors, h)
		case h.Archived:
			archived = append(archived, h)
		}
	}
	return archived, survivors
}

// CheckEverything finds what stands in the way of a restore onto bare hosts.
func CheckEverything(f *Facts, o Options) []v1alpha1.Finding {
	x := &findings{}
	x.set(f, o)
	if f.Set.Keys == "" {
		x.block("RestoreSetNoKeys", "Backup", f.Set.Name)
		return x.sorted()
	}
	members := f.members()
	if len(members) == 0 {
		x.block("RestoreNoMember", "Cluster", f.Cluster, "hosts", strings.Join(f.Set.Hosts, ", "))
	}
	for _, name := range f.Set.Hosts {
		if f.host(name) == nil {
			x.warn("RestoreHostLeft", "Host", name)
		}
	}
	for i := range f.Hosts {
		h := &f.Hosts[i]
		switch {
		case h.ControlPlane && h.Archived:
			x.bare(f, h)
		case h.ControlPlane:
			x.warn("RestoreHostNew", "Host", h.Name)
		case h.Unreachable != "":
			x.warn("RestoreWorkerSilent", "Host", h.Name, "why", h.Unreachable)
		case len(h.Leftovers) == 0 && !h.Archived:
			x.warn("RestoreWorkerBare", "Host", h.Name)
		case len(h.Leftovers) == 0:
			x.programs(h)
		}
	}
	return x.sorted()
}

// bare looks at a host that becomes a control plane again.
func (x *findings) bare(f *Facts, h *Host) {
	switch {
	case h.Unreachable != "":
		x.block("RestoreBareSilent", "Host", h.Name, "why", h.Unreachable)
		return
	case len(h.Leftovers) > 0:
		x.block("RestoreNotBare", "Host", h.Name, "paths", strings.Join(h.Leftovers, ", "))
		return
	case len(h.Missing) > 0 || len(h.Broken) > 0 || h.Member == "" || h.DataDir == "":
		x.block("RestoreArchiveLacks", "Host", h.Name, "names", strings.Join(append(slices.Clone(h.Missing), h.Broken...), ", "))
		return
	}
	if u, err := url.Parse(h.PeerURL); err != nil || !slices.Contains(h.Addresses, u.Hostname()) {
		x.block("RestoreAddressDiffers", "Host", h.Name, "url", h.PeerURL, "addresses", strings.Join(h.Addresses, ", "))
	}
	if h.WALDir != "" {
		x.block("RestoreWALDir", "Host", h.Name, "dir", h.WALDir)
	}
	x.programs(h)
	x.room(f, h)
	x.versions(f, h)
}

func (x *findings) programs(h *Host) {
	if h.Runtime == "" {
		x.block("RestoreRuntime", "Host", h.Name)
	}
	if len(h.Lacks) > 0 {
		x.block("RestoreProgramMissing", "Host", h.Name, "names", strings.Join(h.Lacks, ", "))
	}
}

// ComposeEverything makes the plan of a restore onto bare hosts.
func ComposeEverything(op string, f *Facts, fs []v1alpha1.Finding) (*plan.Draft, error) {
	d := &plan.Draft{Facts: f, Target: f.Cluster}
	d.Plan.Findings = fs
	c := &composer{draft: d}
	s, members := f.Set, f.members()
	archived, survivors := f.workers()
	bump, cluster := f.bump(), initialCluster(members)
	var planes, own, kubelets []hostArgs
	var via, nodes []string
	for _, h := range members {
		planes = append(planes, hostArgs{
			Host: h.Name, Node: h.Node, Member: h.Member, PeerURL: h.PeerURL, DataDir: h.DataDir, APIPort: h.APIPort, Backup: s.Name, Etcd: s.Etcd,
			Keys: s.Keys, Cluster: cluster, Token: "kanrin-" + op, Bump: bump,
		})
		via, nodes = append(via, h.Name), append(nodes, h.Node)
	}
	own = slices.Clone(planes)
	for _, h := range archived {
		own = append(own, hostArgs{Host: h.Name, Node: h.Node, Backup: s.Name, Keys: s.Keys, DataDir: noData})
		nodes = append(nodes, h.Node)
	}
	for _, h := range survivors {
		kubelets = append(kubelets, hostArgs{Host: h.Name, Node: h.Node})
		nodes = append(nodes, h.Node)
	}
	set := setArgs{Backup: s.Name, Etcd: s.Etcd, Via: via}
	c.add(v1alpha1.Step{ID: "verify", Kind: KindVerify, ForecastSeconds: seconds(s.Bytes), TimeoutSeconds: longTime}, set, "backup", s.Name)
	c.each(KindStage, undoUnstage, seconds(int64(len(planes))*(s.Bytes+f.Program)), longTime, planes, "backup", s.Name)
	c.each(KindBuild, undoUnstage, 1+seconds(s.Bytes), longTime, planes, "bump", bump)
	c.each(KindUnpack, undoUnplace, 2, stopTime, own, "backup", s.Name)
	c.each(KindSwap, undoUnswap, 1, quickTime, planes)
	c.each(KindKubeletUp, undoKubelet, 5, stopTime, own)
	c.each(KindStartEtcd, undoEtcd, 5, stopTime, planes)
	gate := gateArgs{Hosts: via, Nodes: nodes, Revision: s.Revision, Bump: bump}
	c.add(v1alpha1.Step{ID: "quorum", Kind: KindQuorum, ForecastSeconds: 10, TimeoutSeconds: gateTime}, gate, "count", len(planes), "revision", s.Revision+bump)
	c.each(KindServe, "", 15, gateTime, planes)
	if len(planes) > 0 {
		d.Plan.PointOfNoReturn = "serve-" + planes[0].Host
	}
	c.each(KindKubelet, "", 5, stopTime, kubelets)
	c.each(KindControl, "", 8, stopTime, planes)
	c.add(v1alpha1.Step{ID: "gate", Kind: KindGate, ForecastSeconds: 20, TimeoutSeconds: gateTime}, gate, "count", len(nodes))
	c.each(KindTidy, "", 1, quickTime, own)
	at := s.At.UTC().Format(time.RFC3339)
	c.say("RestoreFrom", "cluster", f.Cluster, "backup", s.Name, "at", at, "revision", s.Revision, "objects", s.Objects)
	c.say("RestoreLoses", "at", at, "age", max(0, int64(f.Now.Sub(s.At).Seconds())))
	c.say("RestoreEverything", "hosts", names(members), "archived", names(archived), "survivors", names(survivors))
	c.say("RestoreBump", "bump", bump, "to", s.Revision+bump)
	c.forecast()
	return d, c.err
}

// noData stands for the data directory of hosts without etcd.
const noData = "/var/lib/kanrin/restore"

// ownFiles are the paths that a host gets back, below /. Settings of its runtime and of its system stay what they are.
var ownFiles = []string{"etc/kubernetes/", "var/lib/kubelet/", "etc/cni/net.d/", "etc/default/kubelet"}

// repack writes those entries of a host's archive that it gets back, and nothing that would lead elsewhere: foreign bytes reach the host
// only as files and links below ownFiles.
func repack(ctx context.Context, set Set, name string, w io.Writer) error {
	out := tar.NewWriter(w)
	count := 0
	err := walkSealed(ctx, set, name, func(h *tar.Header, clean string, content io.Reader) error {
		if !slices.ContainsFunc(ownFiles, func(p string) bool { return strings.HasPrefix(clean, p) || clean == p }) || strings.ContainsAny(clean, "\n\x00") {
			return nil
		}
		to := &tar.Header{Name: clean, Mode: h.Mode & 0o777, ModTime: h.ModTime, Uid: h.Uid, Gid: h.Gid, Typeflag: h.Typeflag}
		switch h.Typeflag {
		case tar.TypeReg:
			if h.Size > maxOwnFile {
				return errors.New(clean + " is too large")
			}
			to.Size = h.Size
		case tar.TypeSymlink:
			target := h.Linkname
			if !path.IsAbs(target) {
				target = path.Join("/", path.Dir(clean), target)
			}
			if target = strings.TrimPrefix(path.Clean(target), "/"); !slices.ContainsFunc(ownFiles, func(p string) bool { return strings.HasPrefix(target, p) }) {
				return nil
			}
			to.Linkname = h.Linkname
		default:
			return nil // directories are made where they are needed
		}
		count++
		if err := out.WriteHeader(to); err != nil {
			return err
		}
		if to.Size == 0 {
			return nil
		}
		_, err := io.Copy(out, content)
		return err
	})
	if err == nil && count == 0 {
		err = fs.ErrNotExist
	}
	return errors.Join(err, out.Close())
}

const maxOwnFile = 64 << 20

// packed is repack into memory: the files of a host are few and small.
func packed(ctx context.Context, set Set, name string) ([]byte, error) {
	var buf bytes.Buffer
	if err := repack(ctx, set, name, &limited{&buf, 256 << 20}); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// limited is a writer that refuses more than so much.
type limited struct {
	to   io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, errors.New("the files of the host are too many")
	}
	return l.to.Write(p)
}
