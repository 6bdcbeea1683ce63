package power

import (
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
	"kanrin.dev/kanrin/internal/plan"
)

// Kinds of steps.
const (
	KindRemember     = "power-remember"
	KindForget       = "power-forget"
	KindScaleDown    = "power-scale-down"
	KindScaleUp      = "power-scale-up"
	KindSuspend      = "power-suspend-webhooks"
	KindRestore      = "power-restore-webhooks"
	KindStopKubelet  = "power-stop-kubelet"
	KindStopRuntime  = "power-stop-runtime"
	KindOff          = "power-off"
	KindOn           = "power-on"
	KindStartRuntime = "power-start-runtime"
	KindStartKubelet = "power-start-kubelet"
	KindGateEtcd     = "power-gate-etcd"
	KindGateAPI      = "power-gate-api"
	KindGateNodes    = "power-gate-nodes"
	KindGateCore     = "power-gate-core"
	KindRestart      = "power-restart"
	KindRecover      = "power-recover"
	KindRecovered    = "power-recovered"
)

// Deadlines of steps in seconds. Machines decide how long things take: a server may need minutes for its self-test.
const (
	quick    = 120
	hostTime = 600
	bootTime = 1800
	gateTime = 1800
)

// hostArgs is the data of steps that act on one machine.
type hostArgs struct {
	Host    string `json:"host"`
	Node    string `json:"node,omitempty"`
	Runtime string `json:"runtime,omitempty"`
	// GraceSeconds that containers get to end.
	GraceSeconds int64 `json:"graceSeconds,omitempty"`
	ControlPlane bool  `json:"controlPlane,omitempty"`
	// What is restarted, and what it must no longer be afterwards.
	What v1alpha1.RestartWhat `json:"what,omitempty"`
	Mark string               `json:"mark,omitempty"`
}

// stateArgs is the data of steps about what was written down.
type stateArgs struct {
	State *State `json:"state,omitempty"`
}

// scaleArgs is the data of scaling steps: replicas by workload, before (down) or to be (up).
type scaleArgs struct {
	Replicas map[string]int32 `json:"replicas"`
	By       string           `json:"by,omitempty"` // whose marks are taken away
}

type webhookArgs struct {
	Webhooks map[string][]string `json:"webhooks"`
}

type gateArgs struct {
	Hosts []hostArgs `json:"hosts"`
	// Need is the quorum of all members, those included that are not waited for.
	Need int `json:"need,omitempty"`
}

type composer struct {
	f     *Facts
	draft *plan.Draft
	err   error
}

func (c *composer) find(severity v1alpha1.Severity, code, kind, object string, ways []v1alpha1.Way, pairs ...any) {
	params := lang.P(pairs...)
	params["object"] = object
	c.draft.Plan.Findings = append(c.draft.Plan.Findings, v1alpha1.Finding{
		Severity: severity, Code: code, Kind: kind, Object: object, Params: params, Ways: ways, Message: lang.English.Text("finding."+code, params),
	})
}

func (c *composer) say(code string, pairs ...any) {
	params := lang.P(pairs...)
	c.draft.Plan.Summary = append(c.draft.Plan.Summary, v1alpha1.Line{Code: code, Params: params, Message: lang.English.Text("summary."+code, params)})
}

func (c *composer) add(st v1alpha1.Step, args any, pairs ...any) {
	if st.Title == "" {
		st.Params = lang.P(pairs...)
		st.Title = lang.English.Text("step."+st.Kind, st.Params)
	}
	if args != nil {
		raw, err := json.Marshal(args)
		if err != nil {
			c.err = fmt.Errorf("writing the arguments of step %s: %w", st.ID, err)
			return
		}
		st.Args = &runtime.RawExtension{Raw: raw}
	}
	c.draft.Plan.Steps = append(c.draft.Plan.Steps, st)
}

// take adds a step made elsewhere.
func (c *composer) take(st v1alpha1.Step, err error) {
	if err != nil {
		c.err = err
		return
	}
	c.draft.Plan.Steps = append(c.draft.Plan.Steps, st)
}

// each adds one step for each machine; they run at the same time when together is set.
func (c *composer) each(kind, undo string, ms []Machine, together bool, forecast, timeout int64, grace int64) {
	for _, m := range ms {
		group := ""
		if together {
			group = fmt.Sprintf("%s-%s", kind, ms[0].Host)
		}
		c.add(v1alpha1.Step{
			ID: kind[len("power-"):] + "-" + m.Host, Kind: kind, Group: group, Targets: []string{m.Host}, ForecastSeconds: forecast,
			TimeoutSeconds: timeout + grace, Undo: undo,
		}, hostArgs{Host: m.Host, Node: m.Node, Runtime: m.Runtime, GraceSeconds: grace, ControlPlane: m.ControlPlane}, "host", m.Host)
	}
}

// forecast sums up: steps of a group run at the same time.
func (c *composer) forecast() {
	p := &c.draft.Plan
	var group string
	var longest, most int64
	flush := func() {
		p.Forecast.Seconds += longest
		p.Forecast.AtMostSeconds += most
		longest, most = 0, 0
	}
	for _, st := range p.Steps {
		if st.Group == "" || st.Group != group {
			flush()
		}
		group = st.Group
		longest = max(longest, st.ForecastSeconds)
		most = max(most, min(st.TimeoutSeconds, 4*st.ForecastSeconds+10))
	}
	flush()
	p.Forecast.Basis = "defaults"
}

func (c *composer) done(target string) (*plan.Draft, error) {
	if c.err != nil {
		return nil, c.err
	}
	c.forecast()
	c.draft.Target, c.draft.Facts = target, c.f
	return c.draft, nil
}

func list(ms []Machine) string { return strings.Join(names(ms), ", ") }
