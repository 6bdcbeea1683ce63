package drain

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/rehearse"
)

// shop is a node with n pods of one Deployment under one budget.
func shop(n int, b disruption.Budget) *Facts {
	f := &Facts{
		Cluster: "prod", Nodes: []Node{{Name: "w3", UID: "n3", Ready: true}}, Budgets: []disruption.Budget{b},
		Workloads: []Workload{{Key: "Deployment/shop/web", Replicas: b.Expected, Scalable: true, Sample: "web-0"}},
		Timing:    Timing{Start: map[string]int64{}}, Engaged: map[string]string{},
	}
	for i := range n {
		f.Pods = append(f.Pods, Pod{
			Namespace: "shop", Name: fmt.Sprintf("web-%d", i), UID: fmt.Sprint("u", i), Node: "w3", Class: disruption.Evictable, Ready: true,
			Workload: "Deployment/shop/web", Controller: "rs1", Budgets: []string{b.Name}, GraceSeconds: 30,
		})
	}
	return f
}

func budget(expected, desired, healthy int32) disruption.Budget {
	return disruption.Budget{Name: "shop/web", Rule: fmt.Sprint("minAvailable ", desired), Expected: expected, Desired: desired, Healthy: healthy, Absolute: true}
}

func options(change ...func(*Options)) Options {
	o := Options{Nodes: []string{"w3"}, Surge: map[string]bool{}, Delete: map[string]bool{}}
	for _, c := range change {
		c(&o)
	}
	return o
}

func rounds(s *Schedule) []int {
	var out []int
	for _, j := range s.Jobs {
		out = append(out, j.Round)
	}
	return out
}

func TestBudgetsSetTheRounds(t *testing.T) {
	for _, c := range []struct {
		name   string
		pods   int
		budget disruption.Budget
		o      Options
		want   []int
	}{
		{"one at a time", 3, budget(5, 4, 5), options(), []int{1, 2, 3}},
		{"two at a time", 3, budget(5, 3, 5), options(), []int{1, 1, 2}},
		{"room for all", 3, budget(9, 3, 9), options(), []int{1, 1, 1}},
		{"never, shown as one at a time", 2, budget(3, 3, 3), options(), []int{1, 2}},
		{"surge makes room", 2, budget(3, 2, 3), options(func(o *Options) { o.Surge["shop/web"] = true }), []int{1, 1}},
		{"deleted pods ask no budget", 2, budget(3, 3, 3), options(func(o *Options) { o.Delete["shop/web-1"] = true }), []int{1, 1}},
	} {
		if got := rounds(NewSchedule(shop(c.pods, c.budget), c.o)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: rounds %v, want %v", c.name, got, c.want)
		}
	}
}

func TestManyRoundsAreBounded(t *testing.T) {
	s := NewSchedule(shop(250, budget(300, 299, 300)), options())
	if s.Rounds != maxRounds {
		t.Errorf("%d rounds, want %d", s.Rounds, maxRounds)
	}
}

func codes(fs []v1alpha1.Finding, severity v1alpha1.Severity) string {
	var out []string
	for _, f := range fs {
		if f.Severity == severity {
			out = append(out, f.Code)
		}
	}
	return strings.Join(out, " ")
}

func flags(fs []v1alpha1.Finding) string {
	var out []string
	for _, f := range fs {
		for _, w := range f.Ways {
			out = append(out, w.Flag)
		}
	}
	return strings.Join(out, " ")
}

