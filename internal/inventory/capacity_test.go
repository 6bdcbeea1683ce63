package inventory_test

import (
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rows "kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet/fleettest"
)

// The loss of each zone is played with the real scheduler: what fits elsewhere moves, what does not is named with the reason,
// and so is what its volume keeps.
func TestCapacity(t *testing.T) {
	c := fleettest.Management(t, api.Config)
	w := newWorld(t, c, "capacity")
	// A room for the three zones of this test alone: other tests leave no nodes behind.
	for _, zone := range []string{"a", "b", "c"} {
		w.node("w-"+zone, zone, "4")
	}
	w.deployment("small", "400m", []string{"w-a", "w-b", "w-c"})
	w.deployment("large", "2500m", []string{"w-a"})
	w.deployment("filler", "2500m", []string{"w-b"})
	w.deployment("filler-c", "1000m", []string{"w-c"})
	w.bound("db", "w-b", "b")
	w.deployment("spread", "100m", []string{"w-a", "w-b", "w-c"}, func(s *corev1.PodSpec) {
		s.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: labelled("spread")}}
	})
	s, _ := serveCluster(t, c, "cap", anything{})
	var got rows.Capacity
	fleettest.Eventually(t, "everything is seen", func() error {
		got = decode[rows.Capacity](t, s.get(t, "/kanrin/v1/clusters/cap/capacity"))
		if got.Requested.CPUMilli != 3*400+2500+2500+1000+100+3*100 {
			return fmt.Errorf("requested %d", got.Requested.CPUMilli)
		}
		return nil
	})
	if got.Overhead != 0.10 || got.Sized || len(got.Zones) != 3 || got.Engine == "" || got.Allocatable.CPUMilli != 12000 {
		t.Fatalf("capacity: %+v", got)
	}
	a, b, zc := got.Zones[0], got.Zones[1], got.Zones[2]
	if a.Name != "a" || a.LostPods != 3 || a.Limit != 0.5 || a.Share < 0.83 || a.Share > 0.84 { // 3000m of 4000m, less 10 %
		t.Errorf("zone a: %+v", a)
	}
	// Lost with a: large (2.5 cores) finds room in c only: 4.0 − 0.4 − 1.0 − 0.1 = 2.5; then small goes to b; spread may not
	// go anywhere, because the lost zone goes on counting.
	if names := pending(a); !slices.Equal(names, []string{"capacity/spread-1-a"}) {
		t.Errorf("pending when a is lost: %+v", a.Pending)
	}
	if names := pending(b); !slices.Contains(names, "capacity/db-0 data-db-0") || !slices.Contains(names, "capacity/spread-1-b") {
		t.Errorf("pending when b is lost: %+v", b.Pending)
	}
	for _, p := range b.Pending {
		if p.Reason == "" || p.Owner == "" || p.CPUMilli == 0 {
			t.Errorf("pending: %+v", p)
		}
	}
	if zc.LostPods != 3 || zc.Shortfall.Pods != int64(len(zc.Pending)) {
		t.Errorf("zone c: %+v", zc)
	}
	// What was found stands among the cluster's findings too.
	fleettest.Eventually(t, "the findings name the zone", func() error {
		row := decode[rows.ClusterRow](t, s.get(t, "/kanrin/v1/clusters/cap"))
		for _, code := range []string{"ZoneLoss", "ZoneLossVolume"} {
			if !slices.ContainsFunc(row.Findings, func(f v1alpha1.Finding) bool { return f.Code == code && f.Object == "b" }) {
				return fmt.Errorf("no %s among %+v", code, row.Findings)
			}
		}
		return nil
	})
}

func labelled(app string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
}

func pending(z rows.ZoneLoss) []string {
	var out []string
	for _, p := range z.Pending {
		if p.Volume != "" {
			out = append(out, p.Pod+" "+p.Volume)
		} else {
			out = append(out, p.Pod)
		}
	}
	slices.Sort(out)
	return out
}
