package plan

import (
	"encoding/json"
	"fmt"
	"sort"

	"k8s.io/apimachinery/pkg/runtime"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
)

// Composer collects a draft: findings, sentences and steps, each with its English text.
type Composer struct {
	draft Draft
	err   error
}

// Find adds a finding; its sentence is finding.<code>.
func (c *Composer) Find(severity v1alpha1.Severity, code, kind, object string, ways []v1alpha1.Way, pairs ...any) {
	params := lang.P(pairs...)
	params["object"] = object
	c.draft.Plan.Findings = append(c.draft.Plan.Findings, v1alpha1.Finding{
		Severity: severity, Code: code, Kind: kind, Object: object, Params: params, Ways: ways, Message: lang.English.Text("finding."+code, params),
	})
}

// Say adds a sentence to the plan's head: summary.<code>.
func (c *Composer) Say(code string, pairs ...any) {
	params := lang.P(pairs...)
	c.draft.Plan.Summary = append(c.draft.Plan.Summary, v1alpha1.Line{Code: code, Params: params, Message: lang.English.Text("summary."+code, params)})
}

// Step adds a step with its arguments; pairs are what its title step.<kind> is made of.
func (c *Composer) Step(st v1alpha1.Step, args any, pairs ...any) {
	st.Params = lang.P(pairs...)
	st.Title = lang.English.Text("step."+st.Kind, st.Params)
	if args != nil {
		raw, err := json.Marshal(args)
		if err != nil && c.err == nil {
			c.err = fmt.Errorf("writing the arguments of step %s: %w", st.ID, err)
		}
		st.Args = &runtime.RawExtension{Raw: raw}
	}
	c.draft.Plan.Steps = append(c.draft.Plan.Steps, st)
}

// NoReturn names the first step that cannot be undone in effect.
func (c *Composer) NoReturn(step string) { c.draft.Plan.PointOfNoReturn = step }

// Members adds what a step acts on, one by one.
func (c *Composer) Members(ms ...v1alpha1.Member) { c.draft.Members = append(c.draft.Members, ms...) }

// Draft is what was collected: findings most severe first, and the steps' forecasts added up (those of a group run at the same time).
func (c *Composer) Draft(facts any, target string) (*Draft, error) {
	if c.err != nil {
		return nil, c.err
	}
	p := &c.draft.Plan
	if p.Steps == nil {
		p.Steps = []v1alpha1.Step{} // nothing to do is a plan too
	}
	rank := map[v1alpha1.Severity]int{v1alpha1.SeverityBlocker: 0, v1alpha1.SeverityWarning: 1, v1alpha1.SeverityInfo: 2}
	sort.SliceStable(p.Findings, func(i, j int) bool { return rank[p.Findings[i].Severity] < rank[p.Findings[j].Severity] })
	group := ""
	var longest, most int64
	for _, st := range p.Steps {
		if st.Group == "" || st.Group != group {
			p.Forecast.Seconds, p.Forecast.AtMostSeconds = p.Forecast.Seconds+longest, p.Forecast.AtMostSeconds+most
			longest, most = 0, 0
		}
		group = st.Group
		longest, most = max(longest, st.ForecastSeconds), max(most, st.TimeoutSeconds)
	}
	p.Forecast.Seconds, p.Forecast.AtMostSeconds, p.Forecast.Basis = p.Forecast.Seconds+longest, p.Forecast.AtMostSeconds+most, "defaults"
	c.draft.Facts, c.draft.Target = facts, target
	return &c.draft, nil
}

// ReportLine is a sentence of a report: report.<code>.
func ReportLine(code string, pairs ...any) v1alpha1.Line {
	params := lang.P(pairs...)
	return v1alpha1.Line{Code: code, Params: params, Message: lang.English.Text("report."+code, params)}
}
