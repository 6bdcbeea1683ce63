package nodes

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/etcd"
)

// Limits of the preflight.
const (
	maxClockOffset = 500     // milliseconds
	minDisk        = 2 << 30 // bytes below /var/lib
	maxSkew        = 3       // minor versions that a kubelet may be behind (Kubernetes' version skew policy)
)

// CheckAdd says what stands in the way of a join, and what somebody should know.
func CheckAdd(f *AddFacts, o AddOptions) []v1alpha1.Finding {
	x := &addCheck{f: f, o: o}
	x.request()
	x.cluster()
	if f.Unreachable != "" {
		x.block("HostUnusable", "Host", f.Host, "why", f.Unreachable)
		return x.sorted()
	}
	x.machine()
	x.programs()
	if o.controlPlane() {
		x.controlPlane()
	}
	return x.sorted()
}

type addCheck struct {
	findings
	f *AddFacts
	o AddOptions
}

func (x *addCheck) request() {
	f, o := x.f, x.o
	if by := f.Engaged[f.Host]; by != "" {
		x.warn("NodeBusy", "Host", f.Host, "operation", by)
	}
	if len(validation.IsDNS1123Subdomain(f.Node)) > 0 {
		x.block("NodeNameInvalid", "Node", f.Node, "host", f.Host)
	}
	for _, k := range slices.Sorted(maps.Keys(o.Labels)) {
		v := o.Labels[k]
		if len(validation.IsQualifiedName(k)) > 0 || len(validation.IsValidLabelValue(v)) > 0 {
			x.block("LabelInvalid", "Node", f.Node, "label", k+"="+v)
		}
	}
	for _, t := range o.Taints {
		if len(validation.IsQualifiedName(t.Key)) > 0 || len(validation.IsValidLabelValue(t.Value)) > 0 ||
			!slices.Contains([]string{"NoSchedule", "PreferNoSchedule", "NoExecute"}, string(t.Effect)) {
			x.block("TaintInvalid", "Node", f.Node, "taint", t.ToString())
		}
	}
	if len(validation.IsValidLabelValue(o.Group)) > 0 {
		x.block("LabelInvalid", "Node", f.Node, "label", labelGroup+"="+o.Group)
	}
}

func (x *addCheck) cluster() {
	f := x.f
	if slices.Contains(f.Nodes, f.Node) {
		x.block("NodeExists", "Node", f.Node, "host", f.Host)
	}
	if other := f.HostsOf[f.Node]; other != "" {
		x.block("NodeNameTaken", "Node", f.Node, "host", other)
	}
	switch {
	case !f.Kubeadmed:
		x.block("NotKubeadm", "Cluster", f.Cluster)
	case f.Endpoint == "" || len(f.CAHashes) == 0:
		x.block("NoClusterInfo", "Cluster", f.Cluster)
	}
}

func (x *addCheck) machine() {
	f, o, p := x.f, x.o, x.f.Preflight
	if f.ClockOffset > maxClockOffset+f.ClockError || f.ClockOffset < -maxClockOffset-f.ClockError {
		x.unless(o.Ignore, "Clock", "PreflightClock", f.Host, "milliseconds", f.ClockOffset, "limit", maxClockOffset)
	}
	if f.Swap {
		x.unless(o.Ignore, "Swap", "PreflightSwap", f.Host)
	}
	if !p.Systemd {
		x.block("PreflightSystemd", "Host", f.Host)
	}
	if free := p.DiskBytes - f.BundleBytes*2; p.DiskBytes >= 0 && free < minDisk {
		x.unless(o.Ignore, "Disk", "PreflightDisk", f.Host, "free", p.DiskBytes, "needed", minDisk+f.BundleBytes*2)
	}
	ports := kubeletPorts
	if o.controlPlane() {
		ports = append(slices.Clone(ports), controlPlanePorts...)
	}
	for _, port := range ports {
		if slices.Contains(p.Ports, port) {
			x.unless(o.Ignore, fmt.Sprintf("Port-%d", port), "PreflightPort", f.Host, "port", port)
		}
	}
	if len(p.Leftovers) > 0 {
		x.block("PreflightLeftovers", "Host", f.Host, "paths", strings.Join(p.Leftovers, ", "))
	}
	if !p.Overlay {
		x.unless(o.Ignore, "Overlay", "PreflightModule", f.Host, "module", "overlay")
	}
	if !p.BrNetfilter && p.Bridge == "" {
		x.warn("PreflightBridge", "Host", f.Host)
	}
	if !p.IPForward {
		x.info("PreflightForward", "Host", f.Host)
	}
	if p.Endpoint == "no" {
		x.unless(o.Ignore, "Endpoint", "PreflightEndpoint", f.Host, "endpoint", f.Endpoint)
	}
	if f.Hostname != "" && !strings.EqualFold(f.Hostname, f.Node) {
		x.info("HostnameDiffers", "Host", f.Host, "hostname", f.Hostname, "node", f.Node)
	}
}

