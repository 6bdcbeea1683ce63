package drain

import (
	"kanrin.dev/kanrin/internal/disruption"
)

// Facts are what a plan rests on, as plain data. Their order is fixed, so that equal facts have equal digests.
type Facts struct {
	Cluster   string              `json:"cluster"`
	Nodes     []Node              `json:"nodes"`
	Pods      []Pod               `json:"pods"`
	Budgets   []disruption.Budget `json:"budgets,omitempty"`
	Workloads []Workload          `json:"workloads,omitempty"`

	// The rest is for forecasts and sentences, and no part of the digest.
	Size    Size              `json:"-"`
	Timing  Timing            `json:"-"`
	Engaged map[string]string `json:"-"` // node → operation at work on it
}

// Size of the whole cluster.
type Size struct {
	Nodes, Pods                     int
	ControlPlanes, ControlPlanesOut int // Out: not ready or already cordoned, other than the targets
}

// Node is a node to be emptied.
type Node struct {
	Name string `json:"name"`
	UID  string `json:"uid"`
	// Unschedulable before the operation; CordonedBy is the mark of the operation that did it, if one did.
	Unschedulable bool   `json:"unschedulable,omitempty"`
	CordonedBy    string `json:"cordonedBy,omitempty"`
	Ready         bool   `json:"ready"`
	Zone          string `json:"zone,omitempty"`
	ControlPlane  bool   `json:"controlPlane,omitempty"`
}

// Pod is a pod on one of the nodes.
type Pod struct {
	Namespace string           `json:"namespace"`
	Name      string           `json:"name"`
	UID       string           `json:"uid"`
	Node      string           `json:"node"`
	Class     disruption.Class `json:"class"`
	Pending   bool             `json:"pending,omitempty"` // phase Pending: no budget is asked
	Ready     bool             `json:"ready,omitempty"`
	// Workload is Kind/namespace/name of the topmost controller; Controller the direct one's.
	Workload     string   `json:"workload,omitempty"`
	Controller   string   `json:"controller,omitempty"`
	Budgets      []string `json:"budgets,omitempty"`
	LocalData    []string `json:"localData,omitempty"`
	HostPaths    []string `json:"hostPaths,omitempty"`
	Volumes      []Volume `json:"volumes,omitempty"`
	GraceSeconds int64    `json:"graceSeconds"`
}

// Key is namespace/name.
func (p Pod) Key() string { return p.Namespace + "/" + p.Name }

// Volume is a claim of a pod that can be mounted only somewhere.
type Volume struct {
	Claim string   `json:"claim"`
	Zones []string `json:"zones,omitempty"`
	Nodes []string `json:"nodes,omitempty"`
}

// Workload is a controller of pods on the nodes.
type Workload struct {
	// Key is Kind/namespace/name.
	Key      string `json:"key"`
	Replicas int32  `json:"replicas"`
	// Scalable workloads can be surged; Autoscaled ones are scaled by somebody else.
	Scalable   bool   `json:"scalable,omitempty"`
	Autoscaled string `json:"autoscaled,omitempty"`
	// SurgedBy is the mark of an operation that has scaled it up.
	SurgedBy string `json:"surgedBy,omitempty"`
	// Sample is the name of one of its pods, for rehearsing a surge.
	Sample string `json:"sample,omitempty"`
}

// Timing is what is known of how long things take, in milliseconds; zero means unknown.
type Timing struct {
	// Gone and Ready are medians over earlier drains of the cluster: from eviction to gone, from creation to ready.
	Gone, Ready int64
	// Start by workload key: median from creation to ready over its present pods.
	Start map[string]int64
}

// Options are the request.
type Options struct {
	Nodes   []string
	Wait    bool
	Surge   map[string]bool // workload namespace/name
	Delete  map[string]bool // pod namespace/name
	Grace   *int64
	Timeout int64
}

func (f *Facts) workload(key string) *Workload {
	for i := range f.Workloads {
		if f.Workloads[i].Key == key {
			return &f.Workloads[i]
		}
	}
	return nil
}

func (f *Facts) budget(name string) *disruption.Budget {
	for i := range f.Budgets {
		if f.Budgets[i].Name == name {
			return &f.Budgets[i]
		}
	}
	return nil
}

// grace is the grace period that the pod will have.
func (o Options) grace(p Pod) int64 {
	if o.Grace != nil {
		return *o.Grace
	}
	return p.GraceSeconds
}
