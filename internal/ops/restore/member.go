package restore

import (
	"slices"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/etcd"
	"kanrin.dev/kanrin/internal/plan"
)

// gone picks the broken member.
func (f *Facts) gone(m etcd.Member) bool { return f.Member != "" && m.ID == f.Member }

// CheckMember finds what stands in the way of replacing a member.
func CheckMember(f *Facts, o Options) []v1alpha1.Finding {
	x := &findings{}
	h := f.host(o.Member)
	if !h.ControlPlane {
		x.block("RestoreNotControlPlane", "Host", h.Name)
		return x.sorted()
	}
	own := *f
	own.Set = nil
	x.plane(&own, h)
	rest := etcd.QuorumOf(etcd.Without(f.Etcd, f.gone))
	before, after, verdict := etcd.JudgeRemoval(f.Etcd, f.gone)
	switch {
	case f.EtcdError != "":
		x.block("RestoreNoMembers", "Cluster", f.Cluster, "why", f.EtcdError)
	case verdict != etcd.RemovalFine || !before.Has() || !rest.Has():
		x.block("RestoreMemberQuorum", "Host", h.Name, "voters", before.Voters, "healthy", after.Healthy, "quorum", before.Needed())
	case f.Member == "":
		x.warn("RestoreMemberGone", "Host", h.Name)
	}
	for _, m := range f.Etcd {
		switch {
		case f.gone(m) && m.Healthy && !m.Learner:
			x.warn("RestoreMemberHealthy", "Host", h.Name)
		case !f.gone(m) && m.Learner:
			x.block("EtcdLearner", "Cluster", f.Cluster, "member", etcd.Names([]etcd.Member{m}))
		}
	}
	if f.EtcdBytes > 0 && h.FreeData >= 0 && h.FreeData < f.EtcdBytes+(512<<20) {
		x.block("RestoreRoom", "Host", h.Name, "free", h.FreeData, "needed", f.EtcdBytes+(512<<20), "dir", h.DataDir)
	}
	return x.sorted()
}

// ComposeMember makes the plan of replacing one member.
func ComposeMember(op string, f *Facts, o Options, fs []v1alpha1.Finding) (*plan.Draft, error) {
	h := f.host(o.Member)
	c := &composer{}
	var via []string
	for _, p := range f.controlPlanes() {
		if p.Name != h.Name {
			via = append(via, p.Name)
		}
	}
	a := hostArgs{
		Host: h.Name, Node: h.Node, Member: h.Member, PeerURL: h.PeerURL, DataDir: h.DataDir, APIPort: h.APIPort, Old: f.Member, Via: via, Joins: true,
	}
	one := []hostArgs{a}
	c.each(KindStopEtcd, undoUnfence, 8, stopTime, one)
	c.each(KindAside, undoUnswap, 1, quickTime, one)
	c.each(KindDismiss, "", 2, stopTime, one)
	c.each(KindLearner, "", 2, stopTime, one)
	c.each(KindStartEtcd, "", 5, stopTime, one)
	c.each(KindPromote, "", 5+seconds(f.EtcdBytes), joinTime, one)
	c.each(KindTidy, "", 1, quickTime, one)
	c.NoReturn("dismiss-" + h.Name)

	before := etcd.QuorumOf(f.Etcd)
	rest := slices.DeleteFunc(slices.Clone(f.Etcd), f.gone)
	c.Say("RestoreMember", "host", h.Name, "member", h.Member, "others", etcd.Names(rest))
	after := etcd.QuorumOf(rest)
	c.Say("RestoreMemberQuorum", "voters", before.Voters, "healthy", before.Healthy, "votersMeanwhile", after.Voters, "healthyMeanwhile", after.Healthy,
		"quorumMeanwhile", after.Needed())
	c.Say("RestoreMemberKeeps", "host", h.Name, "dir", h.DataDir, "operation", op)
	return c.finish(f, h.Name, fs)
}

// clusterOf is --initial-cluster for a member that joins: all members with their names, and itself.
func clusterOf(members []etcd.Member, name, peerURL string) string {
	var parts []string
	for _, m := range members {
		n := m.Name
		if slices.Contains(m.PeerURLs, peerURL) {
			n = name // it has no name before it has started
		}
		if n == "" || len(m.PeerURLs) == 0 {
			continue
		}
		parts = append(parts, n+"="+m.PeerURLs[0])
	}
	slices.Sort(parts)
	if own := name + "=" + peerURL; !slices.Contains(parts, own) {
		parts = append(parts, own)
	}
	return strings.Join(parts, ",")
}
