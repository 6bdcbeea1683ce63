package drain

import (
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/lang"
	"kanrin.dev/kanrin/internal/plan"
	"kanrin.dev/kanrin/internal/rehearse"
)

// Kinds of steps.
const (
	KindSurge     = "surge"
	KindCordon    = "cordon"
	KindUncordon  = "uncordon"
	KindEvict     = "evict"
	KindEvictLive = "evict-live"
	KindVerify    = "verify"
	KindSettle    = "settle"
	KindUnsurge   = "unsurge"
)

const (
	defaultTimeout = 3600
	quickTimeout   = 120
	settleTimeout  = 300
)

// surgeArgs is the data of surge and unsurge steps.
type surgeArgs struct {
	Workload string `json:"workload"` // Kind/namespace/name
	From     int32  `json:"from"`     // replicas before
}

// evictArgs is the data of evict steps.
type evictArgs struct {
	GraceSeconds *int64 `json:"graceSeconds,omitempty"`
	// Live evicts what is on the step's targets when it runs; Unmanaged also pods without a controller.
	Live      bool `json:"live,omitempty"`
	Unmanaged bool `json:"unmanaged,omitempty"`
}

// cordonArgs is the data of cordon and uncordon steps: how each node was found.
type cordonArgs struct {
	Cordoned map[string]string `json:"cordoned,omitempty"` // node → by whom, for nodes that were cordoned already
}

// settleArgs is the data of the settle step: who should be whole again.
type settleArgs struct {
	Workloads []string `json:"workloads,omitempty"`
}

// Compose makes the plan. places may be nil when nothing leaves.
func Compose(f *Facts, o Options, s *Schedule, places *rehearse.ScenarioResult, fs []v1alpha1.Finding) (*plan.Draft, error) {
	c := &composer{f: f, o: o, s: s, to: map[string]*rehearse.Placement{}}
	if places != nil {
		for i := range places.Placements {
			if p := &places.Placements[i]; !p.Copy {
				c.to[p.Namespace+"/"+p.Pod] = p
			}
		}
	}
	d := &plan.Draft{Facts: factsOf(f, o), Target: strings.Join(o.Nodes, ", ")}
	c.draft = d
	d.Plan.Findings = fs
	if err := c.steps(); err != nil {
		return nil, err
	}
	c.forecast()
	c.summary()
	return d, nil
}

type composer struct {
	f     *Facts
	o     Options
	s     *Schedule
	to    map[string]*rehearse.Placement
	draft *plan.Draft
}

func (c *composer) add(st v1alpha1.Step, args any, pairs ...any) error {
	st.Params = lang.P(pairs...)
	st.Title = lang.English.Text("step."+st.Kind, st.Params)
	if args != nil {
		raw, err := json.Marshal(args)
		if err != nil {
			return fmt.Errorf("writing the arguments of step %s: %w", st.ID, err)
		}
		st.Args = &runtime.RawExtension{Raw: raw}
	}
	c.draft.Plan.Steps = append(c.draft.Plan.Steps, st)
	return nil
}

