package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// StopSpec asks for a whole cluster to be stopped in order, so that it comes back as it was.
//
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="the request of an operation cannot be changed; create a new one"
type StopSpec struct {
	// ScaleDown are tiers of workloads that are scaled to zero one tier after the other, before anything else, and scaled back in the
	// reverse order by the start.
	// +optional
	// +kubebuilder:validation:MaxItems=10
	ScaleDown []WorkloadTier `json:"scaleDown,omitempty"`
	// Drain evicts the pods of workers before they stop. Otherwise pods stay bound to their nodes and are stopped there with their grace
	// period, and are started again in place.
	// +optional
	Drain bool `json:"drain,omitempty"`
	// PowerOff switches the machines off as well.
	// +optional
	PowerOff bool `json:"powerOff,omitempty"`
	// Until is the announced restart: certificates that run out before it forbid the stop.
	// +optional
	Until *metav1.Time `json:"until,omitempty"`
	// SuspendWebhooks names webhook configurations (kind/name, such as ValidatingWebhookConfiguration/policy) that are set to ignore
	// failures for the time of the stop and the start, and put back after.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=300
	SuspendWebhooks []string `json:"suspendWebhooks,omitempty"`
}

// WorkloadTier is scaled together.
type WorkloadTier struct {
	// Workloads are Deployments or StatefulSets, Kind/namespace/name.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MaxLength=520
	Workloads []string `json:"workloads"`
}

// StartSpec asks for a cluster to be started in order, from whatever state its machines are in.
//
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="the request of an operation cannot be changed; create a new one"
type StartSpec struct {
	// SuspendWebhooks as in StopSpec, for a cluster that went down without a stop.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=300
	SuspendWebhooks []string `json:"suspendWebhooks,omitempty"`
	// Without names hosts that are not waited for, such as one that is broken.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=200
	// +kubebuilder:validation:items:MaxLength=253
	Without []string `json:"without,omitempty"`
}

// RestartWhat is what is restarted on a node.
// +kubebuilder:validation:Enum=Reboot;Runtime;Kubelet
type RestartWhat string

const (
	RestartReboot  RestartWhat = "Reboot"
	RestartRuntime RestartWhat = "Runtime"
	RestartKubelet RestartWhat = "Kubelet"
)

// RestartSpec asks for nodes to be restarted one group after the other.
//
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="the request of an operation cannot be changed; create a new one"
type RestartSpec struct {
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=200
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	Nodes []string `json:"nodes"`
	// +optional
	// +kubebuilder:default=Reboot
	What RestartWhat `json:"what,omitempty"`
	// MaxUnavailable is how many workers may be out at the same time; 0 means 1. Control planes go one by one.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=200
	MaxUnavailable int32 `json:"maxUnavailable,omitempty"`
	// SkipDrain restarts under running pods.
	// +optional
	SkipDrain bool `json:"skipDrain,omitempty"`
}

// AddNodeSpec asks for a host to become a node.
//
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="the request of an operation cannot be changed; create a new one"
type AddNodeSpec struct {
	// Host is the name of a registered Host.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Host string `json:"host"`
	// Role: worker and control-plane join the cluster; management, proxy and scanner join as workers with the role's label and taint.
	Role HostRole `json:"role"`
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Group string `json:"group,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	Labels map[string]string `json:"labels,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxItems=16
	Taints []corev1.Taint `json:"taints,omitempty"`
	// Bundle is a name below the directory bundles of Kanrin's data directory: binaries, packages and images for hosts without a
	// registry or the internet. Empty means that the host has what it needs, or gets it from its package manager.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^([a-zA-Z0-9][a-zA-Z0-9_.-]*)?$`
	Bundle string `json:"bundle,omitempty"`
	// IgnorePreflight names checks of the preflight (and of kubeadm's) whose failure is accepted.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=100
	IgnorePreflight []string `json:"ignorePreflight,omitempty"`
}

// RemoveNodeSpec asks for a node to leave the cluster.
//
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="the request of an operation cannot be changed; create a new one"
type RemoveNodeSpec struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Node string `json:"node"`
	// Dead says that the machine does not answer and is not expected back: nothing is asked of it.
	// +optional
	Dead bool `json:"dead,omitempty"`
	// AcceptSplitBrain is the node's name, typed by somebody who knows that the machine is off although nothing proves it.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	AcceptSplitBrain string `json:"acceptSplitBrain,omitempty"`
	// KeepHost leaves the Host registered.
	// +optional
	KeepHost bool `json:"keepHost,omitempty"`
}

// RecoverSpec asks for one failing worker to be brought back: kubelet restart, runtime restart, reboot, each only if the one before did
// not help.
//
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="the request of an operation cannot be changed; create a new one"
type RecoverSpec struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Node string `json:"node"`
	// Reboot allows the last rung.
	// +optional
	Reboot bool `json:"reboot,omitempty"`
}
