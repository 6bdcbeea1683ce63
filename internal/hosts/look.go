package hosts

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
)

const (
	lookTimeout  = 40 * time.Second // of one look at a host: connection, facts
	powerTimeout = 30 * time.Second // of the question for its power, asked meanwhile
)

// sight is what one look at a host has shown.
type sight struct {
	state       v1alpha1.HostState
	params      map[string]string // of the state's sentence
	facts       *v1alpha1.HostFacts
	fingerprint string
	power       string
	at          time.Time
}

// look gathers the facts of a host and asks for its power.
func (p *Pool) look(ctx context.Context, h *v1alpha1.Host) *sight {
	s := &sight{state: v1alpha1.HostReachable, params: map[string]string{"host": h.Name}, at: time.Now()}
	if key, err := ParseHostKey(h.Spec.HostKey); err == nil {
		s.fingerprint = Fingerprint(key)
	}
	var both sync.WaitGroup
	both.Go(func() { s.power = p.askPower(ctx, h) })
	facts, err := p.askFacts(ctx, h)
	both.Wait()
	s.at = time.Now()
	var known *Error
	switch {
	case err == nil:
		s.facts = facts
	case errors.As(err, &known):
		s.state, s.params = known.State, known.Params
	default:
		s.state, s.params = v1alpha1.HostUnknown, lang.P("host", h.Name, "why", "failed", "error", err)
	}
	return s
}

func (p *Pool) askFacts(ctx context.Context, h *v1alpha1.Host) (*v1alpha1.HostFacts, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	m, err := p.machine(ctx, h)
	if err != nil {
		return nil, err
	}
	return m.Facts(ctx)
}

// askPower returns on, off or unknown; nothing for a host without power control.
func (p *Pool) askPower(ctx context.Context, h *v1alpha1.Host) string {
	ctx, cancel := context.WithTimeout(ctx, powerTimeout)
	defer cancel()
	control, err := p.power(ctx, h)
	if errors.Is(err, ErrNoPower) {
		return ""
	}
	state := PowerUnknown
	if err == nil {
		state, err = control.State(ctx)
	}
	if err != nil {
		p.log.Debug("the power state of a host is not known", "cluster", h.Namespace, "host", h.Name, "error", err)
	}
	return string(state)
}

// apply writes what was seen into the status. The facts stay those of the last time that the machine answered.
func (s *sight) apply(h *v1alpha1.Host) {
	st := &h.Status
	st.State, st.Params, st.Fingerprint, st.Power = s.state, s.params, s.fingerprint, s.power
	st.Message = ""
	if s.facts != nil {
		st.Facts = s.facts
		at := metav1.NewTime(s.at)
		st.LastSeen = &at
	}
	condition := metav1.Condition{
		Type: v1alpha1.ConditionHostUsable, Status: metav1.ConditionTrue, Reason: string(s.state), ObservedGeneration: h.Generation,
		Message: StateText(lang.English, s.state, s.params),
	}
	if s.state != v1alpha1.HostReachable {
		condition.Status = metav1.ConditionFalse
		st.Message = condition.Message
	}
	meta.SetStatusCondition(&st.Conditions, condition)
}