func TestFindings(t *testing.T) {
	change := func(f *Facts, c func(*Pod)) *Facts { c(&f.Pods[0]); return f }
	fine := budget(5, 4, 5)
	for _, c := range []struct {
		name               string
		facts              *Facts
		o                  Options
		places             *rehearse.ScenarioResult
		blockers, warnings string
		ways               string
	}{
		{name: "nothing to say", facts: shop(1, fine), o: options()},
		{name: "never met", facts: shop(1, budget(3, 3, 3)), o: options(), blockers: "BudgetNeverMet", ways: "--surge shop/web --wait --delete shop/web-0"},
		{name: "never met, percent", facts: func() *Facts { b := budget(3, 3, 3); b.Absolute = false; return shop(1, b) }(), o: options(), blockers: "BudgetNeverMet", ways: "--wait --delete shop/web-0"},
		{name: "surge helps", facts: shop(1, budget(3, 3, 3)), o: options(func(o *Options) { o.Surge["shop/web"] = true })},
		{name: "waiting is allowed", facts: shop(1, budget(3, 3, 3)), o: options(func(o *Options) { o.Wait = true }), warnings: "BudgetNeverMet", ways: "--surge shop/web --delete shop/web-0"},
		{name: "not now", facts: shop(1, budget(5, 4, 4)), o: options(), blockers: "BudgetNotMetNow", ways: "--wait --surge shop/web --delete shop/web-0"},
		{name: "cannot be computed", facts: func() *Facts { b := fine; b.Unknown = "no scale"; return shop(1, b) }(), o: options(), blockers: "BudgetUnknown", ways: "--wait --delete shop/web-0"},
		{name: "deleted", facts: shop(1, budget(3, 3, 3)), o: options(func(o *Options) { o.Delete["shop/web-0"] = true }), warnings: "BudgetBypassed"},
		{name: "two budgets", facts: change(shop(1, fine), func(p *Pod) { p.Budgets = []string{"shop/a", "shop/web"} }), o: options(), blockers: "MultipleBudgets", ways: "--delete shop/web-0"},
		{name: "unmanaged", facts: change(shop(1, fine), func(p *Pod) { p.Class, p.Budgets, p.Workload, p.Controller = disruption.Unmanaged, nil, "", "" }), o: options(), blockers: "UnmanagedPod", ways: "--delete shop/web-0"},
		{name: "local data", facts: change(shop(1, fine), func(p *Pod) { p.LocalData = []string{"cache"} }), o: options(), warnings: "LocalData"},
		{name: "single replica", facts: func() *Facts { f := shop(1, fine); f.Workloads[0].Replicas = 1; return f }(), o: options(), warnings: "SingleReplica"},
		{name: "option that names nothing", facts: shop(1, fine), o: options(func(o *Options) { o.Delete["shop/nobody"] = true; o.Surge["shop/none"] = true }), blockers: "SurgeUnknown DeleteUnknown"},
		{
			name: "no place", facts: shop(1, fine), o: options(),
			places:   &rehearse.ScenarioResult{Placements: []rehearse.Placement{{Namespace: "shop", Pod: "web-0", Reason: "0/3 nodes are available"}}},
			warnings: "StaysPending",
		},
		{
			name: "volume bound to a zone", o: options(),
			facts:    change(shop(1, fine), func(p *Pod) { p.Volumes = []Volume{{Claim: "data", Zones: []string{"b"}}} }),
			places:   &rehearse.ScenarioResult{Placements: []rehearse.Placement{{Namespace: "shop", Pod: "web-0", Reason: "0/3 nodes are available"}}},
			warnings: "VolumeCannotFollow",
		},
		{
			name: "stuck half-way", facts: shop(2, fine), o: options(),
			places:   &rehearse.ScenarioResult{Placements: []rehearse.Placement{{Namespace: "shop", Pod: "web-0", Reason: "full"}, {Round: 2, Namespace: "shop", Pod: "web-1", Node: "w1"}}},
			blockers: "BudgetStuck", warnings: "StaysPending", ways: "--wait --delete shop/web-0",
		},
	} {
		s := NewSchedule(c.facts, c.o)
		fs := Findings(c.facts, c.o, s, c.places)
		if got := codes(fs, v1alpha1.SeverityBlocker); got != c.blockers {
			t.Errorf("%s: blockers %q, want %q", c.name, got, c.blockers)
		}
		if got := codes(fs, v1alpha1.SeverityWarning); got != c.warnings {
			t.Errorf("%s: warnings %q, want %q", c.name, got, c.warnings)
		}
		if got := flags(fs); got != c.ways {
			t.Errorf("%s: ways %q, want %q", c.name, got, c.ways)
		}
		for _, f := range fs {
			if strings.Contains(f.Message, "{") || strings.HasPrefix(f.Message, "finding.") {
				t.Errorf("%s: message %q is not complete", c.name, f.Message)
			}
		}
	}
}

// Following each way that a blocker offers removes that blocker.
func TestWaysLeadRound(t *testing.T) {
	for name, f := range map[string]*Facts{
		"never": shop(1, budget(3, 3, 3)), "not now": shop(1, budget(5, 4, 4)),
	} {
		o := options()
		for _, finding := range Findings(f, o, NewSchedule(f, o), nil) {
			for _, w := range finding.Ways {
				o := options(func(o *Options) {
					switch w.Field {
					case "wait":
						o.Wait = true
					case "surge":
						o.Surge[w.Value] = true
					case "delete":
						o.Delete[w.Value] = true
					}
				})
				if got := codes(Findings(f, o, NewSchedule(f, o), nil), v1alpha1.SeverityBlocker); got != "" {
					t.Errorf("%s: %s leaves %s", name, w.Flag, got)
				}
			}
		}
	}
}
