package nodes

import (
	"encoding/json"
	"fmt"
	"sort"

	"k8s.io/apimachinery/pkg/runtime"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/etcd"
	"kanrin.dev/kanrin/internal/lang"
	"kanrin.dev/kanrin/internal/plan"
)

// findings collects what stands in the way and what somebody should know.
type findings struct{ list []v1alpha1.Finding }

func (x *findings) add(severity v1alpha1.Severity, code, kind, object string, ways []v1alpha1.Way, pairs ...any) {
	params := lang.P(pairs...)
	params["object"] = object
	x.list = append(x.list, v1alpha1.Finding{
		Severity: severity, Code: code, Kind: kind, Object: object, Params: params, Ways: ways,
		Message: lang.English.Text("finding."+code, params),
	})
}

func (x *findings) block(code, kind, object string, pairs ...any) {
	x.add(v1alpha1.SeverityBlocker, code, kind, object, nil, pairs...)
}

func (x *findings) warn(code, kind, object string, pairs ...any) {
	x.add(v1alpha1.SeverityWarning, code, kind, object, nil, pairs...)
}

func (x *findings) info(code, kind, object string, pairs ...any) {
	x.add(v1alpha1.SeverityInfo, code, kind, object, nil, pairs...)
}

// unless is a blocker that is accepted by its name.
func (x *findings) unless(ignored map[string]bool, name, code, object string, pairs ...any) {
	pairs = append(pairs, "name", name)
	if ignored[name] || ignored["all"] {
		x.add(v1alpha1.SeverityWarning, code, "Host", object, nil, pairs...)
		return
	}
	x.add(v1alpha1.SeverityBlocker, code, "Host", object, []v1alpha1.Way{{
		Code: "ignorePreflight", Flag: "--ignore-preflight " + name, Field: "ignorePreflight", Value: name,
	}}, pairs...)
}

// sorted are the findings, most severe first.
func (x *findings) sorted() []v1alpha1.Finding {
	rank := map[v1alpha1.Severity]int{v1alpha1.SeverityBlocker: 0, v1alpha1.SeverityWarning: 1, v1alpha1.SeverityInfo: 2}
	sort.SliceStable(x.list, func(i, j int) bool { return rank[x.list[i].Severity] < rank[x.list[j].Severity] })
	return x.list
}

// steps collects a plan.
type steps struct {
	draft *plan.Draft
	err   error
}

func (c *steps) add(st v1alpha1.Step, args any, pairs ...any) {
	st.Params = lang.P(pairs...)
	st.Title = lang.English.Text("step."+st.Kind, st.Params)
	raw, err := json.Marshal(args)
	if err != nil {
		c.fail(fmt.Errorf("writing the arguments of step %s: %w", st.ID, err))
	}
	st.Args = &runtime.RawExtension{Raw: raw}
	c.draft.Plan.Steps = append(c.draft.Plan.Steps, st)
}

func (c *steps) ready(st v1alpha1.Step, err error) {
	c.fail(err)
	c.draft.Plan.Steps = append(c.draft.Plan.Steps, st)
}

func (c *steps) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *steps) summary(code string, pairs ...any) {
	params := lang.P(pairs...)
	c.draft.Plan.Summary = append(c.draft.Plan.Summary, v1alpha1.Line{Code: code, Params: params, Message: lang.English.Text("summary."+code, params)})
}

// forecast adds up what the steps should take.
func (c *steps) forecast(atMost int64) {
	p := &c.draft.Plan
	for _, st := range p.Steps {
		p.Forecast.Seconds += st.ForecastSeconds
	}
	p.Forecast.AtMostSeconds, p.Forecast.Basis = max(atMost, p.Forecast.Seconds), "defaults"
	c.summary("Duration", "seconds", p.Forecast.Seconds, "atMost", p.Forecast.AtMostSeconds)
}

// quorumParams are the parameters of sentences that show the arithmetic.
func quorumParams(before, after etcd.Quorum) []any {
	return []any{
		"voters", before.Voters, "started", before.Started, "healthy", before.Healthy, "quorum", before.Needed(),
		"votersAfter", after.Voters, "healthyAfter", after.Healthy, "quorumAfter", after.Needed(), "spare", max(0, after.Spare()),
	}
}
