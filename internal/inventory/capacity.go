package inventory

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/trim"
	"kanrin.dev/kanrin/internal/rehearse"
)

// overhead is the share of what nodes can give that is kept free for the system.
const overhead = 0.10

// Simulator plays scenarios on a snapshot with the real scheduler.
type Simulator interface {
	Run(context.Context, rehearse.Snapshot, []rehearse.Scenario) (*rehearse.Result, error)
}

// limitFor is up to which share each of n zones may be used so that any one may be lost: half with up to three, which
// leaves a quarter free after a loss, and correspondingly more with more.
func limitFor(zones int) float64 {
	switch {
	case zones < 2:
		return 0
	case zones <= 3:
		return 0.5
	}
	return float64(zones-2) / float64(zones-1)
}

// zoneLoss is one zone, about to be lost.
type zoneLoss struct {
	name  string
	nodes []string
	pods  map[string]*trim.Pod // those that a controller brings back, by namespace/name
}

// capacityOf plays the loss of each zone. The nodes go dark but their Node objects stay, as they do when machines lose
// power: pods that must be spread over zones go on counting the lost one.
func capacityOf(ctx context.Context, conn *fleet.Connection, nodes *nodeRows, simulator Simulator) (*inventory.Capacity, error) {
	out := &inventory.Capacity{Overhead: overhead, Zones: []inventory.ZoneLoss{}, Sized: len(nodes.zones) > 1}
	limit := limitFor(len(nodes.zones))
	var lost []zoneLoss
	for _, z := range nodes.zones {
		add(&out.Allocatable, z.Allocatable)
		add(&out.Requested, z.Requested)
		loss := lossOf(conn, nodes, z.Name)
		lost = append(lost, loss)
		row := inventory.ZoneLoss{Zone: z, Share: usedShare(z), Limit: limit, LostPods: len(loss.pods)}
		out.Sized = out.Sized && row.Share <= limit
		out.Zones = append(out.Zones, row)
	}
	if len(lost) < 2 || simulator == nil {
		return out, nil // with the only zone everything is lost: nothing to play
	}
	result, err := simulator.Run(ctx, rehearse.Snapshot(conn.Snapshot()), scenarios(lost))
	if err != nil {
		return nil, fmt.Errorf("rehearsing the loss of each zone of cluster %s: %w", conn.Name, err)
	}
	if len(result.Scenarios) != len(lost) {
		return nil, fmt.Errorf("rehearsing the loss of each zone of cluster %s: %d of %d were played", conn.Name, len(result.Scenarios), len(lost))
	}
	out.Engine = "kube-scheduler " + result.Kubernetes
	for i := range lost {
		out.Zones[i].Pending = pendingAfter(conn, &lost[i], &result.Scenarios[i])
		for _, p := range out.Zones[i].Pending {
			if p.Volume == "" {
				add(&out.Zones[i].Shortfall, inventory.Resources{CPUMilli: p.CPUMilli, MemoryBytes: p.MemoryBytes, Pods: 1})
			}
		}
	}
	return out, nil
}

// usedShare is the larger of the shares of CPU and memory that are asked for, of what remains after the overhead.
func usedShare(z inventory.Zone) float64 {
	return max(share(z.Requested.CPUMilli, z.Allocatable.CPUMilli), share(z.Requested.MemoryBytes, z.Allocatable.MemoryBytes)) / (1 - overhead)
}

// lossOf collects what is lost with a zone. Control planes of the zone are lost too.
func lossOf(conn *fleet.Connection, nodes *nodeRows, zone string) zoneLoss {
	loss := zoneLoss{name: zone, pods: map[string]*trim.Pod{}}
	var pod corev1.Pod
	for i := range nodes.rows {
		n := &nodes.rows[i]
		if n.Zone != zone {
			continue
		}
		loss.nodes = append(loss.nodes, n.Name)
		for _, r := range conn.Pods().RecordsOn(n.Name) {
			if r.Into(&pod); disruption.ClassOf(&pod) == disruption.Evictable {
				loss.pods[r.Namespace()+"/"+r.Name()] = r
			}
		}
	}
	return loss
}

func scenarios(lost []zoneLoss) []rehearse.Scenario {
	out := make([]rehearse.Scenario, len(lost))
	for i, l := range lost {
		round := rehearse.Round{}
		for _, key := range sortedKeys(l.pods) {
			p := l.pods[key]
			round.Evict = append(round.Evict, rehearse.Eviction{Namespace: p.Namespace(), Name: p.Name(), Recreate: true})
		}
		out[i] = rehearse.Scenario{Name: "loss of zone " + l.name, Cordon: l.nodes}
		if len(round.Evict) > 0 {
			out[i].Rounds = []rehearse.Round{round}
		}
	}
	return out
}

// pendingAfter lists the lost pods that found no place, and the volume that keeps them when one does.
func pendingAfter(conn *fleet.Connection, l *zoneLoss, r *rehearse.ScenarioResult) []inventory.PendingPod {
	var out []inventory.PendingPod
	reasons := map[string]string{} // thousands of pods stay pending for a handful of reasons
	for _, p := range r.Placements {
		record := l.pods[p.Namespace+"/"+p.Pod]
		if p.Node != "" || record == nil {
			continue
		}
		pod, spec := record.Object(), record.Spec()
		reason, ok := reasons[p.Reason]
		if !ok {
			reason = p.Reason
			reasons[reason] = reason
		}
		out = append(out, inventory.PendingPod{
			Pod: pod.Namespace + "/" + pod.Name, Owner: conn.WorkloadOf(pod), Reason: reason, Volume: stuckVolume(conn, l, pod),
			CPUMilli: spec.CPUMilli, MemoryBytes: spec.MemoryBytes,
		})
	}
	return out
}

// stuckVolume names the first claim of a pod whose volume exists only in the lost zone.
func stuckVolume(conn *fleet.Connection, l *zoneLoss, pod *corev1.Pod) string {
	for _, claim := range disruption.Claims(pod) {
		v := volumeOf(conn, pod.Namespace, claim)
		inZone := len(v.Zones) > 0 && !slices.ContainsFunc(v.Zones, func(z string) bool { return z != l.name })
		onNode := len(v.Nodes) > 0 && !slices.ContainsFunc(v.Nodes, func(n string) bool { return !slices.Contains(l.nodes, n) })
		if inZone || onNode {
			return claim
		}
	}
	return ""
}
