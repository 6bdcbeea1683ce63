package restore

import (
	"slices"
	"strings"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/etcd"
)

// Facts are what a plan rests on, as plain data. What changes all the time (whether a machine answers, room on disks, revisions) is for
// findings and forecasts, and no part of the digest.
type Facts struct {
	Cluster string    `json:"cluster"`
	Set     *SetFacts `json:"set,omitempty"`
	Hosts   []Host    `json:"hosts"` // by name
	// Unhosted are nodes of control planes without a registered host.
	Unhosted []string `json:"unhosted,omitempty"`
	// Member is the id of the broken member, hexadecimal; only for mode Member.
	Member string `json:"member,omitempty"`

	Etcd      []etcd.Member `json:"-"`
	EtcdError string        `json:"-"`
	EtcdBytes int64         `json:"-"`
	// Highest is the highest revision known of: of etcd, of the sets, of earlier restores.
	Highest int64     `json:"-"`
	Program int64     `json:"-"` // bytes of kanrin-kube
	Tool    string    `json:"-"` // version of its etcdutl
	Now     time.Time `json:"-"`
}

// Host is a machine of the cluster.
type Host struct {
	Name         string `json:"name"`
	Node         string `json:"node,omitempty"`
	ControlPlane bool   `json:"controlPlane,omitempty"`
	// Member, PeerURL and DataDir are etcd's, from its manifest.
	Member  string `json:"member,omitempty"`
	PeerURL string `json:"peerURL,omitempty"`
	DataDir string `json:"dataDir,omitempty"`
	WALDir  string `json:"walDir,omitempty"`
	// Etcd and Kubernetes are versions: 3.6.6, v1.36.3.
	Etcd       string `json:"etcd,omitempty"`
	Kubernetes string `json:"kubernetes,omitempty"`
	APIPort    int    `json:"apiPort,omitempty"`
	// EtcdServers are those that the API server uses.
	EtcdServers string `json:"etcdServers,omitempty"`
	// CA and Encryption are digests of the cluster's authority and of the encryption configuration; empty when there is none.
	CA         string `json:"ca,omitempty"`
	Encryption string `json:"encryption,omitempty"`
	// Manifests is the digest of all of them, Missing are those that are not there, Broken those that cannot be read.
	Manifests string   `json:"manifests,omitempty"`
	Missing   []string `json:"missing,omitempty"`
	Broken    []string `json:"broken,omitempty"`

	// Left is a host that the request leaves out: it is gone for good.
	Left bool `json:"left,omitempty"`
	// Archived says that the set holds the host's own files, Leftovers are traces of a cluster; only for mode Everything.
	Archived  bool     `json:"archived,omitempty"`
	Leftovers []string `json:"leftovers,omitempty"`
	Addresses []string `json:"addresses,omitempty"`
	Runtime   string   `json:"runtime,omitempty"` // the unit that is active

	Unreachable string   `json:"-"`
	Kubelet     string   `json:"-"` // active
	Lacks       []string `json:"-"` // programs
	FreeData    int64    `json:"-"` // bytes; -1 when not known
	FreeState   int64    `json:"-"`
	Used        int64    `json:"-"` // by the data of etcd
}

// SetFacts describe the set.
type SetFacts struct {
	Name       string `json:"name"`
	Digest     string `json:"digest,omitempty"`
	Phase      string `json:"phase,omitempty"`
	Kubernetes string `json:"kubernetes,omitempty"`
	// Etcd and Keys are the names of the components; empty when the set has none.
	Etcd        string    `json:"etcd,omitempty"`
	EtcdVersion string    `json:"etcdVersion,omitempty"`
	Keys        string    `json:"keys,omitempty"`
	Revision    int64     `json:"revision,omitempty"`
	At          time.Time `json:"at"`
	Missing     int32     `json:"missing,omitempty"`
	// Hosts are those whose own files the set holds.
	Hosts []string `json:"hosts,omitempty"`

	Error     string `json:"-"` // why it cannot be opened
	KeysError string `json:"-"` // why its keys cannot be read
	Objects   int64  `json:"-"`
	Bytes     int64  `json:"-"` // of the snapshot
	// CA and Encryption are digests as in Host; CAKnown says that the set's keys could be read.
	CA         string `json:"-"`
	CAKnown    bool   `json:"-"`
	Encryption string `json:"-"`
}

// Options are the request.
type Options struct {
	Mode           v1alpha1.RestoreMode
	Backup, Member string
	Unproven       bool
	WithoutPresent bool
	// Without are hosts of control planes that are gone for good.
	Without []string
}

// OptionsOf reads the request.
func OptionsOf(r *v1alpha1.RestoreClusterRequest) Options {
	o := Options{Mode: r.Mode, Backup: r.Backup, Member: r.Member, Unproven: r.Unproven, WithoutPresent: r.WithoutPresent, Without: r.Without}
	if o.Mode == "" {
		o.Mode = v1alpha1.RestoreAllMembers
	}
	return o
}

// controlPlanes are the hosts with a control plane.
func (f *Facts) controlPlanes() []Host {
	var out []Host
	for _, h := range f.Hosts {
		if h.ControlPlane && !h.Left {
			out = append(out, h)
		}
	}
	return out
}

// others are the reachable hosts of other nodes.
func (f *Facts) others() []Host {
	var out []Host
	for _, h := range f.Hosts {
		if !h.ControlPlane && h.Node != "" && h.Unreachable == "" {
			out = append(out, h)
		}
	}
	return out
}

func (f *Facts) host(name string) *Host {
	i := slices.IndexFunc(f.Hosts, func(h Host) bool { return h.Name == name })
	if i < 0 {
		return nil
	}
	return &f.Hosts[i]
}

// initialCluster is name=peerURL of all members.
func initialCluster(hs []Host) string {
	parts := make([]string, 0, len(hs))
	for _, h := range hs {
		parts = append(parts, h.Member+"="+h.PeerURL)
	}
	return strings.Join(parts, ",")
}

// minBump is what the documentation of etcd advises at least.
const minBump = 1_000_000_000

// bump is by how much the revisions of the snapshot are raised: beyond any that anybody may have seen, in whole steps, so that a plan
// made a minute later is the same.
func (f *Facts) bump() int64 {
	ahead := max(0, f.Highest-f.Set.Revision)
	return minBump * (1 + (ahead+minBump-1)/minBump)
}

func names(hs []Host) string {
	out := make([]string, len(hs))
	for i, h := range hs {
		out[i] = h.Name
	}
	return strings.Join(out, ", ")
}
