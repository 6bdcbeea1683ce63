package nodes

import (
	"net"
	"slices"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/etcd"
)

// leaseLimit is how long a node's lease must not have been renewed before silence counts, in seconds: the default after which the node
// controller takes a node for lost (node-monitor-grace-period).
const leaseLimit = 40

// CheckRemove says what stands in the way of a removal, and what somebody should know.
func CheckRemove(f *RemoveFacts, o RemoveOptions) []v1alpha1.Finding {
	x := &removeCheck{f: f, o: o}
	if by := f.Engaged[f.Node]; by != "" {
		x.warn("NodeBusy", "Node", f.Node, "operation", by)
	}
	x.way()
	if o.Dead {
		x.dead()
	} else {
		x.alive()
	}
	if f.ControlPlane {
		x.controlPlane()
	} else if f.Workers == 1 {
		x.warn("LastWorker", "Node", f.Node)
	}
	return x.sorted()
}

type removeCheck struct {
	findings
	f *RemoveFacts
	o RemoveOptions
}

// way: the cluster must be reachable without the machine.
func (x *removeCheck) way() {
	f := x.f
	if at(f.Server, f.Addresses) {
		x.block("ServerIsNode", "Node", f.Node, "server", f.Server, "cluster", f.Cluster)
	}
	if at(f.Endpoint, f.Addresses) {
		x.block("EndpointIsNode", "Node", f.Node, "endpoint", f.Endpoint)
	}
}

func at(hostport string, addresses []string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	return host != "" && slices.Contains(addresses, host)
}

func (x *removeCheck) alive() {
	f := x.f
	switch {
	case f.Host == "":
		x.block("NodeHostUnknown", "Node", f.Node)
	case f.Unreachable != "":
		x.block("NodeHostUnusable", "Host", f.Host, "node", f.Node, "why", f.Unreachable)
	case !f.Recorded:
		x.info("NotRecorded", "Host", f.Host)
	}
	for _, p := range f.Unmanaged {
		x.block("UnmanagedStays", "Pod", p, "node", f.Node)
	}
	for _, b := range f.Never {
		x.block("BudgetForbids", "PodDisruptionBudget", b, "node", f.Node)
	}
	if x.o.AcceptSplitBrain != "" {
		x.warn("AcceptedForNothing", "Node", f.Node)
	}
}

// dead: two that write to the same volume are worse than one that is gone. So: off, or silent and somebody's word for it.
func (x *removeCheck) dead() {
	f, o := x.f, x.o
	if o.AcceptSplitBrain != "" && o.AcceptSplitBrain != f.Node {
		x.block("AcceptedOther", "Node", f.Node, "accepted", o.AcceptSplitBrain)
		return
	}
	if len(f.Answers) > 0 {
		x.block("StillAnswers", "Node", f.Node, "what", strings.Join(f.Answers, "; "))
		return
	}
	if f.Ready || f.LeaseFresh {
		x.block("StillAlive", "Node", f.Node, "seconds", leaseLimit)
		return
	}
	if f.Power == powerOff {
		x.info("ProofPower", "Node", f.Node, "host", f.Host)
		x.attachments()
		return
	}
	if f.Power != "" || f.PowerError {
		x.warn("PowerNotOff", "Node", f.Node, "host", f.Host, "state", f.Power)
	}
	if len(f.Witnesses) == 0 {
		x.warn("NoWitness", "Node", f.Node)
	}
	witnesses := strings.Join(append([]string{"Kanrin"}, f.Witnesses...), ", ")
	if o.AcceptSplitBrain == f.Node {
		x.warn("SilenceAccepted", "Node", f.Node, "witnesses", witnesses, "seconds", leaseLimit)
		x.attachments()
		return
	}
	x.add(v1alpha1.SeverityBlocker, "SilenceIsNoProof", "Node", f.Node, []v1alpha1.Way{{
		Code: "acceptSplitBrain", Flag: "--accept-split-brain " + f.Node, Field: "acceptSplitBrain", Value: f.Node,
	}}, "witnesses", witnesses, "seconds", leaseLimit)
}

func (x *removeCheck) attachments() {
	if n := len(x.f.Attachments); n > 0 {
		x.warn("ForceDetach", "Node", x.f.Node, "count", n, "volumes", strings.Join(x.f.Attachments, ", "))
	}
}

func (x *removeCheck) controlPlane() {
	f := x.f
	if len(f.ControlPlanes) == 1 && slices.Contains(f.ControlPlanes, f.Node) {
		x.block("LastControlPlane", "Node", f.Node)
		return
	}
	if f.ExternalEtcd {
		x.info("ExternalEtcd", "Cluster", f.Cluster)
		return
	}
	switch {
	case len(f.Via) == 0:
		x.block("NoControlPlaneHost", "Cluster", f.Cluster)
		return
	case f.EtcdError != "":
		x.block("EtcdUnknown", "Cluster", f.Cluster, "error", f.EtcdError)
		return
	}
	before, after, verdict := etcd.JudgeRemoval(f.Etcd, f.gone)
	params := append(quorumParams(before, after), "members", etcd.Names(f.Etcd))
	switch verdict {
	case etcd.RemovalFine:
		switch {
		case f.member() == nil:
			x.info("NoEtcdMember", "Node", f.Node)
		case after.Spare() <= 0:
			x.warn("EtcdNoSpare", "Node", f.Node, params...)
		default:
			x.info("EtcdAfter", "Node", f.Node, params...)
		}
	default:
		x.block("Etcd"+string(verdict), "Node", f.Node, params...)
	}
	if n := len(f.ControlPlanes) - 1; n > 0 && n%2 == 0 {
		x.warn("EvenControlPlanes", "Cluster", f.Cluster, "count", n, "failures", (n-1)/2)
	}
}
