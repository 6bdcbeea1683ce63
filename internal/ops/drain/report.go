package drain

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/plan"
)

// Report implements plan.Planner: the forecast against what the cluster shows now. It is computed from the plan and the cluster alone, so
// that it is the same whoever finishes the operation.
func (p *Planner) Report(ctx context.Context, op *v1alpha1.Operation, members []v1alpha1.Member) ([]v1alpha1.Line, map[string]int64, error) {
	evicted, deleted := membersEvicted(members)
	m := map[string]int64{"evicted": evicted, "deleted": deleted, "forecastPending": int64(op.Status.Plan.Forecast.Pending)}
	for _, s := range op.Status.Steps {
		m[MeasureRefused] += s.Measures[MeasureRefused]
		m[MeasureGone] = max(m[MeasureGone], s.Measures[MeasureGone])
	}
	lines := []v1alpha1.Line{*line("report", "Evicted", "evicted", evicted, "deleted", deleted)}
	c, err := connect(ctx, p.d.Fleet, op.Namespace)
	if err != nil {
		return lines, m, err
	}
	l := landings(c, op, members)
	m["expected"], m["landed"], m["landedAsForecast"], m["pending"] = l.expected, l.landed, l.asForecast, l.pending
	if v := median(l.ready); v > 0 {
		m[MeasureReady] = v
	}
	if l.expected > 0 {
		lines = append(lines, *line("report", "Landed", "landed", l.landed, "expected", l.expected, "asForecast", l.asForecast))
	}
	if l.pending > 0 || op.Status.Plan.Forecast.Pending > 0 {
		lines = append(lines, *line("report", "PendingNow", "count", l.pending, "forecast", op.Status.Plan.Forecast.Pending))
	}
	if n := m[MeasureRefused]; n > 0 {
		lines = append(lines, *line("report", "Budgets", "count", n))
	}
	lines = append(lines, *line("report", "NodesCordoned", "nodes", strings.Join(op.Spec.Drain.Nodes, " ")))
	return lines, m, nil
}

type landing struct {
	expected, landed, asForecast, pending int64
	ready                                 []int64 // milliseconds from creation to ready
}

// landings compares, workload by workload, where pods were forecast with where new ones run. Pods of one controller are alike: what
// counts is how many of them are on which node, not which replaced which.
func landings(c *fleet.Connection, op *v1alpha1.Operation, members []v1alpha1.Member) landing {
	var out landing
	forecast := map[string]map[string]int64{} // workload → node → pods
	expected := map[string]int64{}
	for _, m := range members {
		if m.Owner == "" || (m.To == "" && m.Pending == "") {
			continue
		}
		expected[m.Owner]++
		if forecast[m.Owner] == nil {
			forecast[m.Owner] = map[string]int64{}
		}
		forecast[m.Owner][m.To]++
	}
	for _, key := range sortedKeys(expected) {
		w, ok := findScalable(c, key)
		if !ok {
			continue
		}
		out.expected += expected[key]
		actual := map[string]int64{}
		landed := int64(0)
		for _, pod := range newPods(c, w.uids, op) {
			switch {
			case pod.Spec.NodeName == "":
				out.pending++
				actual[""]++
			case disruption.Ready(pod):
				landed++
				actual[pod.Spec.NodeName]++
				if ms := startMillis([]*corev1.Pod{pod}); ms > 0 {
					out.ready = append(out.ready, ms)
				}
			}
		}
		out.landed += min(landed, expected[key])
		match := int64(0)
		for node, n := range forecast[key] {
			if node != "" {
				match += min(n, actual[node])
			}
		}
		out.asForecast += match
	}
	return out
}

// newPods are those of the controllers that were created since the operation began. API times are whole seconds.
func newPods(c *fleet.Connection, controllers []types.UID, op *v1alpha1.Operation) []*corev1.Pod {
	var out []*corev1.Pod
	for _, uid := range controllers {
		for _, p := range c.Pods().ByOwner(uid) {
			if p.DeletionTimestamp == nil && op.Status.StartedAt != nil && p.CreationTimestamp.Unix() >= op.Status.StartedAt.Unix() {
				out = append(out, p)
			}
		}
	}
	return out
}

var _ plan.Planner = (*Planner)(nil)
