package restore

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/plan"
)

// Everything was lost: hosts of the same names and addresses, with programs and runtime but without a cluster, get their own files from
// the set, and etcd is made from the snapshot. From there on it is a restore of all members.

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
	c := &composer{}
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
	c.Step(v1alpha1.Step{ID: "verify", Kind: KindVerify, ForecastSeconds: seconds(s.Bytes), TimeoutSeconds: longTime}, set, "backup", s.Name)
	c.each(KindStage, undoUnstage, seconds(int64(len(planes))*(s.Bytes+f.Program)), longTime, planes, "backup", s.Name)
	c.each(KindBuild, undoUnstage, 1+seconds(s.Bytes), longTime, planes, "bump", bump)
	c.each(KindUnpack, undoUnplace, 2, stopTime, own, "backup", s.Name)
	c.each(KindSwap, undoUnswap, 1, quickTime, planes)
	c.each(KindKubeletUp, undoKubelet, 5, stopTime, own)
	c.each(KindStartEtcd, undoEtcd, 5, stopTime, planes)
	gate := gateArgs{Hosts: via, Nodes: nodes, Revision: s.Revision, Bump: bump}
	c.Step(v1alpha1.Step{ID: "quorum", Kind: KindQuorum, ForecastSeconds: 10, TimeoutSeconds: gateTime}, gate, "count", len(planes), "revision", s.Revision+bump)
	c.each(KindServe, "", 15, gateTime, planes)
	if len(planes) > 0 {
		c.NoReturn("serve-" + planes[0].Host)
	}
	c.each(KindKubelet, "", 5, stopTime, kubelets)
	c.each(KindControl, "", 8, stopTime, planes)
	c.Step(v1alpha1.Step{ID: "gate", Kind: KindGate, ForecastSeconds: 20, TimeoutSeconds: gateTime}, gate, "count", len(nodes))
	c.each(KindTidy, "", 1, quickTime, own)
	at := s.At.UTC().Format(time.RFC3339)
	c.Say("RestoreFrom", "cluster", f.Cluster, "backup", s.Name, "at", at, "revision", s.Revision, "objects", s.Objects)
	c.Say("RestoreLoses", "at", at, "age", max(0, int64(f.Now.Sub(s.At).Seconds())))
	c.Say("RestoreEverything", "hosts", orDash(names(members)), "archived", orDash(names(archived)), "survivors", orDash(names(survivors)))
	c.Say("RestoreBump", "bump", bump, "to", s.Revision+bump)
	return c.finish(f, f.Cluster, fs)
}

// noData stands for the data directory of hosts without etcd.
const noData = "/var/lib/kanrin/restore"
