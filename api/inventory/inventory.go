// Package inventory holds the JSON shapes of Kanrin's read-only views of managed clusters: what the console and the CLI list.
// They are rows made for reading, served under /kanrin/v1; the objects themselves are read with kubectl or the YAML view.
//
// It is data only and imports nothing of Kanrin.
package inventory

import (
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Page is one page of a server-paged list.
type Page[T any] struct {
	Items []T `json:"items"`
	// Total counts all rows that match the filter, Offset is the first row of this page.
	Total  int `json:"total"`
	Offset int `json:"offset"`
	// Revision changes whenever any row of the list may have changed.
	Revision int64 `json:"revision"`
	// StaleSince is set when the cluster has not been heard since then.
	StaleSince *time.Time `json:"staleSince,omitempty"`
}

// Resources are amounts: millicores and bytes.
type Resources struct {
	CPUMilli    int64 `json:"cpuMilli"`
	MemoryBytes int64 `json:"memoryBytes"`
	Pods        int64 `json:"pods,omitempty"`
}

// Node is one row of the node list.
type Node struct {
	Name    string    `json:"name"`
	UID     string    `json:"uid"`
	Created time.Time `json:"created"`
	// State is Ready, NotReady or Unknown (the kubelet stopped reporting).
	State string `json:"state"`
	// StateReason and StateMessage come from the Ready condition when it is not True.
	StateReason   string   `json:"stateReason,omitempty"`
	StateMessage  string   `json:"stateMessage,omitempty"`
	Roles         []string `json:"roles,omitempty"`
	Zone          string   `json:"zone,omitempty"`
	Version       string   `json:"version,omitempty"`
	Unschedulable bool     `json:"unschedulable,omitempty"`
	// CordonedBy is the operation (or "kubectl" when unknown) that cordoned the node, CordonedAt since when.
	CordonedBy string     `json:"cordonedBy,omitempty"`
	CordonedAt *time.Time `json:"cordonedAt,omitempty"`
	Addresses  []string   `json:"addresses,omitempty"`
	OS         string     `json:"os,omitempty"`
	Kernel     string     `json:"kernel,omitempty"`
	Runtime    string     `json:"runtime,omitempty"`
	Taints     []string   `json:"taints,omitempty"`
	// Pressure lists conditions that are True and should not be, such as MemoryPressure.
	Pressure    []string  `json:"pressure,omitempty"`
	Allocatable Resources `json:"allocatable"`
	Requested   Resources `json:"requested"`
	// Pods running on it.
	Pods int `json:"pods"`
}

// Workload is one row of the workload list: a Deployment, StatefulSet, DaemonSet, Job, CronJob, a ReplicaSet or
// ReplicationController of its own, or an unmanaged Pod.
type Workload struct {
	Kind      string    `json:"kind"`
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	UID       string    `json:"uid"`
	Created   time.Time `json:"created"`
	// State is Healthy, Progressing, Degraded or Finished; Reason says why when it is not Healthy.
	State   string `json:"state"`
	Reason  string `json:"reason,omitempty"`
	Ready   int32  `json:"ready"`
	Desired int32  `json:"desired"`
	// Zones counts running pods by zone.
	Zones map[string]int `json:"zones,omitempty"`
	// Budgets are the disruption budgets that cover it (namespace/name) and what they allow now.
	Budgets []Budget `json:"budgets,omitempty"`
	// Images without registry digest.
	Images   []string  `json:"images,omitempty"`
	Priority string    `json:"priority,omitempty"`
	Requests Resources `json:"requests"`
	// SurgedBy is the operation that added a replica for as long as it runs.
	SurgedBy string `json:"surgedBy,omitempty"`
}

// Budget is a PodDisruptionBudget as it stands.
type Budget struct {
	Name string `json:"name"`
	// Rule is the requirement in its own words: "minAvailable 3" or "maxUnavailable 25%".
	Rule    string `json:"rule"`
	Healthy int32  `json:"healthy"`
	Desired int32  `json:"desired"`
	Allowed int32  `json:"allowed"`
	// Expected is the number of pods that it counts.
	Expected int32 `json:"expected"`
}

// Pod is one row of the pod list.
type Pod struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	UID       string    `json:"uid"`
	Created   time.Time `json:"created"`
	// State is what kubectl shows in STATUS: Running, Pending, Terminating, CrashLoopBackOff, Completed …
	State    string `json:"state"`
	Reason   string `json:"reason,omitempty"`
	Ready    int32  `json:"ready"`
	Total    int32  `json:"total"`
	Restarts int32  `json:"restarts"`
	Node     string `json:"node,omitempty"`
	Zone     string `json:"zone,omitempty"`
	// Owner is the workload it belongs to, Kind/namespace/name; empty for an unmanaged pod.
	Owner    string    `json:"owner,omitempty"`
	IP       string    `json:"ip,omitempty"`
	Requests Resources `json:"requests"`
	// Class is how a drain sees it: evictable, daemonset, static, finished or unmanaged.
	Class string `json:"class"`
	// LocalData names emptyDir volumes (and hostPath ones with the prefix "hostPath:").
	LocalData []string `json:"localData,omitempty"`
	// Volumes are claims, with the zone they are bound to when they are.
	Volumes []Volume `json:"volumes,omitempty"`
	Budgets []Budget `json:"budgets,omitempty"`
}

