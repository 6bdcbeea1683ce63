package nodes

import (
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/etcd"
	"kanrin.dev/kanrin/internal/ops/drain"
	"kanrin.dev/kanrin/internal/plan"
)

// Kinds of steps of a removal.
const (
	KindEmpty      = "node-empty"
	KindReset      = "node-reset"
	KindUnmember   = "node-unmember"
	KindDelete     = "node-delete"
	KindBare       = "node-bare"
	KindDeregister = "node-deregister"
	KindUnbind     = "node-unbind"
	KindProof      = "node-proof"
	KindFence      = "node-fence"
	KindPods       = "node-pods"
	KindDetach     = "node-detach"
)

// removeArgs is the data of all steps of a removal.
type removeArgs struct {
	Node         string   `json:"node"`
	UID          string   `json:"uid,omitempty"`
	Host         string   `json:"host,omitempty"`
	KeySecret    string   `json:"keySecret,omitempty"`
	BMCSecret    string   `json:"bmcSecret,omitempty"`
	KeepHost     bool     `json:"keepHost,omitempty"`
	Dead         bool     `json:"dead,omitempty"`
	ControlPlane bool     `json:"controlPlane,omitempty"`
	Etcd         bool     `json:"etcd,omitempty"`
	Via          []string `json:"via,omitempty"`
	Addresses    []string `json:"addresses,omitempty"`
	Accepted     bool     `json:"accepted,omitempty"`
	Unmanaged    bool     `json:"unmanaged,omitempty"`
}

const (
	drainTimeout  = 3600
	detachTimeout = 600
)

// ComposeRemove makes the plan of a removal.
func ComposeRemove(f *RemoveFacts, o RemoveOptions, fs []v1alpha1.Finding) (*plan.Draft, error) {
	d := &plan.Draft{Facts: f, Target: f.Node}
	d.Plan.Findings = fs
	c := &steps{draft: d}
	a := removeArgs{
		Node: f.Node, UID: f.UID, Host: f.Host, KeySecret: f.HostKeySecret, BMCSecret: f.BMCSecret, KeepHost: o.KeepHost, Dead: o.Dead,
		ControlPlane: f.ControlPlane, Etcd: f.ControlPlane && !f.ExternalEtcd, Via: f.Via, Addresses: f.Addresses,
		Accepted: o.Dead && o.AcceptSplitBrain == f.Node,
	}
	targets := []string{f.Node}
	step := func(id, kind string, timeout, forecast int64) {
		c.add(v1alpha1.Step{ID: id, Kind: kind, Targets: targets, TimeoutSeconds: timeout, ForecastSeconds: forecast}, a, "node", f.Node, "host", f.Host)
	}
	if o.Dead {
		step("proof", KindProof, quickTimeout, 5)
		if a.Etcd {
			step("unmember", KindUnmember, quickTimeout, 2)
		}
		step("fence", KindFence, quickTimeout, 1)
		step("pods", KindPods, detachTimeout, 10)
		step("detach", KindDetach, detachTimeout, 1+10*int64(len(f.Attachments)))
		step("delete", KindDelete, quickTimeout, 1)
		d.Plan.PointOfNoReturn = d.Plan.Steps[1].ID
	} else {
		found := map[string]string{}
		if f.Cordoned {
			found[f.Node] = f.CordonedBy
		}
		c.ready(drain.CordonStep("cordon", targets, found))
		c.ready(drain.Live{ID: "evict", Nodes: targets, TimeoutSeconds: drainTimeout, ForecastSeconds: 1 + int64(f.Pods)}.Step())
		step("empty", KindEmpty, quickTimeout, 1)
		d.Plan.PointOfNoReturn = "reset"
		if a.Etcd {
			// Before kubeadm reset, which goes on when it cannot remove the member: of two members, one alone decides nothing.
			step("unmember", KindUnmember, quickTimeout, 2)
			d.Plan.PointOfNoReturn = "unmember"
		}
		step("reset", KindReset, joinTimeout, 20)
		step("delete", KindDelete, quickTimeout, 1)
		step("bare", KindBare, joinTimeout, 10)
	}
	if f.Host != "" {
		kind := v1alpha1.Step{ID: "deregister", Kind: KindDeregister, Targets: targets, TimeoutSeconds: quickTimeout, ForecastSeconds: 1}
		if o.KeepHost {
			kind.ID, kind.Kind = "unbind", KindUnbind
		}
		c.add(kind, a, "node", f.Node, "host", f.Host)
	}
	c.summary("NodeLeaves", "node", f.Node, "host", f.Host, "pods", f.Pods)
	if a.Etcd && f.EtcdError == "" && f.member() != nil {
		before, after, _ := etcd.JudgeRemoval(f.Etcd, f.gone)
		c.summary("Etcd", quorumParams(before, after)...)
	}
	c.forecast(drainTimeout)
	return d, c.err
}
