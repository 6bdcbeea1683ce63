package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Cluster is a Kubernetes cluster that Kanrin operates. It lives in a namespace of the same name, together with
// everything else about that cluster, so that ordinary RBAC says who may do what to which cluster.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=kanrin
// +kubebuilder:printcolumn:name="Health",type=string,JSONPath=`.status.health`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.status.version`
// +kubebuilder:printcolumn:name="Nodes",type=string,JSONPath=`.status.nodesText`
// +kubebuilder:printcolumn:name="Pods",type=integer,JSONPath=`.status.pods.total`
// +kubebuilder:printcolumn:name="Server",type=string,JSONPath=`.status.server`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Cluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec ClusterSpec `json:"spec"`
	// +optional
	Status ClusterStatus `json:"status,omitempty"`
}

// ClusterSpec says how a cluster is reached and how it may be operated.
type ClusterSpec struct {
	// KubeconfigSecret names a Secret in the same namespace whose key "kubeconfig" holds a kubeconfig with exactly
	// one context and no references to files or programs.
	// +kubebuilder:validation:MinLength=1
	KubeconfigSecret string `json:"kubeconfigSecret"`
	// Demo marks the throwaway cluster that `kanrin up --demo` brings along.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="demo cannot be changed"
	Demo bool `json:"demo,omitempty"`
	// Limits bound what Kanrin asks of the cluster's API server.
	// +optional
	Limits ClusterLimits `json:"limits,omitempty"`
	// Recovery says whether Kanrin brings failing workers back by itself; it does not unless it is enabled.
	// +optional
	Recovery RecoveryPolicy `json:"recovery,omitempty"`
	// Etcd says how etcd is reached when not through a control plane's host.
	// +optional
	Etcd *EtcdAccess `json:"etcd,omitempty"`
}

// EtcdAccess is how the etcd of a cluster is reached directly.
type EtcdAccess struct {
	// Endpoints are https URLs of members.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=9
	// +kubebuilder:validation:items:MaxLength=300
	// +kubebuilder:validation:items:Pattern=`^https://`
	Endpoints []string `json:"endpoints"`
	// SecretName names a Secret of the same namespace with ca.crt, tls.crt and tls.key, and encryption, the API server's
	// EncryptionConfiguration, when it has one.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName"`
	// Prefix of the API server's keys; empty means /registry.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Prefix string `json:"prefix,omitempty"`
}

// RecoveryPolicy is what may be done to a worker that is not Ready, without a person. Control planes are never touched.
type RecoveryPolicy struct {
	// +optional
	Enabled bool `json:"enabled,omitempty"`
	// MaxPercent of the workers may be in recovery or not Ready at once; with more out, something larger is wrong and nothing is done.
	// 0 means the default of 20; at least one worker may always be recovered.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MaxPercent int32 `json:"maxPercent,omitempty"`
	// AfterSeconds is how long a worker must have been not Ready. 0 means the default of 300.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	AfterSeconds int32 `json:"afterSeconds,omitempty"`
	// Reboot allows the last rung of the ladder: kubelet restart, runtime restart, reboot.
	// +optional
	Reboot bool `json:"reboot,omitempty"`
}

// ClusterLimits is the one rate limit that all operations of a cluster share.
type ClusterLimits struct {
	// EvictionsPerSecond is the sustained rate of evictions and deletions over all operations; 0 means the default of 100.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	EvictionsPerSecond int32 `json:"evictionsPerSecond,omitempty"`
}

// Health of a cluster as the operator should read it.
// +kubebuilder:validation:Enum=Healthy;Attention;Degraded;Stopped;Unreachable;Unknown
type Health string

const (
	HealthHealthy     Health = "Healthy"     // reachable, nothing needs a person
	HealthAttention   Health = "Attention"   // warnings
	HealthDegraded    Health = "Degraded"    // blockers or nodes not ready
	HealthStopped     Health = "Stopped"     // stopped by an operation, and not started since
	HealthUnreachable Health = "Unreachable" // the last contact failed, see condition Reachable
	HealthUnknown     Health = "Unknown"     // not looked at yet
)

// ConditionReachable of a Cluster: its API server answers and lets Kanrin in. Its reasons are ReachReason values.
const ConditionReachable = "Reachable"

// Reasons for which a cluster cannot be used; each has a message of its own in both languages.
const (
	ReasonConnected    = "Connected"
	ReasonUnreachable  = "Unreachable" // no TCP connection, no answer, or name not resolved
	ReasonExpired      = "CredentialExpired"
	ReasonForbidden    = "Forbidden" // authenticated, but may not list nodes and pods
	ReasonUnauthorized = "Unauthorized"
	ReasonWrongCA      = "WrongCA"
	ReasonInvalid      = "InvalidKubeconfig"
)

// ClusterStatus is what was last seen of the cluster.
type ClusterStatus struct {
	// +optional
	Health Health `json:"health,omitempty"`
	// Server is the URL of the cluster's API server.
	// +optional
	Server string `json:"server,omitempty"`
	// Version is the API server's gitVersion, such as v1.36.3.
	// +optional
	Version string `json:"version,omitempty"`
	// +optional
	Nodes Ratio `json:"nodes,omitempty"`
	// NodesText is Nodes for people: "12/12".
	// +optional
	NodesText string `json:"nodesText,omitempty"`
	// +optional
	Pods PodCounts `json:"pods,omitempty"`
	// +optional
	Capacity Capacity `json:"capacity,omitempty"`
	// Findings are what needs a person, most severe first; at most 100.
	// +optional
	// +kubebuilder:validation:MaxItems=100
	Findings []Finding `json:"findings,omitempty"`
	// LastSeen is when the API server last answered.
	// +optional
	LastSeen *metav1.Time `json:"lastSeen,omitempty"`
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Ratio counts the ready ones of a total.
type Ratio struct {
	Ready int32 `json:"ready"`
	Total int32 `json:"total"`
}

// PodCounts counts pods by phase.
type PodCounts struct {
	Total   int32 `json:"total"`
	Running int32 `json:"running,omitempty"`
	Pending int32 `json:"pending,omitempty"`
	Failed  int32 `json:"failed,omitempty"`
}

// Capacity is what nodes can give and what pods have asked for.
type Capacity struct {
	// +optional
	CPU Usage `json:"cpu,omitempty"`
	// +optional
	Memory Usage `json:"memory,omitempty"`
}

// Usage of one resource: requested of allocatable.
type Usage struct {
	Requested   resource.Quantity `json:"requested,omitempty"`
	Allocatable resource.Quantity `json:"allocatable,omitempty"`
}

// ClusterList is a list of clusters.
//
// +kubebuilder:object:root=true
type ClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Cluster `json:"items"`
}
