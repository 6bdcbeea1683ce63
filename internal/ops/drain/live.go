package drain

import (
	"encoding/json"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/lang"
	"kanrin.dev/kanrin/internal/plan"
)

// Live is a round whose pods are not known when the plan is made: the step evicts what it finds on its nodes when it runs. It belongs
// behind a cordon of the same nodes. DaemonSet and static pods stay, finished ones are deleted.
type Live struct {
	ID, Group string
	Nodes     []string
	// Unmanaged evicts pods without a controller too. Otherwise they are left alone.
	Unmanaged    bool
	GraceSeconds *int64
	// TimeoutSeconds of the step; 0 means an hour.
	TimeoutSeconds, ForecastSeconds int64
}

// Step is the step of a plan that does it.
func (l Live) Step() (v1alpha1.Step, error) {
	raw, err := json.Marshal(evictArgs{GraceSeconds: l.GraceSeconds, Live: true, Unmanaged: l.Unmanaged})
	if err != nil {
		return v1alpha1.Step{}, err
	}
	st := v1alpha1.Step{
		ID: l.ID, Kind: KindEvictLive, Group: l.Group, Targets: l.Nodes, TimeoutSeconds: l.TimeoutSeconds, ForecastSeconds: l.ForecastSeconds,
		Args: &runtime.RawExtension{Raw: raw}, Params: lang.P("nodes", strings.Join(l.Nodes, ", "), "count", len(l.Nodes)),
	}
	if st.TimeoutSeconds == 0 {
		st.TimeoutSeconds = defaultTimeout
	}
	st.Title = lang.English.Text("step."+st.Kind, st.Params)
	return st, nil
}

// CordonStep is the step that cordons nodes; found are those that are cordoned already, and the mark of who did it.
func CordonStep(id string, nodes []string, found map[string]string) (v1alpha1.Step, error) {
	raw, err := json.Marshal(cordonArgs{Cordoned: found})
	if err != nil {
		return v1alpha1.Step{}, err
	}
	st := v1alpha1.Step{
		ID: id, Kind: KindCordon, Targets: nodes, TimeoutSeconds: quickTimeout, ForecastSeconds: 1, Undo: KindUncordon,
		Args: &runtime.RawExtension{Raw: raw}, Params: lang.P("nodes", strings.Join(nodes, ", "), "count", len(nodes)),
	}
	st.Title = lang.English.Text("step."+st.Kind, st.Params)
	return st, nil
}

// liveRound finds the pods of a live round.
type liveRound struct {
	c         *fleet.Connection
	nodes     []string
	unmanaged bool
	since     time.Time // when the step began, in whichever life of Kanrin
}

func newLive(c *fleet.Connection, s *plan.Scope, a evictArgs) *liveRound {
	if !a.Live {
		return nil
	}
	l := &liveRound{c: c, nodes: s.Step.Targets, unmanaged: a.Unmanaged, since: time.Now()}
	for _, e := range s.Operation.Status.Steps {
		if e.ID == s.Step.ID && e.StartedAt != nil {
			l.since = e.StartedAt.Time
		}
	}
	return l
}

// members are the pods on the nodes that have to leave or are leaving.
func (l *liveRound) members(step string) []v1alpha1.Member {
	var out []v1alpha1.Member
	for _, node := range l.nodes {
		for _, p := range l.c.Pods().ByNode(node) {
			m := v1alpha1.Member{Step: step, Object: p.Namespace + "/" + p.Name, UID: string(p.UID), From: node, Action: ActionEvict}
			switch class := disruption.ClassOf(p); {
			case class == disruption.Finished:
				m.Action = ActionDelete
			case class == disruption.Terminating:
			case class == disruption.Evictable, class == disruption.Unmanaged && l.unmanaged:
				if l.undeterred(p) {
					continue
				}
			default:
				continue
			}
			if m.Action == ActionEvict && p.Status.Phase != corev1.PodPending {
				for _, b := range l.c.BudgetsFor(p) {
					m.Budgets = append(m.Budgets, b.Name)
				}
			}
			out = append(out, m)
		}
	}
	return out
}

// undeterred pods came although the node was cordoned, because they tolerate it. They would come back as often as they are evicted.
func (l *liveRound) undeterred(p *corev1.Pod) bool {
	if metav1.GetControllerOfNoCopy(p) == nil || !p.CreationTimestamp.After(l.since) {
		return false
	}
	cordoned := corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	for _, t := range p.Spec.Tolerations {
		if (t.Effect == "" || t.Effect == cordoned.Effect) && (t.Key == cordoned.Key || t.Key == "" && t.Operator == corev1.TolerationOpExists) {
			return true
		}
	}
	return false
}

// add brings pods into the wave that are not in it yet, and the budgets of those that wait up to date.
func (w *wave) add(members []v1alpha1.Member) {
	known := make(map[string]*target, len(w.targets))
	for _, t := range w.targets {
		known[t.UID] = t
	}
	for _, m := range members {
		switch t := known[m.UID]; {
		case t == nil:
			w.targets = append(w.targets, &target{Member: m})
		case t.state == podHere:
			t.Budgets, t.Action = m.Budgets, m.Action
		}
	}
}
