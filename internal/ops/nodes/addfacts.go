package nodes

import (
	corev1 "k8s.io/api/core/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/etcd"
)

// AddFacts are what the plan of a join rests on. What changes from moment to moment is no part of the digest.
type AddFacts struct {
	Cluster string `json:"cluster"`
	Host    string `json:"host"`
	// Node is the name that the node will have, NodeNamed says that the Host asks for it.
	Node      string `json:"node"`
	NodeNamed bool   `json:"nodeNamed,omitempty"`
	// Unreachable says why the host cannot be used; then nothing else is known of it.
	Unreachable string `json:"unreachable,omitempty"`
	// Of Host: before the operation, to be put back by an undo.
	HostNode  string              `json:"hostNode,omitempty"`
	HostRoles []v1alpha1.HostRole `json:"hostRoles,omitempty"`
	HostGroup string              `json:"hostGroup,omitempty"`
	Address   string              `json:"address"`

	Hostname string `json:"hostname,omitempty"`
	OS       string `json:"os,omitempty"`
	Arch     string `json:"arch,omitempty"`
	Swap     bool   `json:"swap,omitempty"`
	Runtime  string `json:"runtime,omitempty"`
	Kubelet  string `json:"kubelet,omitempty"`
	Kubeadm  string `json:"kubeadm,omitempty"`

	Preflight *Preflight `json:"preflight,omitempty"`

	// Of the cluster.
	Version      string   `json:"version"`
	Endpoint     string   `json:"endpoint,omitempty"` // host:port to discover and join at
	Stable       bool     `json:"stable,omitempty"`   // controlPlaneEndpoint is set
	Kubeadmed    bool     `json:"kubeadmed,omitempty"`
	CAHashes     []string `json:"caHashes,omitempty"`
	ExternalEtcd bool     `json:"externalEtcd,omitempty"`
	// Nodes are the names of all nodes, ControlPlanes those of control planes, ReadyControlPlanes how many are Ready.
	Nodes         []string          `json:"nodes"`
	ControlPlanes []string          `json:"controlPlanes,omitempty"`
	HostsOf       map[string]string `json:"hostsOf,omitempty"` // node or host name → another Host that has it
	// Via are the hosts of control planes that answer, and Etcd the members they know. For control planes only.
	Via       []string      `json:"via,omitempty"`
	Etcd      []etcd.Member `json:"etcd,omitempty"`
	EtcdError string        `json:"etcdError,omitempty"`

	// Bundle, when one is asked for.
	Bundle      string   `json:"bundle,omitempty"` // its digest
	BundleError string   `json:"bundleError,omitempty"`
	BundleKube  string   `json:"bundleKube,omitempty"`
	Brings      []string `json:"brings,omitempty"` // programs that matter

	// Volatile.
	ClockOffset int64             `json:"-"` // milliseconds
	ClockError  int64             `json:"-"`
	BundleBytes int64             `json:"-"`
	Engaged     map[string]string `json:"-"`
}

// AddOptions are the request.
type AddOptions struct {
	Host, Group, Bundle string
	Role                v1alpha1.HostRole
	Labels              map[string]string
	Taints              []corev1.Taint
	Ignore              map[string]bool
}

func (o AddOptions) controlPlane() bool { return o.Role == v1alpha1.RoleControlPlane }

// AddOptionsOf reads the request.
func AddOptionsOf(s *v1alpha1.AddNodeSpec) AddOptions {
	o := AddOptions{Host: s.Host, Group: s.Group, Bundle: s.Bundle, Role: s.Role, Labels: s.Labels, Taints: s.Taints, Ignore: map[string]bool{}}
	for _, n := range s.IgnorePreflight {
		o.Ignore[n] = true
	}
	return o
}

// brings reports whether the program will be there: on the host, from the bundle or from the package manager.
func (f *AddFacts) brings(program string) bool {
	for _, p := range f.Brings {
		if p == program {
			return true
		}
	}
	return false
}

// kubeletVersion that will join, and kubeadm's: of the bundle, else of the host, else of the package manager.
func (f *AddFacts) versions() (kubelet, kubeadm string) {
	kubelet, kubeadm = f.Kubelet, f.Kubeadm
	if f.Preflight != nil {
		if kubelet == "" {
			kubelet = f.Preflight.Packages["kubelet"]
		}
		if kubeadm == "" {
			kubeadm = f.Preflight.Packages["kubeadm"]
		}
	}
	if f.brings("kubelet") {
		kubelet = f.BundleKube
	}
	if f.brings("kubeadm") {
		kubeadm = f.BundleKube
	}
	return kubelet, kubeadm
}
