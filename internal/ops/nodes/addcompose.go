package nodes

import (
	"cmp"
	"maps"
	"net"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/etcd"
	"kanrin.dev/kanrin/internal/plan"
)

// Kinds of steps of a join.
const (
	KindInstall  = "node-install"
	KindPrepare  = "node-prepare"
	KindJoin     = "node-join"
	KindMark     = "node-mark"
	KindReady    = "node-ready"
	KindVoter    = "node-voter"
	KindRegister = "node-register"
)

// Marks and labels on nodes.
const (
	// MarkAddedBy on a Node names the operation that made it, as plan.Scope.ID.
	MarkAddedBy = "kanrin.dev/added-by"
	// labelOperation is what the kubelet registers with, so that a Node is known for ours from its first moment: the operation's UID.
	labelOperation = "kanrin.dev/operation"
	labelGroup     = "kanrin.dev/group"
	labelRole      = "node-role.kubernetes.io/"
)

const (
	quickTimeout   = 120
	installTimeout = 1800
	joinTimeout    = 1200
	readyTimeout   = 900
)

// addArgs is the data of all steps of a join. Nothing in it is secret.
type addArgs struct {
	Host         string            `json:"host"`
	Node         string            `json:"node"`
	ControlPlane bool              `json:"controlPlane,omitempty"`
	Bundle       string            `json:"bundle,omitempty"`
	BundleSum    string            `json:"bundleSum,omitempty"`
	Packages     []string          `json:"packages,omitempty"` // name=version
	Socket       string            `json:"socket,omitempty"`
	Endpoint     string            `json:"endpoint,omitempty"`
	CAHashes     []string          `json:"caHashes,omitempty"`
	Advertise    string            `json:"advertise,omitempty"`
	Addresses    []string          `json:"addresses,omitempty"` // of the host, to know its etcd member by
	Via          []string          `json:"via,omitempty"`
	Etcd         bool              `json:"etcd,omitempty"` // a stacked member comes with it
	Ignore       []string          `json:"ignore,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"`
	Taints       []corev1.Taint    `json:"taints,omitempty"`
	CNI          []string          `json:"cni,omitempty"`

	// How the Host was, and how it shall be.
	WasNode  string              `json:"wasNode,omitempty"`
	WasRoles []v1alpha1.HostRole `json:"wasRoles,omitempty"`
	WasGroup string              `json:"wasGroup,omitempty"`
	Role     v1alpha1.HostRole   `json:"role"`
	Group    string              `json:"group,omitempty"`
}

// ComposeAdd makes the plan of a join.
func ComposeAdd(f *AddFacts, o AddOptions, fs []v1alpha1.Finding) (*plan.Draft, error) {
	d := &plan.Draft{Facts: f, Target: f.Node}
	d.Plan.Findings = fs
	c := &steps{draft: d}
	a := argsOf(f, o)
	targets := []string{f.Node}
	if o.Bundle != "" || len(a.Packages) > 0 {
		what := "bundle " + o.Bundle
		if o.Bundle == "" {
			what = strings.Join(a.Packages, ", ")
		}
		c.add(v1alpha1.Step{
			ID: "install", Kind: KindInstall, Targets: targets, TimeoutSeconds: installTimeout, ForecastSeconds: 10 + f.BundleBytes/(50<<20), Undo: KindInstall,
		}, a, "host", f.Host, "what", what)
	}
	c.add(v1alpha1.Step{ID: "prepare", Kind: KindPrepare, Targets: targets, TimeoutSeconds: installTimeout, ForecastSeconds: 5, Undo: KindPrepare},
		a, "host", f.Host)
	join := int64(15)
	if a.ControlPlane {
		join = 45
	}
	c.add(v1alpha1.Step{ID: "join", Kind: KindJoin, Targets: targets, TimeoutSeconds: joinTimeout, ForecastSeconds: join, Undo: KindJoin},
		a, "host", f.Host, "node", f.Node, "role", string(o.Role), "endpoint", f.Endpoint)
	c.add(v1alpha1.Step{ID: "mark", Kind: KindMark, Targets: targets, TimeoutSeconds: quickTimeout, ForecastSeconds: 1},
		a, "node", f.Node, "labels", strings.Join(slices.Sorted(maps.Keys(a.Labels)), ", "))
	c.add(v1alpha1.Step{ID: "ready", Kind: KindReady, Targets: targets, TimeoutSeconds: readyTimeout, ForecastSeconds: 20}, a, "node", f.Node)
	if a.Etcd {
		c.add(v1alpha1.Step{ID: "voter", Kind: KindVoter, Targets: targets, TimeoutSeconds: readyTimeout, ForecastSeconds: 5}, a, "node", f.Node)
	}
	c.add(v1alpha1.Step{ID: "register", Kind: KindRegister, Targets: targets, TimeoutSeconds: quickTimeout, ForecastSeconds: 1, Undo: KindRegister},
		a, "host", f.Host, "node", f.Node)

	c.summary("NodeJoins", "host", f.Host, "node", f.Node, "role", string(o.Role), "version", kubeletOf(f))
	if a.Etcd {
		before := etcd.QuorumOf(f.Etcd)
		after := etcd.Quorum{Voters: before.Voters + 1, Started: before.Started + 1, Healthy: before.Healthy + 1}
		c.summary("Etcd", quorumParams(before, after)...)
	}
	c.forecast(readyTimeout)
	return d, c.err
}

