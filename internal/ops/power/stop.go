package power

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
	"kanrin.dev/kanrin/internal/ops/drain"
	"kanrin.dev/kanrin/internal/plan"
)

// skewLimit is the difference of two clocks that etcd and certificates still bear (etcd warns at one second).
const skewLimit = time.Second

// StopPlanner plans the stop of a cluster.
type StopPlanner struct{ base }

// Plan implements plan.Planner.
func (p *StopPlanner) Plan(ctx context.Context, op *v1alpha1.Operation) (*plan.Draft, error) {
	f, err := p.gatherStop(ctx, op, true)
	if err != nil {
		return nil, err
	}
	if err := p.engage(ctx, op, f); err != nil {
		return nil, err
	}
	return ComposeStop(f, op.Spec.Stop, op.Namespace+"/"+op.Name)
}

// Facts implements plan.Planner.
func (p *StopPlanner) Facts(ctx context.Context, op *v1alpha1.Operation) (any, error) {
	return p.gatherStop(ctx, op, false)
}

// ComposeStop makes the plan of a stop; id is the operation's in marks.
func ComposeStop(f *Facts, o *v1alpha1.StopSpec, id string) (*plan.Draft, error) {
	c := &composer{f: f, draft: &plan.Draft{}}
	planes, tiers := f.controlPlanes(), f.tiers()
	suspend := c.checkStop(o)
	state := &State{Operation: id, Cordoned: map[string]string{}, Webhooks: suspend}
	if len(f.Whole) <= 500 { // what is not waited for by name is still started
		state.Whole = f.Whole
	}
	var open []string
	for _, m := range append(f.workers(), planes...) {
		if m.Cordoned {
			state.Cordoned[m.Node] = m.CordonedBy
		} else {
			open = append(open, m.Node)
		}
	}
	for _, t := range o.ScaleDown {
		tier := map[string]int32{}
		for _, w := range t.Workloads {
			if n, ok := f.Workloads[w]; ok {
				tier[w] = n
			}
		}
		if len(tier) > 0 {
			state.Tiers = append(state.Tiers, tier)
		}
	}
	grace := min(max(f.Grace, 30), 600)

	c.add(v1alpha1.Step{ID: "remember", Kind: KindRemember, ForecastSeconds: 1, TimeoutSeconds: quick, Undo: KindForget}, stateArgs{state},
		"cordoned", len(state.Cordoned), "workloads", len(f.Workloads))
	for i, t := range state.Tiers {
		c.add(v1alpha1.Step{
			ID: fmt.Sprintf("scale-down-%d", i+1), Kind: KindScaleDown, Targets: slices.Sorted(maps.Keys(t)), ForecastSeconds: 10, TimeoutSeconds: hostTime + grace, Undo: KindScaleUp,
		}, scaleArgs{Replicas: t}, "tier", i+1, "workloads", strings.Join(slices.Sorted(maps.Keys(t)), ", "))
	}
	if len(suspend) > 0 {
		c.add(v1alpha1.Step{ID: "suspend-webhooks", Kind: KindSuspend, Targets: slices.Sorted(maps.Keys(suspend)), ForecastSeconds: 1, TimeoutSeconds: quick, Undo: KindRestore},
			webhookArgs{suspend}, "webhooks", strings.Join(slices.Sorted(maps.Keys(suspend)), ", "))
	}
	if len(open) > 0 {
		slices.Sort(open)
		c.take(drain.CordonStep("cordon", open, nil))
	}
	if o.Drain {
		for i := len(tiers) - 1; i >= 0; i-- {
			c.take(drain.Live{ID: fmt.Sprintf("evict-%d", i+1), Nodes: names(tiers[i]), ForecastSeconds: 15, TimeoutSeconds: hostTime + grace}.Step())
		}
	}
	// Control planes go first: with them gone nobody declares the workers dead and starts their pods elsewhere.
	c.each(KindStopKubelet, KindStartKubelet, planes, true, 2, hostTime, 0)
	c.each(KindStopRuntime, KindStartRuntime, planes, false, 5, hostTime, grace)
	if o.PowerOff {
		c.each(KindOff, KindOn, planes, true, 5, hostTime, 0)
	}
	for i := len(tiers) - 1; i >= 0; i-- {
		c.each(KindStopKubelet, KindStartKubelet, tiers[i], true, 2, hostTime, 0)
		c.each(KindStopRuntime, KindStartRuntime, tiers[i], true, 5, hostTime, grace)
		if o.PowerOff {
			c.each(KindOff, KindOn, tiers[i], true, 5, hostTime, 0)
		}
	}
	c.say("StopOrder", "controlPlanes", list(planes), "workers", list(f.workers()), "tiers", len(tiers))
	if o.Drain {
		c.say("StopDrains", "pods", f.Pods)
	} else {
		c.say("StopInPlace", "pods", f.Pods, "seconds", grace)
	}
	if until, m := c.mustStartBy(); m != nil {
		c.say("MustStartBy", "date", until.UTC().Format("2006-01-02 15:04 MST"), "host", m.Host, "file", m.NotAfterFile)
	}
	return c.done(f.Cluster)
}