// Volume is a claim of a pod.
type Volume struct {
	Claim string `json:"claim"`
	Class string `json:"class,omitempty"`
	// Zones where the volume can be mounted; empty means anywhere.
	Zones []string `json:"zones,omitempty"`
	// Nodes where it can be mounted when it is bound to named nodes (a local volume).
	Nodes []string `json:"nodes,omitempty"`
	Bytes int64    `json:"bytes,omitempty"`
	Bound bool     `json:"bound"`
}

// Event of the cluster about one object.
type Event struct {
	Time    time.Time `json:"time"`
	Type    string    `json:"type"`
	Reason  string    `json:"reason"`
	Object  string    `json:"object"`
	Message string    `json:"message"`
	Count   int32     `json:"count,omitempty"`
	Source  string    `json:"source,omitempty"`
}

// ClusterRow is one cluster on the overview.
type ClusterRow struct {
	Name     string                     `json:"name"`
	Demo     bool                       `json:"demo,omitempty"`
	Status   v1alpha1.ClusterStatus     `json:"status"`
	Findings []v1alpha1.Finding         `json:"findings,omitempty"`
	Running  []OperationRow             `json:"running,omitempty"`
	Recent   []OperationRow             `json:"recent,omitempty"`
	Zones    []Zone                     `json:"zones,omitempty"`
	Access   map[string]map[string]bool `json:"access,omitempty"`
}

// Zone sums up the workers of a zone.
type Zone struct {
	Name        string    `json:"name"`
	Nodes       int       `json:"nodes"`
	Ready       int       `json:"ready"`
	Allocatable Resources `json:"allocatable"`
	Requested   Resources `json:"requested"`
}

// OperationRow is an operation in a list.
type OperationRow struct {
	Cluster         string            `json:"cluster"`
	Name            string            `json:"name"`
	Type            string            `json:"type"`
	Target          string            `json:"target"`
	Phase           v1alpha1.Phase    `json:"phase"`
	Reason          string            `json:"reason,omitempty"`
	Message         string            `json:"message,omitempty"`
	Params          map[string]string `json:"params,omitempty"`
	StepText        string            `json:"stepText,omitempty"`
	By              string            `json:"by,omitempty"`
	Created         time.Time         `json:"created"`
	Started         *time.Time        `json:"started,omitempty"`
	Finished        *time.Time        `json:"finished,omitempty"`
	Digest          string            `json:"digest,omitempty"`
	Blockers        int               `json:"blockers,omitempty"`
	Waiting         *v1alpha1.Wait    `json:"waiting,omitempty"`
	ForecastSeconds int64             `json:"forecastSeconds,omitempty"`
}