func kubeletOf(f *AddFacts) string {
	kubelet, _ := f.versions()
	return kubelet
}

func argsOf(f *AddFacts, o AddOptions) addArgs {
	a := addArgs{
		Host: f.Host, Node: f.Node, ControlPlane: o.controlPlane(), Bundle: o.Bundle, BundleSum: f.Bundle, Endpoint: f.Endpoint,
		CAHashes: f.CAHashes, Ignore: slices.Sorted(maps.Keys(o.Ignore)), Socket: "unix:///run/containerd/containerd.sock",
		WasNode: f.HostNode, WasRoles: f.HostRoles, WasGroup: f.HostGroup, Role: o.Role, Group: cmp.Or(o.Group, f.HostGroup),
		Labels: map[string]string{},
	}
	if strings.HasPrefix(f.Runtime, "cri-o") || strings.HasPrefix(f.Runtime, "crio") {
		a.Socket = "unix:///var/run/crio/crio.sock"
	}
	maps.Copy(a.Labels, o.Labels)
	a.Labels[labelRole+string(o.Role)] = ""
	if a.Group != "" {
		a.Labels[labelGroup] = a.Group
	}
	a.Taints = taintsOf(o)
	if p := f.Preflight; p != nil {
		a.CNI, a.Addresses = p.CNI, p.Addresses
		if o.Bundle == "" {
			for _, name := range []string{"containerd", "kubelet", "kubeadm"} {
				there := p.has(name) || name == "containerd" && f.Runtime != ""
				if v := p.Packages[name]; v != "" && !there {
					a.Packages = append(a.Packages, name+"="+v)
				}
			}
		}
	}
	if ip := net.ParseIP(f.Address); ip != nil {
		a.Addresses = append(slices.Clone(a.Addresses), f.Address)
		if f.Preflight != nil && slices.Contains(f.Preflight.Addresses, f.Address) {
			a.Advertise = f.Address
		}
	}
	if a.ControlPlane {
		a.Via, a.Etcd = f.Via, !f.ExternalEtcd
	}
	return a
}

// taintsOf are the taints that the kubelet registers with: those asked for, and that of the role.
func taintsOf(o AddOptions) []corev1.Taint {
	taints := slices.Clone(o.Taints)
	if o.Role == v1alpha1.RoleWorker {
		return taints
	}
	own := corev1.Taint{Key: labelRole + string(o.Role), Effect: corev1.TaintEffectNoSchedule}
	for _, t := range taints {
		if t.Key == own.Key {
			return taints // somebody has said how it shall be
		}
	}
	return append(taints, own)
}