// programs: what has to run is there or is brought, in versions that fit.
func (x *addCheck) programs() {
	f, o, p := x.f, x.o, x.f.Preflight
	if f.BundleError != "" {
		x.block("BundleUnusable", "Host", f.Host, "bundle", o.Bundle, "error", f.BundleError)
		return
	}
	for _, name := range []string{"kubelet", "kubeadm"} {
		if !p.has(name) && !f.brings(name) && p.Packages[name] == "" {
			x.block("ProgramMissing", "Host", f.Host, "program", name)
		}
	}
	if f.Runtime == "" && !f.brings("containerd") && p.Packages["containerd"] == "" {
		x.block("ProgramMissing", "Host", f.Host, "program", "containerd")
	}
	kubelet, kubeadm := f.versions()
	api, ok := parseVersion(f.Version)
	if !ok {
		return
	}
	if v, ok := parseVersion(kubelet); ok {
		switch behind := v.behind(api); {
		case behind < 0:
			x.block("SkewNewer", "Host", f.Host, "version", kubelet, "api", f.Version)
		case o.controlPlane() && behind != 0:
			x.block("SkewControlPlane", "Host", f.Host, "version", kubelet, "api", f.Version)
		case behind > maxSkew:
			x.block("SkewOlder", "Host", f.Host, "version", kubelet, "api", f.Version, "limit", maxSkew)
		case behind > 0:
			x.warn("SkewBehind", "Host", f.Host, "version", kubelet, "api", f.Version)
		}
	}
	if v, ok := parseVersion(kubeadm); ok {
		if behind := v.behind(api); behind < 0 || behind > 1 || o.controlPlane() && behind != 0 {
			x.block("SkewKubeadm", "Host", f.Host, "version", kubeadm, "api", f.Version)
		}
	}
}

func (x *addCheck) controlPlane() {
	f := x.f
	if !f.Stable {
		x.block("NoEndpoint", "Cluster", f.Cluster)
	}
	if len(f.Via) == 0 {
		x.block("NoControlPlaneHost", "Cluster", f.Cluster)
		return
	}
	if n := len(f.ControlPlanes) + 1; n%2 == 0 {
		x.warn("EvenControlPlanes", "Cluster", f.Cluster, "count", n, "failures", (n-1)/2)
	}
	if f.ExternalEtcd {
		x.info("ExternalEtcd", "Cluster", f.Cluster)
		return
	}
	if f.EtcdError != "" {
		x.block("EtcdUnknown", "Cluster", f.Cluster, "error", f.EtcdError)
		return
	}
	q := etcd.QuorumOf(f.Etcd)
	for _, m := range f.Etcd {
		if m.Learner {
			x.block("EtcdLearner", "Cluster", f.Cluster, "member", etcd.Names([]etcd.Member{m}))
		}
	}
	if q.Healthy < q.Voters {
		x.block("EtcdNotWhole", "Cluster", f.Cluster, "voters", q.Voters, "healthy", q.Healthy)
	}
	for _, m := range f.Etcd {
		if m.Is(f.Node, append(slices.Clone(f.Preflight.Addresses), f.Address)) {
			x.block("EtcdMemberLeft", "Cluster", f.Cluster, "member", etcd.Names([]etcd.Member{m}), "host", f.Host)
		}
	}
}