// Overview is the answer to "is everything all right, and what needs me?".
type Overview struct {
	Clusters []ClusterRow `json:"clusters"`
	// DiskFree of the data directory; DiskFull when operations are held back because of it.
	DiskFreeBytes int64 `json:"diskFreeBytes,omitempty"`
	DiskFull      bool  `json:"diskFull,omitempty"`
}

// Capacity answers what the cluster can carry, and what happens when any one zone is lost.
type Capacity struct {
	// Overhead is the share of allocatable that is kept free for the system, 0.10.
	Overhead    float64    `json:"overhead"`
	Allocatable Resources  `json:"allocatable"`
	Requested   Resources  `json:"requested"`
	Zones       []ZoneLoss `json:"zones"`
	// Sized says whether every zone is used for at most half (with three zones), so that any one may be lost.
	Sized bool `json:"sized"`
	// Engine that played the loss of each zone, such as "kube-scheduler v1.36.3".
	Engine string `json:"engine,omitempty"`
}

// ZoneLoss is what happens when one zone is lost.
type ZoneLoss struct {
	Zone
	// Share is the larger of requested/allocatable over CPU and memory, allocatable less overhead.
	Share float64 `json:"share"`
	// Limit is the share up to which the other zones can take over, (zones-1)/zones … for three zones 2/3 of each; sized for
	// half each it is 0.5.
	Limit float64 `json:"limit"`
	// Lost pods run in it and can run elsewhere or not; Stranded are those whose volumes cannot leave the zone.
	LostPods int `json:"lostPods"`
	// Pending are pods that found no place, with the scheduler's reason.
	Pending []PendingPod `json:"pending,omitempty"`
	// Shortfall is what the other zones lack, zero when everything finds a place.
	Shortfall Resources `json:"shortfall"`
}

// PendingPod is a pod that would stay pending.
type PendingPod struct {
	Pod    string `json:"pod"`
	Owner  string `json:"owner,omitempty"`
	Reason string `json:"reason"`
	// Volume is set when a volume bound to the lost zone is the reason.
	Volume      string `json:"volume,omitempty"`
	CPUMilli    int64  `json:"cpuMilli"`
	MemoryBytes int64  `json:"memoryBytes"`
}

// Change tells a watcher that rows of an area may have changed; watchers read the page again.
type Change struct {
	Cluster string `json:"cluster"`
	// Area is clusters, nodes, pods, workloads or operations.
	Area     string `json:"area"`
	Revision int64  `json:"revision"`
}

// Session is who is signed in.
type Session struct {
	User    string    `json:"user"`
	Groups  []string  `json:"groups,omitempty"`
	Expires time.Time `json:"expires"`
	// CSRF must be sent as X-Kanrin-Csrf with every changing request that is authorised by the cookie.
	CSRF string `json:"csrf,omitempty"`
	// Token is given once, to clients that asked for one at sign-in.
	Token   string `json:"token,omitempty"`
	Version string `json:"version"`
	// Role is the highest role in any cluster: Administrator, Operator, Editor, Viewer or "".
	Role string `json:"role,omitempty"`
}

// AddCluster asks for a cluster to be registered.
type AddCluster struct {
	Name string `json:"name"`
	// Kubeconfig is the file's content with everything inlined and exactly one context.
	Kubeconfig string `json:"kubeconfig"`
	// Lost says that the cluster is gone and is to be restored: whether it can be reached is not asked.
	Lost bool `json:"lost,omitempty"`
}

// User is a local user; passwords travel only inwards.
type User struct {
	Name     string `json:"name"`
	Password string `json:"password,omitempty"`
	// Roles by cluster name; "*" is every cluster.
	Roles    map[string]string `json:"roles,omitempty"`
	Disabled bool              `json:"disabled,omitempty"`
	Created  time.Time         `json:"created,omitempty"`
}
