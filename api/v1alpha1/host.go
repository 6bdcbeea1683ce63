package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Host is a machine of a cluster, reached over SSH. Its host key is pinned: a machine that shows another one is not spoken to.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=kanrin
// +kubebuilder:printcolumn:name="Address",type=string,JSONPath=`.spec.address`
// +kubebuilder:printcolumn:name="Node",type=string,JSONPath=`.spec.nodeName`
// +kubebuilder:printcolumn:name="Roles",type=string,JSONPath=`.spec.roles`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="OS",type=string,JSONPath=`.status.facts.os`
// +kubebuilder:printcolumn:name="Kubelet",type=string,JSONPath=`.status.facts.kubelet`
// +kubebuilder:printcolumn:name="Runtime",type=string,JSONPath=`.status.facts.runtime`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Host struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec HostSpec `json:"spec"`
	// +optional
	Status HostStatus `json:"status,omitempty"`
}

// HostRole says what a machine is for.
// +kubebuilder:validation:Enum=control-plane;worker;management;proxy;scanner
type HostRole string

const (
	RoleControlPlane HostRole = "control-plane"
	RoleWorker       HostRole = "worker"
	RoleManagement   HostRole = "management"
	RoleProxy        HostRole = "proxy"
	RoleScanner      HostRole = "scanner"
)

// HostSpec says which machine a host is and how it is reached.
type HostSpec struct {
	// Address is the IP address or DNS name of the machine.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Address string `json:"address"`
	// Port of its SSH server; 0 means 22.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`
	// User to sign in as; empty means root. Any other needs sudo without a password.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^([a-z_][a-z0-9_.-]*)?$`
	User string `json:"user,omitempty"`
	// KeySecret names a Secret in the same namespace whose key "ssh-privatekey" holds the private key (type kubernetes.io/ssh-auth).
	// +optional
	// +kubebuilder:validation:MaxLength=253
	KeySecret string `json:"keySecret,omitempty"`
	// HostKey is the pinned public key in the form of authorized_keys: "ssh-ed25519 AAAA…". Without one the machine is not spoken to.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	HostKey string `json:"hostKey,omitempty"`
	// NodeName is the name of the Node object that runs on it, when it has one.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	NodeName string `json:"nodeName,omitempty"`
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	Roles []HostRole `json:"roles,omitempty"`
	// Group is a free name for machines of a kind; its nodes carry the label kanrin.dev/group.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Group string `json:"group,omitempty"`
	// Tier orders workers when a cluster stops and starts: lower tiers start first and stop last.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Tier int32 `json:"tier,omitempty"`
	// Power says how the machine is switched on and off from outside.
	// +optional
	Power PowerSpec `json:"power,omitempty"`
}

// PowerSpec is one of a BMC or a command.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.bmc) && has(self.command))",message="bmc or command, not both"
type PowerSpec struct {
	// BMC is switched over IPMI 2.0 (RMCP+).
	// +optional
	BMC *BMCSpec `json:"bmc,omitempty"`
	// Command names an executable in the directory power.d of Kanrin's data directory. It is called with on, off or status, the
	// name of the host and its address; status prints on or off.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9][a-zA-Z0-9_-]*$`
	Command string `json:"command,omitempty"`
}

// BMCSpec is a baseboard management controller.
type BMCSpec struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Address string `json:"address"`
	// Port is its UDP port; 0 means 623.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`
	// CredentialsSecret names a Secret in the same namespace with the keys "username" and "password".
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	CredentialsSecret string `json:"credentialsSecret"`
}

// HostState is what the last look at a host said.
// +kubebuilder:validation:Enum=Reachable;Unreachable;NoAnswer;HostKeyChanged;HostKeyMissing;Unauthorized;SudoRefused;Unknown
type HostState string

const (
	HostReachable    HostState = "Reachable"
	HostUnreachable  HostState = "Unreachable"    // no TCP connection
	HostNoAnswer     HostState = "NoAnswer"       // the connection is accepted, and then nothing comes
	HostKeyChanged   HostState = "HostKeyChanged" // the machine shows another key than the pinned one
	HostKeyMissing   HostState = "HostKeyMissing" // no key is pinned
	HostUnauthorized HostState = "Unauthorized"   // the machine refuses the key
	HostSudoRefused  HostState = "SudoRefused"    // sudo asks for a password or refuses
	HostUnknown      HostState = "Unknown"
)

// ConditionHostUsable of a Host: commands run on it as root. Its reasons are HostState values.
const ConditionHostUsable = "Usable"

// HostStatus is what was last seen of the machine.
type HostStatus struct {
	// +optional
	State HostState `json:"state,omitempty"`
	// Message says why the state is not Reachable and what to do, in English; Params are what it is made of (key hoststate.<state>).
	// +optional
	Message string `json:"message,omitempty"`
	// +optional
	Params map[string]string `json:"params,omitempty"`
	// Fingerprint of the pinned key, SHA256:….
	// +optional
	Fingerprint string `json:"fingerprint,omitempty"`
	// Addresses are those that the Node reports.
	// +optional
	Addresses []corev1.NodeAddress `json:"addresses,omitempty"`
	// Facts of the last time that it was reachable.
	// +optional
	Facts *HostFacts `json:"facts,omitempty"`
	// Power is on, off or unknown, as its BMC or command says.
	// +optional
	Power string `json:"power,omitempty"`
	// LastSeen is when it last answered.
	// +optional
	LastSeen *metav1.Time `json:"lastSeen,omitempty"`
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// HostFacts is what a machine says of itself.
type HostFacts struct {
	// OS is PRETTY_NAME of os-release.
	OS       string `json:"os,omitempty"`
	Kernel   string `json:"kernel,omitempty"`
	Arch     string `json:"arch,omitempty"`
	Hostname string `json:"hostname,omitempty"`
	// BootID changes with each boot (/proc/sys/kernel/random/boot_id; in a container, of its init process).
	BootID   string       `json:"bootID,omitempty"`
	BootedAt *metav1.Time `json:"bootedAt,omitempty"`
	CPUs     int32        `json:"cpus,omitempty"`
	// +optional
	Memory resource.Quantity `json:"memory,omitempty"`
	Swap   bool              `json:"swap,omitempty"`
	// Runtime is the container runtime with its version, Kubelet and Kubeadm are versions; empty when there is none.
	Runtime string `json:"runtime,omitempty"`
	Kubelet string `json:"kubelet,omitempty"`
	Kubeadm string `json:"kubeadm,omitempty"`
	// KubeletState and RuntimeState are systemd's ActiveState: active, inactive, failed; empty when there is no such unit.
	KubeletState string `json:"kubeletState,omitempty"`
	RuntimeState string `json:"runtimeState,omitempty"`
	// EtcdMember says that there is an etcd data directory of kubeadm on it.
	EtcdMember bool `json:"etcdMember,omitempty"`
	// ClockOffsetMilliseconds is the machine's clock minus Kanrin's, and ClockErrorMilliseconds how far that may be off.
	ClockOffsetMilliseconds int64 `json:"clockOffsetMilliseconds"`
	ClockErrorMilliseconds  int64 `json:"clockErrorMilliseconds"`
	// +optional
	// +kubebuilder:validation:MaxItems=32
	Disks []HostDisk `json:"disks,omitempty"`
}

// HostDisk is a mounted file system that matters: /, /var/lib/etcd, /var/lib/containerd, /var/lib/kubelet, /var/log.
type HostDisk struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
	// Available to those who are not root.
	Available int64 `json:"available"`
}

// HostList is a list of hosts.
//
// +kubebuilder:object:root=true
type HostList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Host `json:"items"`
}
