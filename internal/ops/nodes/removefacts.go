package nodes

import (
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/etcd"
)

// RemoveFacts are what the plan of a removal rests on.
type RemoveFacts struct {
	Cluster string `json:"cluster"`
	Node    string `json:"node"`
	UID     string `json:"uid,omitempty"` // of the Node; empty when there is no such object any more
	// Host is the registered machine, empty when there is none.
	Host          string   `json:"host,omitempty"`
	HostKeySecret string   `json:"hostKeySecret,omitempty"`
	BMCSecret     string   `json:"bmcSecret,omitempty"`
	Unreachable   string   `json:"unreachable,omitempty"`
	ControlPlane  bool     `json:"controlPlane,omitempty"`
	Ready         bool     `json:"ready,omitempty"`
	Cordoned      bool     `json:"cordoned,omitempty"`
	CordonedBy    string   `json:"cordonedBy,omitempty"`
	Addresses     []string `json:"addresses,omitempty"`
	// Server is the address at which Kanrin reaches the cluster, Endpoint the cluster's own.
	Server   string `json:"server,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`

	ControlPlanes      []string `json:"controlPlanes,omitempty"`
	ReadyControlPlanes int      `json:"readyControlPlanes"`
	Workers            int      `json:"workers"`
	// Unmanaged pods have no controller; Blocked budgets allow nothing even when all their pods are healthy.
	Unmanaged []string `json:"unmanaged,omitempty"`
	Never     []string `json:"never,omitempty"`
	// CNI says that the machine has configuration of the network that Kanrin did not see come.
	Recorded bool `json:"recorded,omitempty"`

	// Etcd for control planes: the members as one of those that stay knows them.
	ExternalEtcd bool          `json:"externalEtcd,omitempty"`
	Via          []string      `json:"via,omitempty"`
	Etcd         []etcd.Member `json:"etcd,omitempty"`
	EtcdError    string        `json:"etcdError,omitempty"`

	// Proof that a dead machine is off.
	Power       string   `json:"power,omitempty"` // on, off, unknown, or empty without control
	PowerError  bool     `json:"powerError,omitempty"`
	LeaseFresh  bool     `json:"leaseFresh,omitempty"`
	Answers     []string `json:"answers,omitempty"`   // who heard what
	Witnesses   []string `json:"witnesses,omitempty"` // hosts that listened too
	Attachments []string `json:"attachments,omitempty"`

	// Volatile.
	Pods     int               `json:"-"`
	LeaseAge int64             `json:"-"` // seconds
	Engaged  map[string]string `json:"-"`
}

// RemoveOptions are the request.
type RemoveOptions struct {
	Node             string
	Dead, KeepHost   bool
	AcceptSplitBrain string
}

// RemoveOptionsOf reads the request.
func RemoveOptionsOf(s *v1alpha1.RemoveNodeSpec) RemoveOptions {
	return RemoveOptions{Node: s.Node, Dead: s.Dead, KeepHost: s.KeepHost, AcceptSplitBrain: s.AcceptSplitBrain}
}

// gone picks the etcd members of the node.
func (f *RemoveFacts) gone(m etcd.Member) bool { return m.Is(f.Node, f.Addresses) }

// member is the node's own, if it has one.
func (f *RemoveFacts) member() *etcd.Member {
	for i := range f.Etcd {
		if f.gone(f.Etcd[i]) {
			return &f.Etcd[i]
		}
	}
	return nil
}