// mustStartBy is when the first certificate runs out.
func (c *composer) mustStartBy() (time.Time, *Machine) {
	var first *Machine
	for i := range c.f.Machines {
		m := &c.f.Machines[i]
		if !m.NotAfter.IsZero() && (first == nil || m.NotAfter.Before(first.NotAfter)) {
			first = m
		}
	}
	if first == nil {
		return time.Time{}, nil
	}
	return first.NotAfter, first
}

// checkStop finds what stands in the way and returns the webhooks to suspend.
func (c *composer) checkStop(o *v1alpha1.StopSpec) map[string][]string {
	f := c.f
	c.checkMachines()
	if f.State != nil {
		c.find(v1alpha1.SeverityBlocker, "AlreadyStopped", "Cluster", f.Cluster, nil, "operation", f.State.Operation, "at", f.State.At.UTC().Format(time.RFC3339))
	}
	for _, n := range f.Unhosted {
		c.find(v1alpha1.SeverityBlocker, "NoHost", "Node", n, nil)
	}
	for _, w := range f.Missing {
		c.find(v1alpha1.SeverityBlocker, "NotScalable", "Workload", w, nil)
	}
	for _, m := range f.Machines {
		if m.Node != "" && m.State != v1alpha1.HostReachable {
			c.find(v1alpha1.SeverityBlocker, "HostNotUsable", "Host", m.Host, nil, "why", m.StateText)
		}
		if by := f.Engaged[m.Node]; by != "" && m.Node != "" {
			c.find(v1alpha1.SeverityBlocker, "NodeBusy", "Node", m.Node, nil, "operation", by)
		}
		if o.PowerOff && m.Node != "" && !m.Power {
			c.find(v1alpha1.SeverityWarning, "NoWayOn", "Host", m.Host, nil)
		}
	}
	c.checkClocks()
	if until, m := c.mustStartBy(); m != nil {
		switch {
		case o.Until != nil && !until.After(o.Until.Time):
			c.find(v1alpha1.SeverityBlocker, "CertificateEnds", "Host", m.Host, nil, "file", m.NotAfterFile, "date", until.UTC().Format(time.RFC3339), "until", o.Until.UTC().Format(time.RFC3339))
		case until.Before(f.Now.Add(30 * 24 * time.Hour)):
			c.find(v1alpha1.SeverityWarning, "CertificateSoon", "Host", m.Host, nil, "file", m.NotAfterFile, "date", until.UTC().Format(time.RFC3339))
		}
	}
	return c.checkWebhooks(o.SuspendWebhooks)
}

// checkMachines needs at least one control plane.
func (c *composer) checkMachines() {
	if len(c.f.controlPlanes()) == 0 {
		c.find(v1alpha1.SeverityBlocker, "NoControlPlane", "Cluster", c.f.Cluster, nil)
	}
}

// checkClocks compares the machines with each other, as far as they can be known.
func (c *composer) checkClocks() {
	var low, high *Machine
	for i := range c.f.Machines {
		m := &c.f.Machines[i]
		if m.State != v1alpha1.HostReachable {
			continue
		}
		if low == nil || m.OffsetMs < low.OffsetMs {
			low = m
		}
		if high == nil || m.OffsetMs > high.OffsetMs {
			high = m
		}
	}
	if low == nil || low == high {
		return
	}
	apart := time.Duration(high.OffsetMs-low.OffsetMs-high.ErrorMs-low.ErrorMs) * time.Millisecond
	if apart > skewLimit {
		c.find(v1alpha1.SeverityBlocker, "ClocksDisagree", "Host", high.Host, nil, "other", low.Host, "milliseconds", apart.Milliseconds(), "limit", skewLimit.Milliseconds())
	}
}