func (c *composer) steps() error {
	timeout := c.o.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	names := nodeNames(c.f.Nodes)
	for i, w := range c.s.Surge {
		err := c.add(v1alpha1.Step{
			ID: fmt.Sprintf("surge-%d", i+1), Kind: KindSurge, Group: "surge", Targets: []string{workloadName(w.Key)},
			ForecastSeconds: c.start(w.Key), TimeoutSeconds: timeout, Undo: KindUnsurge,
		}, surgeArgs{w.Key, w.Replicas}, "workload", spoken(w.Key), "from", w.Replicas, "to", w.Replicas+1)
		if err != nil {
			return err
		}
	}
	found := cordonArgs{Cordoned: map[string]string{}}
	for _, n := range c.f.Nodes {
		if n.Unschedulable {
			found.Cordoned[n.Name] = n.CordonedBy
		}
	}
	if err := c.add(v1alpha1.Step{
		ID: "cordon", Kind: KindCordon, Targets: names, TimeoutSeconds: quickTimeout, ForecastSeconds: 1, Undo: KindUncordon,
	}, found, "nodes", strings.Join(names, ", "), "count", len(names)); err != nil {
		return err
	}
	for round := 1; round <= c.s.Rounds; round++ {
		if err := c.round(round, timeout); err != nil {
			return err
		}
	}
	if err := c.add(v1alpha1.Step{ID: "verify", Kind: KindVerify, Targets: names, TimeoutSeconds: timeout, ForecastSeconds: 1}, nil); err != nil {
		return err
	}
	if w := c.replaced(); len(w) > 0 {
		if err := c.add(v1alpha1.Step{
			ID: "settle", Kind: KindSettle, TimeoutSeconds: settleTimeout + 60, ForecastSeconds: c.settleSeconds(),
		}, settleArgs{w}, "count", len(w)); err != nil {
			return err
		}
	}
	for i, w := range c.s.Surge {
		err := c.add(v1alpha1.Step{
			ID: fmt.Sprintf("unsurge-%d", i+1), Kind: KindUnsurge, Group: "unsurge", Targets: []string{workloadName(w.Key)},
			ForecastSeconds: 1, TimeoutSeconds: quickTimeout,
		}, surgeArgs{w.Key, w.Replicas}, "workload", spoken(w.Key), "from", w.Replicas+1, "to", w.Replicas)
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *composer) round(round int, timeout int64) error {
	id := fmt.Sprintf("evict-%d", round)
	landings := map[string]int32{}
	n := int32(0)
	var only string
	for _, j := range c.s.Jobs {
		if j.Round != round {
			continue
		}
		m := v1alpha1.Member{
			Step: id, Object: j.Pod.Key(), UID: j.Pod.UID, Action: j.Action, Owner: j.Pod.Workload, From: j.Pod.Node,
			Budgets: j.Pod.Budgets, GraceSeconds: c.o.grace(j.Pod),
		}
		if p := c.to[j.Pod.Key()]; p != nil {
			m.To, m.Pending = p.Node, p.Reason
			landings[p.Node]++
		}
		c.draft.Members = append(c.draft.Members, m)
		only = j.Pod.Key()
		n++
	}
	what := ""
	if n == 1 {
		what = only
	}
	return c.add(v1alpha1.Step{
		ID: id, Kind: KindEvict, Members: n, To: landed(landings), TimeoutSeconds: timeout, ForecastSeconds: c.roundSeconds(round),
	}, evictArgs{GraceSeconds: c.o.Grace}, "round", round, "count", n, "only", what)
}

// landed sorts landings by number, most first; without a node last.
func landed(m map[string]int32) []v1alpha1.Landing {
	out := make([]v1alpha1.Landing, 0, len(m))
	for node, n := range m {
		out = append(out, v1alpha1.Landing{Node: node, Pods: n})
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if (a.Node == "") != (b.Node == "") {
			return b.Node == ""
		}
		if a.Pods != b.Pods {
			return a.Pods > b.Pods
		}
		return a.Node < b.Node
	})
	if len(out) > 64 {
		out = out[:64]
	}
	return out
}

// replaced are the workloads whose pods come back somewhere else, those left out that are not expected to.
func (c *composer) replaced() []string {
	set := map[string]bool{}
	for _, j := range c.s.Jobs {
		if j.Recreated() && j.Pod.Workload != "" {
			set[j.Pod.Workload] = true
		}
	}
	for _, p := range c.to {
		if p.Node == "" {
			for _, j := range c.s.Jobs {
				if j.Pod.Key() == p.Namespace+"/"+p.Pod {
					delete(set, j.Pod.Workload)
				}
			}
		}
	}
	return sorted(set)
}

// gone is how many seconds a pod should take from its eviction until it is gone, and at most.
func (c *composer) gone(p Pod) (expected, atMost int64) {
	if p.Class == disruption.Finished {
		return 1, 1 // nothing runs in it that would have to shut down
	}
	atMost = c.o.grace(p)
	expected = min(atMost, 10)
	if ms := c.f.Timing.Gone; ms > 0 {
		expected = min(max(1, seconds(ms)), max(1, atMost))
	}
	return max(1, expected), max(1, atMost)
}

// start is how many seconds a pod of the workload should take from its creation until it is ready.
func (c *composer) start(workload string) int64 {
	if ms := c.f.Timing.Start[workload]; ms > 0 {
		return max(1, seconds(ms))
	}
	if ms := c.f.Timing.Ready; ms > 0 {
		return max(1, seconds(ms))
	}
	return 10
}

func seconds(ms int64) int64 { return int64(math.Ceil(float64(ms) / 1000)) }

