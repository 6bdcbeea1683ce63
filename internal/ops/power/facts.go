package power

import (
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Facts are what a plan rests on, as plain data. Their order is fixed, so that equal facts have equal digests. What changes all the time
// (clocks, uptime, whether a machine answers right now) is for findings and forecasts, and no part of the digest.
type Facts struct {
	Cluster  string    `json:"cluster"`
	Machines []Machine `json:"machines"`
	// Unhosted are nodes without a registered host.
	Unhosted []string `json:"unhosted,omitempty"`
	// Workloads that are to be scaled, with their replicas now; Missing do not exist.
	Workloads map[string]int32 `json:"workloads,omitempty"`
	Missing   []string         `json:"missing,omitempty"`
	Webhooks  []Webhook        `json:"webhooks,omitempty"`
	// State is what an earlier stop wrote down; nil when there is none.
	State *State `json:"state,omitempty"`

	Whole   []string          `json:"-"` // workloads that have all their replicas ready
	Pods    int               `json:"-"`
	Grace   int64             `json:"-"` // longest grace period of a pod, in seconds
	Now     time.Time         `json:"-"`
	Engaged map[string]string `json:"-"` // node → operation at work on it
}

// Machine is a node and the machine under it.
type Machine struct {
	Host         string `json:"host"`
	Node         string `json:"node,omitempty"`
	ControlPlane bool   `json:"controlPlane,omitempty"`
	Tier         int32  `json:"tier,omitempty"`
	Power        bool   `json:"power,omitempty"` // it can be switched from outside
	Cordoned     bool   `json:"cordoned,omitempty"`
	CordonedBy   string `json:"cordonedBy,omitempty"`
	Runtime      string `json:"runtime,omitempty"` // the unit: containerd or crio
	// Other is a machine that is no node but serves them, such as a load balancer.
	Other bool `json:"other,omitempty"`
	// Mark identifies what is to be restarted: the boot, or the run of a unit. Only restarts fill it in.
	Mark string `json:"mark,omitempty"`

	State        v1alpha1.HostState `json:"-"`
	StateText    string             `json:"-"`
	Ready        bool               `json:"-"`
	OffsetMs     int64              `json:"-"`
	ErrorMs      int64              `json:"-"`
	NotAfter     time.Time          `json:"-"` // of the first certificate that runs out; zero when there is none
	NotAfterFile string             `json:"-"`
	Pods         int                `json:"-"`
}

// Webhook is an admission webhook that could keep a cluster from starting.
type Webhook struct {
	// Key is ValidatingWebhookConfiguration/name or MutatingWebhookConfiguration/name.
	Key string `json:"key"`
	// Names are those of its webhooks that fail closed and stand in the way; Service is who answers, namespace/name.
	Names   []string `json:"names"`
	Service string   `json:"service,omitempty"`
	// Matters says what it would hold up, such as "pods".
	Matters string `json:"matters"`
}

// State is what a stop wrote down, kept beside the Cluster until it has been started again.
type State struct {
	Operation string    `json:"operation"`
	At        time.Time `json:"at"`
	// Cordoned are the nodes that were cordoned before, with the mark of who did it.
	Cordoned map[string]string `json:"cordoned,omitempty"`
	// Tiers were scaled to zero in this order; replicas before by workload.
	Tiers []map[string]int32 `json:"tiers,omitempty"`
	// Webhooks whose failure policy was set to Ignore: configuration → names.
	Webhooks map[string][]string `json:"webhooks,omitempty"`
	// Whole are the workloads that had all their replicas.
	Whole []string `json:"whole,omitempty"`
}

func (f *Facts) controlPlanes() []Machine { return f.of(true) }
func (f *Facts) workers() []Machine       { return f.of(false) }

func (f *Facts) of(controlPlane bool) []Machine {
	var out []Machine
	for _, m := range f.Machines {
		if m.Node != "" && m.ControlPlane == controlPlane {
			out = append(out, m)
		}
	}
	return out
}

// tiers groups workers by tier, lowest first: the order of starting.
func (f *Facts) tiers() [][]Machine {
	var out [][]Machine
	last := int32(-1)
	for _, m := range f.workers() { // sorted by tier and name
		if m.Tier != last || len(out) == 0 {
			out, last = append(out, nil), m.Tier
		}
		out[len(out)-1] = append(out[len(out)-1], m)
	}
	return out
}

func names(ms []Machine) []string {
	out := make([]string, len(ms))
	for i, m := range ms {
		out[i] = m.Node
		if m.Node == "" {
			out[i] = m.Host
		}
	}
	return out
}
