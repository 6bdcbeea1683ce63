package power

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/ops/drain"
	"kanrin.dev/kanrin/internal/plan"
)

// StartPlanner plans the start of a cluster from whatever state it is in. The cluster itself cannot be asked: a start rests on the
// registered hosts and on what the stop wrote down.
type StartPlanner struct{ base }

func (p *StartPlanner) gather(ctx context.Context, op *v1alpha1.Operation, deep bool) (*Facts, error) {
	f, err := p.machines(ctx, op.Namespace, nil)
	if err != nil {
		return nil, err
	}
	if f.State, err = ReadState(ctx, p.d.Client, op.Namespace); err != nil {
		return nil, err
	}
	if deep {
		p.probe(ctx, f, look)
	} else {
		for i := range f.Machines {
			f.Machines[i].Runtime = "" // known only to machines that answer; not part of what makes a plan stale
		}
	}
	return f, nil
}

// Plan implements plan.Planner.
func (p *StartPlanner) Plan(ctx context.Context, op *v1alpha1.Operation) (*plan.Draft, error) {
	f, err := p.gather(ctx, op, true)
	if err != nil {
		return nil, err
	}
	d, err := ComposeStart(f, op.Spec.Start)
	if err != nil {
		return nil, err
	}
	facts, err := p.gather(ctx, op, false)
	d.Facts = facts
	return d, err
}

// Facts implements plan.Planner.
func (p *StartPlanner) Facts(ctx context.Context, op *v1alpha1.Operation) (any, error) {
	return p.gather(ctx, op, false)
}

// ComposeStart makes the plan of a start.
func ComposeStart(f *Facts, o *v1alpha1.StartSpec) (*plan.Draft, error) {
	c := &composer{f: f, draft: &plan.Draft{}}
	c.checkMachines()
	known := map[string]bool{}
	out := f.Machines[:0:0]
	for _, m := range f.Machines {
		known[m.Host] = true
		if slices.Contains(o.Without, m.Host) {
			c.find(v1alpha1.SeverityInfo, "StartsWithout", "Host", m.Host, nil)
			continue
		}
		out = append(out, m)
	}
	for _, w := range o.Without {
		if !known[w] {
			return nil, plan.Refuse(v1alpha1.ReasonNotFound, "HostUnknown", w, "cluster", f.Cluster)
		}
	}
	all, every := len(f.controlPlanes()), f.Machines
	written := f.State != nil
	f = &Facts{Cluster: f.Cluster, Machines: out, State: f.State, Now: f.Now}
	c.f = f
	planes, tiers := f.controlPlanes(), f.tiers()
	if need := all/2 + 1; len(planes) < need && all > 0 {
		c.find(v1alpha1.SeverityBlocker, "QuorumOut", "Cluster", f.Cluster, nil, "members", all, "left", len(planes), "need", need)
	}
	var dark []Machine
	for _, m := range f.Machines {
		if m.Node == "" && !m.Other {
			continue // neither a node nor anything that one needs
		}
		switch m.State {
		case v1alpha1.HostReachable:
		case v1alpha1.HostUnreachable, v1alpha1.HostNoAnswer, v1alpha1.HostUnknown:
			dark = append(dark, m)
			if !m.Power {
				c.find(v1alpha1.SeverityWarning, "SwitchOnByHand", "Host", m.Host, nil)
			}
		default:
			c.find(v1alpha1.SeverityBlocker, "HostNotUsable", "Host", m.Host, []v1alpha1.Way{{Code: "without", Flag: "--without " + m.Host, Field: "without", Value: m.Host}}, "why", m.StateText)
		}
	}
	c.checkClocks()
	if until, m := c.mustStartBy(); m != nil && until.Before(f.Now) {
		c.find(v1alpha1.SeverityWarning, "CertificateEnded", "Host", m.Host, nil, "file", m.NotAfterFile, "date", until.UTC().Format(time.RFC3339))
	}
	if len(dark) > 0 {
		c.each(KindOn, "", dark, true, 30, bootTime, 0)
	}
	// Workers first: when the control planes come, every node is there, and nothing is moved.
	for _, t := range tiers {
		c.each(KindStartRuntime, "", t, true, 2, hostTime, 0)
		c.each(KindStartKubelet, "", t, true, 2, hostTime, 0)
	}
	c.each(KindStartRuntime, "", planes, true, 2, hostTime, 0)
	c.each(KindStartKubelet, "", planes, true, 2, hostTime, 0)
	gate := func(kind string, ms []Machine, forecast int64) {
		args := gateArgs{Hosts: make([]hostArgs, len(ms)), Need: all/2 + 1}
		for i, m := range ms {
			args.Hosts[i] = hostArgs{Host: m.Host, Node: m.Node}
		}
		c.add(v1alpha1.Step{ID: kind[len("power-"):], Kind: kind, Targets: names(ms), ForecastSeconds: forecast, TimeoutSeconds: gateTime}, args,
			"count", len(ms), "need", all/2+1)
	}
	gate(KindGateEtcd, planes, 15)
	gate(KindGateAPI, nil, 15)
	suspend := map[string][]string{}
	for _, w := range o.SuspendWebhooks {
		suspend[w] = nil
	}
	c.addSuspend(f, suspend)
	gate(KindGateNodes, append(slices.Clone(planes), f.workers()...), 20)
	gate(KindGateCore, nil, 20)
	c.putBack(f.State, every)
	c.say("StartOrder", "controlPlanes", list(planes), "workers", list(f.workers()), "off", len(dark))
	if !written {
		c.say("StartUnwritten")
	} else {
		c.say("StartWritten", "operation", f.State.Operation, "at", f.State.At.UTC().Format(time.RFC3339), "cordoned", len(f.State.Cordoned), "tiers", len(f.State.Tiers))
	}
	return c.done(f.Cluster)
}

