package restore

import (
	"slices"
	"sort"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/etcd"
	"kanrin.dev/kanrin/internal/lang"
)

// findings collects what stands in the way and what somebody should know.
type findings struct{ list []v1alpha1.Finding }

func (x *findings) add(severity v1alpha1.Severity, code, kind, object string, ways []v1alpha1.Way, pairs ...any) {
	params := lang.P(pairs...)
	params["object"] = object
	x.list = append(x.list, v1alpha1.Finding{
		Severity: severity, Code: code, Kind: kind, Object: object, Params: params, Ways: ways, Message: lang.English.Text("finding."+code, params),
	})
}

func (x *findings) block(code, kind, object string, pairs ...any) {
	x.add(v1alpha1.SeverityBlocker, code, kind, object, nil, pairs...)
}

func (x *findings) warn(code, kind, object string, pairs ...any) {
	x.add(v1alpha1.SeverityWarning, code, kind, object, nil, pairs...)
}

// unless is a blocker that is accepted by a switch of the request.
func (x *findings) unless(accepted bool, field, flag, code, kind, object string, pairs ...any) {
	if accepted {
		x.warn(code, kind, object, pairs...)
		return
	}
	x.add(v1alpha1.SeverityBlocker, code, kind, object, []v1alpha1.Way{{Code: field, Flag: flag, Field: field, Value: "true"}}, pairs...)
}

// sorted are the findings, most severe first.
func (x *findings) sorted() []v1alpha1.Finding {
	rank := map[v1alpha1.Severity]int{v1alpha1.SeverityBlocker: 0, v1alpha1.SeverityWarning: 1, v1alpha1.SeverityInfo: 2}
	sort.SliceStable(x.list, func(i, j int) bool { return rank[x.list[i].Severity] < rank[x.list[j].Severity] })
	return x.list
}

// CheckAll finds what stands in the way of a restore of all members.
func CheckAll(f *Facts, o Options) []v1alpha1.Finding {
	x := &findings{}
	x.set(f, o)
	planes := f.controlPlanes()
	if len(planes) == 0 {
		x.block("RestoreNoControlPlane", "Cluster", f.Cluster)
	}
	for _, n := range f.Unhosted {
		x.block("RestoreNoHost", "Node", n)
	}
	for i := range planes {
		x.plane(f, &planes[i])
	}
	for _, h := range f.Hosts {
		switch {
		case !h.Left:
		case h.Unreachable == "":
			x.block("RestoreLeftAnswers", "Host", h.Name)
		default:
			x.warn("RestoreLeftOut", "Host", h.Name)
		}
	}
	x.strangers(f, planes)
	for _, h := range f.Hosts {
		if !h.ControlPlane && h.Node != "" && h.Unreachable != "" {
			x.warn("RestoreWorkerSilent", "Host", h.Name, "why", h.Unreachable)
		}
	}
	if f.EtcdError != "" {
		x.unless(o.WithoutPresent, "withoutPresent", "--without-present", "RestorePresentUnreadable", "Cluster", f.Cluster, "why", f.EtcdError)
	}
	return x.sorted()
}

// set looks at what is restored from.
func (x *findings) set(f *Facts, o Options) {
	s := f.Set
	switch v1alpha1.BackupPhase(s.Phase) {
	case v1alpha1.BackupProven:
	case v1alpha1.BackupInProgress, v1alpha1.BackupFailed, "":
		x.block("RestoreSetUnfinished", "Backup", s.Name)
	case v1alpha1.BackupProofFailed:
		x.unless(o.Unproven, "unproven", "--unproven", "RestoreSetFailedProof", "Backup", s.Name)
	default:
		x.unless(o.Unproven, "unproven", "--unproven", "RestoreSetUnproven", "Backup", s.Name)
	}
	switch {
	case s.Etcd == "":
		x.block("RestoreSetNoEtcd", "Backup", s.Name)
		return
	case s.Error != "":
		x.block("RestoreSetUnreadable", "Backup", s.Name, "why", s.Error)
		return
	case s.Revision <= 0:
		x.block("RestoreSetNoRevision", "Backup", s.Name)
	}
	if s.Missing > 0 {
		x.warn("RestoreSetIncomplete", "Backup", s.Name, "count", s.Missing)
	}
	if s.KeysError != "" {
		x.warn("RestoreKeysUnknown", "Backup", s.Name, "why", s.KeysError)
	}
}