func (c *composer) roundSeconds(round int) int64 {
	longest, pods := int64(0), 0
	next := map[string]bool{} // budgets that the next round needs again
	for _, j := range c.s.Jobs {
		if j.Round == round+1 {
			for _, b := range j.Pod.Budgets {
				next[b] = true
			}
		}
	}
	for _, j := range c.s.Jobs {
		if j.Round != round {
			continue
		}
		pods++
		t, _ := c.gone(j.Pod)
		for _, b := range j.Pod.Budgets {
			if next[b] {
				t += c.start(j.Pod.Workload)
				break
			}
		}
		longest = max(longest, t)
	}
	return longest + int64(pods)/100
}

func (c *composer) settleSeconds() int64 {
	longest := int64(0)
	for _, j := range c.s.Jobs {
		if j.Round == c.s.Rounds && j.Recreated() {
			longest = max(longest, c.start(j.Pod.Workload))
		}
	}
	return longest
}

func (c *composer) forecast() {
	p := &c.draft.Plan
	all := map[string]int32{}
	var atMost int64
	for _, st := range p.Steps {
		p.Forecast.Seconds += st.ForecastSeconds
		if st.Kind != KindEvict {
			atMost += max(st.ForecastSeconds, 1)
		}
	}
	var slowest *Job
	for round := 1; round <= c.s.Rounds; round++ {
		worst := int64(0)
		for i := range c.s.Jobs {
			j := &c.s.Jobs[i]
			if j.Round != round {
				continue
			}
			_, most := c.gone(j.Pod)
			worst = max(worst, most+2*c.start(j.Pod.Workload))
			if j.Pod.Class != disruption.Finished && (slowest == nil || c.o.grace(j.Pod) > c.o.grace(slowest.Pod)) {
				slowest = j
			}
		}
		atMost += worst
	}
	for _, pl := range c.to {
		all[pl.Node]++
	}
	p.Forecast.AtMostSeconds = max(atMost, p.Forecast.Seconds)
	p.Forecast.Landings = landed(all)
	p.Forecast.Pending = all[""]
	p.Forecast.Basis = "defaults"
	if len(c.f.Timing.Start) > 0 {
		p.Forecast.Basis = "observed"
	}
	if c.f.Timing.Gone > 0 {
		p.Forecast.Basis = "history"
	}
	if slowest != nil {
		p.Forecast.Longest = line("summary", "Longest", "pod", slowest.Pod.Key(), "seconds", c.o.grace(slowest.Pod))
	}
	p.Forecast.Counts = map[string]int64{
		"leave": int64(len(c.s.Jobs)), "evict": int64(c.s.Evict), "delete": int64(c.s.Delete), "finished": int64(c.s.Finished),
		"daemonset": int64(c.s.Stay - c.s.Static), "static": int64(c.s.Static), "terminating": int64(c.s.Terminating), "rounds": int64(c.s.Rounds),
	}
}

func (c *composer) summary() {
	p := &c.draft.Plan
	add := func(code string, pairs ...any) { p.Summary = append(p.Summary, *line("summary", code, pairs...)) }
	add("Leave", "count", len(c.s.Jobs), "evicted", c.s.Evict, "deleted", c.s.Delete, "stay", c.s.Stay, "finished", c.s.Finished)
	if c.s.Rounds > 1 {
		add("Rounds", "rounds", c.s.Rounds, "budget", c.pacing())
	}
	if pending := p.Forecast.Pending; pending > 0 {
		add("Pending", "count", pending)
	}
	for _, w := range c.s.Surge {
		add("Surge", "workload", spoken(w.Key), "from", w.Replicas, "to", w.Replicas+1)
	}
	add("Duration", "seconds", p.Forecast.Seconds, "atMost", p.Forecast.AtMostSeconds)
	out := 0
	for _, n := range c.f.Nodes {
		if n.ControlPlane {
			out++
		}
	}
	if total := c.f.Size.ControlPlanes; total > 0 {
		add("ControlPlanes", "stay", total-out, "total", total)
	}
}

// pacing is the budget that forces the last round.
func (c *composer) pacing() string {
	for _, j := range c.s.Jobs {
		if j.Round == c.s.Rounds && len(j.Pod.Budgets) > 0 {
			return j.Pod.Budgets[0]
		}
	}
	return ""
}

func line(area, code string, pairs ...any) *v1alpha1.Line {
	params := lang.P(pairs...)
	return &v1alpha1.Line{Code: code, Params: params, Message: lang.English.Text(area+"."+code, params)}
}

func nodeNames(nodes []Node) []string {
	out := make([]string, len(nodes))
	for i, n := range nodes {
		out[i] = n.Name
	}
	return out
}