// addSuspend sets webhooks aside before pods are needed, in a cluster that went down without a stop.
func (c *composer) addSuspend(f *Facts, asked map[string][]string) {
	if len(asked) == 0 {
		return
	}
	if f.State == nil {
		f.State = &State{}
	}
	keys := slices.Sorted(maps.Keys(asked))
	c.add(v1alpha1.Step{ID: "suspend-webhooks", Kind: KindSuspend, Targets: keys, ForecastSeconds: 1, TimeoutSeconds: quick, Undo: KindRestore},
		webhookArgs{asked}, "webhooks", strings.Join(keys, ", "))
	if f.State.Webhooks == nil {
		f.State.Webhooks = map[string][]string{}
	}
	for k, v := range asked {
		if _, there := f.State.Webhooks[k]; !there {
			f.State.Webhooks[k] = v
		}
	}
}

// putBack restores what the stop had changed, in the reverse order. Nodes of machines that are not waited for are uncordoned too: the stop
// had cordoned them.
func (c *composer) putBack(s *State, every []Machine) {
	if s == nil {
		return
	}
	if s.Operation != "" {
		var open []string
		marks := map[string]string{}
		for _, m := range every {
			if _, was := s.Cordoned[m.Node]; m.Node != "" && !was {
				open = append(open, m.Node)
				marks[m.Node] = s.Operation
			}
		}
		if len(open) > 0 {
			slices.Sort(open)
			c.add(v1alpha1.Step{ID: "uncordon", Kind: drain.KindUncordon, Targets: open, ForecastSeconds: 1, TimeoutSeconds: quick, Undo: drain.KindCordon},
				map[string]any{"cordoned": marks}, "nodes", strings.Join(open, ", "), "count", len(open))
		}
	}
	if len(s.Webhooks) > 0 {
		keys := slices.Sorted(maps.Keys(s.Webhooks))
		c.add(v1alpha1.Step{ID: "restore-webhooks", Kind: KindRestore, Targets: keys, ForecastSeconds: 1, TimeoutSeconds: quick},
			webhookArgs{s.Webhooks}, "webhooks", strings.Join(keys, ", "))
	}
	for i := len(s.Tiers) - 1; i >= 0; i-- {
		keys := slices.Sorted(maps.Keys(s.Tiers[i]))
		c.add(v1alpha1.Step{ID: fmt.Sprintf("scale-up-%d", i+1), Kind: KindScaleUp, Targets: keys, ForecastSeconds: 15, TimeoutSeconds: gateTime},
			scaleArgs{Replicas: s.Tiers[i], By: s.Operation}, "tier", i+1, "workloads", strings.Join(keys, ", "))
	}
	if len(s.Whole) > 0 {
		c.add(v1alpha1.Step{ID: "settle", Kind: drain.KindSettle, ForecastSeconds: 15, TimeoutSeconds: hostTime},
			map[string]any{"workloads": s.Whole}, "count", len(s.Whole))
	}
	if s.Operation != "" {
		c.add(v1alpha1.Step{ID: "forget", Kind: KindForget, ForecastSeconds: 1, TimeoutSeconds: quick}, nil, "operation", s.Operation)
	}
}

// Report implements plan.Planner.
func (p *StartPlanner) Report(_ context.Context, op *v1alpha1.Operation, _ []v1alpha1.Member) ([]v1alpha1.Line, map[string]int64, error) {
	lines, m := share(op)
	return append([]v1alpha1.Line{line("report", "Started", "cluster", op.Namespace)}, lines...), m, nil
}