// plane looks at one control plane.
func (x *findings) plane(f *Facts, h *Host) {
	s := f.Set
	switch {
	case h.Unreachable != "":
		var ways []v1alpha1.Way
		if s != nil {
			ways = []v1alpha1.Way{{Code: "restoreWithout", Flag: "--without " + h.Name, Field: "without", Value: h.Name}}
		}
		x.add(v1alpha1.SeverityBlocker, "RestoreHostSilent", "Host", h.Name, ways, "why", h.Unreachable)
		return
	case slices.Contains(h.Missing, podEtcd) && h.EtcdServers != "" && !strings.Contains(h.EtcdServers, "127.0.0.1"):
		x.block("ExternalEtcd", "Cluster", f.Cluster)
		return
	case len(h.Missing) > 0:
		x.block("RestoreManifestMissing", "Host", h.Name, "names", strings.Join(h.Missing, ", "))
		return
	case len(h.Broken) > 0:
		x.block("RestoreManifestBroken", "Host", h.Name, "names", strings.Join(h.Broken, ", "))
		return
	case h.Member == "" || h.PeerURL == "" || h.DataDir == "":
		x.block("RestoreManifestBroken", "Host", h.Name, "names", podEtcd)
		return
	}
	if h.WALDir != "" {
		x.block("RestoreWALDir", "Host", h.Name, "dir", h.WALDir)
	}
	if h.Kubelet != "active" {
		x.block("RestoreKubelet", "Host", h.Name, "state", h.Kubelet)
	}
	if len(h.Lacks) > 0 {
		x.block("RestoreProgramMissing", "Host", h.Name, "names", strings.Join(h.Lacks, ", "))
	}
	x.room(f, h)
	if s == nil {
		return
	}
	if s.CAKnown && h.CA != s.CA {
		x.block("RestoreOtherCluster", "Host", h.Name, "backup", s.Name)
	}
	switch {
	case h.Encryption == s.Encryption || s.KeysError != "" && s.Encryption == "":
	case s.Encryption == "":
		x.warn("RestoreEncryptionNew", "Host", h.Name, "backup", s.Name)
	default:
		x.block("RestoreEncryptionDiffers", "Host", h.Name, "backup", s.Name)
	}
	x.versions(f, h)
}

// room: the snapshot and what is made of it lie beside the data that stays; kanrin-kube lies below /var/lib.
func (x *findings) room(f *Facts, h *Host) {
	const margin = 512 << 20
	if f.Set == nil {
		return
	}
	if need := 2*f.Set.Bytes + margin; h.FreeData >= 0 && h.FreeData < need {
		x.block("RestoreRoom", "Host", h.Name, "free", h.FreeData, "needed", need, "dir", h.DataDir)
	}
	if need := f.Program + 64<<20; h.FreeState >= 0 && h.FreeState < need {
		x.block("RestoreRoom", "Host", h.Name, "free", h.FreeState, "needed", need, "dir", "/var/lib")
	}
}

func (x *findings) versions(f *Facts, h *Host) {
	s := f.Set
	set, ok1 := parseMinor(s.Kubernetes)
	own, ok2 := parseMinor(h.Kubernetes)
	switch {
	case !ok1 || !ok2 || set == own:
	case own.less(set):
		x.block("RestoreSetNewer", "Host", h.Name, "version", h.Kubernetes, "set", s.Kubernetes)
	default:
		x.warn("RestoreSetOlder", "Host", h.Name, "version", h.Kubernetes, "set", s.Kubernetes)
	}
	set, ok1 = parseMinor(s.EtcdVersion)
	own, ok2 = parseMinor(h.Etcd)
	if ok1 && ok2 && own.less(set) {
		x.block("RestoreEtcdOlder", "Host", h.Name, "version", h.Etcd, "set", s.EtcdVersion)
	} else if tool, ok := parseMinor(f.Tool); ok && ok2 && own != tool {
		x.warn("RestoreEtcdTool", "Host", h.Name, "version", h.Etcd, "tool", f.Tool)
	}
}

// strangers are members of etcd that belong to no host: their API servers could not be fenced.
func (x *findings) strangers(f *Facts, planes []Host) {
	for _, m := range f.Etcd {
		known := slices.ContainsFunc(f.Hosts, func(h Host) bool {
			return h.Member != "" && m.Name == h.Member || slices.Contains(m.PeerURLs, h.PeerURL)
		})
		silent := slices.ContainsFunc(f.Hosts, func(h Host) bool { return h.ControlPlane && (h.Unreachable != "" || h.Member == "") })
		if !known && !silent {
			x.block("RestoreStranger", "Member", etcd.Names([]etcd.Member{m}), "urls", strings.Join(m.PeerURLs, ", "))
		}
	}
	seen := map[string]string{}
	for _, h := range planes {
		if other, twice := seen[h.Member]; twice && h.Member != "" {
			x.block("RestoreNameTwice", "Host", h.Name, "member", h.Member, "other", other)
		}
		seen[h.Member] = h.Name
	}
}