// checkWebhooks blocks on those that would deadlock the start and are not to be suspended.
func (c *composer) checkWebhooks(asked []string) map[string][]string {
	suspend := map[string][]string{}
	known := map[string]bool{}
	for _, w := range c.f.Webhooks {
		known[w.Key] = true
		if slices.Contains(asked, w.Key) {
			suspend[w.Key] = w.Names
			continue
		}
		c.find(v1alpha1.SeverityBlocker, "WebhookDeadlock", "Webhook", w.Key,
			[]v1alpha1.Way{{Code: "suspendWebhook", Flag: "--suspend-webhook " + w.Key, Field: "suspendWebhooks", Value: w.Key}},
			"service", w.Service, "matters", w.Matters, "names", strings.Join(w.Names, ", "))
	}
	for _, a := range asked {
		if !known[a] {
			c.find(v1alpha1.SeverityWarning, "WebhookHarmless", "Webhook", a, nil)
		}
	}
	return suspend
}

// Report implements plan.Planner.
func (p *StopPlanner) Report(_ context.Context, op *v1alpha1.Operation, _ []v1alpha1.Member) ([]v1alpha1.Line, map[string]int64, error) {
	lines, m := share(op)
	return append([]v1alpha1.Line{line("report", "Stopped", "cluster", op.Namespace)}, lines...), m, nil
}

func line(area, code string, pairs ...any) v1alpha1.Line {
	params := lang.P(pairs...)
	return v1alpha1.Line{Code: code, Params: params, Message: lang.English.Text(area+"."+code, params)}
}

// MeasureMachines is what a step spent waiting for machines and the cluster, in milliseconds.
const MeasureMachines = "machineMilliseconds"

// share says how much of the time was Kanrin's own: between steps, and in steps other than waiting for machines. Of steps that ran at the
// same time the longest counts. Pauses, and steps that were begun more than once, are nobody's time.
func share(op *v1alpha1.Operation) ([]v1alpha1.Line, map[string]int64) {
	if op.Status.Plan == nil {
		return nil, nil
	}
	byID := map[string]v1alpha1.StepStatus{}
	for _, s := range op.Status.Steps {
		byID[s.ID] = s
	}
	var total, own time.Duration
	var end time.Time
	steps := op.Status.Plan.Steps
	for i := 0; i < len(steps); {
		next := i + 1
		for next < len(steps) && steps[i].Group != "" && steps[next].Group == steps[i].Group {
			next++
		}
		var from, to time.Time
		var machines time.Duration
		once := true
		for _, st := range steps[i:next] {
			s := byID[st.ID]
			if s.StartedAt == nil || s.FinishedAt == nil || s.Attempts > 1 {
				once = false
				break
			}
			if from.IsZero() || s.StartedAt.Time.Before(from) {
				from = s.StartedAt.Time
			}
			if s.FinishedAt.Time.After(to) {
				to = s.FinishedAt.Time
			}
			spent := time.Duration(s.Measures[MeasureMachines]) * time.Millisecond
			if st.Kind == drain.KindSettle || st.Kind == drain.KindEvictLive {
				spent = s.FinishedAt.Time.Sub(s.StartedAt.Time) // they do nothing but wait for pods
			}
			machines = max(machines, spent)
		}
		i = next
		if !once {
			end = time.Time{}
			continue
		}
		if gap := from.Sub(end); !end.IsZero() && gap < pauseLike {
			total, own = total+gap, own+gap
		}
		total, own, end = total+to.Sub(from), own+max(0, to.Sub(from)-machines), to
	}
	if total <= 0 {
		return nil, nil
	}
	m := map[string]int64{"totalMilliseconds": total.Milliseconds(), "ownMilliseconds": own.Milliseconds(), "ownPercent": int64(own * 100 / total)}
	return []v1alpha1.Line{line("report", "OwnShare", "percent", m["ownPercent"], "seconds", int64(own.Round(time.Second).Seconds()), "total", int64(total.Round(time.Second).Seconds()))}, m
}

// pauseLike gaps between steps are pauses or restarts of Kanrin.
const pauseLike = 10 * time.Second
