package drain

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/plan"
)

// evict is one round: its pods are asked to leave, and the step ends when they are gone. One coordinator owns all state; it is woken by
// changes in the cluster, by answers, and by time.
type evict struct{ base }

// inFlight bounds the evictions asked for at the same time; the rate is bounded by the cluster's shared limiter.
const inFlight = 32

// Measures of evict steps.
const (
	MeasureRefused = "refusedByBudget"
	MeasureGone    = "goneMedianMilliseconds"
	MeasureReady   = "readyMedianMilliseconds"
)

// Done implements plan.Behaviour: no pod of the round is left.
func (b evict) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	var args evictArgs
	if err := decodeArgs(s, &args); err != nil {
		return false, err
	}
	c, err := b.connect(ctx, s)
	if err != nil {
		return false, err
	}
	if l := newLive(c, s, args); l != nil {
		return len(l.members(s.Step.ID)) == 0, nil
	}
	w := newWave(s.Members)
	w.look(c.Pods())
	gone, _, _ := w.count()
	return gone == len(w.targets), nil
}

// Do implements plan.Behaviour.
func (b evict) Do(ctx context.Context, s *plan.Scope) error {
	var args evictArgs
	if err := decodeArgs(s, &args); err != nil {
		return err
	}
	c, err := b.connect(ctx, s)
	if err != nil {
		return err
	}
	// Answers after the step has been stopped are still awaited: nobody else may touch the round before they are in.
	r := &round{s: s, c: c, args: args, live: newLive(c, s, args), wave: newWave(s.Members), answers: make(chan answer, inFlight)}
	for _, e := range s.Operation.Status.Steps {
		if e.ID == s.Step.ID {
			r.refused = e.Measures[MeasureRefused]
		}
	}
	err = r.run(ctx)
	for ; r.flying > 0; r.flying-- {
		<-r.answers
	}
	s.Measure(MeasureRefused, r.refused)
	if m := median(r.took); m > 0 {
		s.Measure(MeasureGone, m)
	}
	return err
}

type round struct {
	s       *plan.Scope
	c       *fleet.Connection
	args    evictArgs
	live    *liveRound // nil when the plan names the pods
	wave    *wave
	answers chan answer
	flying  int

	refused int64
	took    []int64
	holdOff time.Time // the server asked for quiet until then
	trouble error     // the last call got no answer
	failed  error
}

type answer struct {
	t   *target
	err error
	// found is set when the pod was looked at instead of asked.
	looked bool
	found  *corev1.Pod
}

func (r *round) run(ctx context.Context) error {
	changes, stop := r.c.Subscribe(fleet.AreaPods, fleet.AreaBudgets, fleet.AreaNodes, fleet.AreaState)
	defer stop()
	for {
		if err := r.observe(); err != nil {
			return err
		}
		gone, _, _ := r.wave.count()
		r.s.Progress(gone, len(r.wave.targets))
		if gone == len(r.wave.targets) {
			return nil
		}
		if r.failed != nil && r.flying == 0 {
			return r.failed
		}
		again, err := r.launch(ctx)
		if err != nil {
			return err
		}
		r.explain()
		timer := time.NewTimer(until(again))
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case a := <-r.answers:
			r.take(a)
			// Answers come in bunches: take what is there before looking around again.
			for more := true; more; {
				select {
				case a := <-r.answers:
					r.take(a)
				default:
					more = false
				}
			}
		case <-changes:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// until is how long to sleep; a wake-up now and then keeps what is said about waits true.
func until(t time.Time) time.Duration {
	const most = 2 * time.Second
	if t.IsZero() {
		return most
	}
	return min(most, max(time.Until(t), time.Millisecond))
}

// observe reads the caches.
func (r *round) observe() error {
	now := time.Now()
	if r.live != nil {
		r.wave.add(r.live.members(r.s.Step.ID))
	}
	for _, t := range r.wave.look(r.c.Pods()) {
		if !t.accepted.IsZero() {
			ms := now.Sub(t.accepted).Milliseconds()
			r.took = append(r.took, ms)
			r.s.Log("info", "Gone", t.Object, "seconds", fmt.Sprintf("%.1f", float64(ms)/1000))
		}
	}
	for _, name := range r.names() {
		ns, n := split(name)
		p, err := r.c.Budgets().PodDisruptionBudgets(ns).Get(n)
		if err != nil {
			delete(r.wave.budgets, name)
			continue
		}
		r.wave.allow(name, p.ResourceVersion, p.Status.DisruptionsAllowed)
	}
	return nil
}

func (r *round) names() []string {
	set := map[string]bool{}
	for _, t := range r.wave.targets {
		if t.state == podHere {
			for _, b := range t.Budgets {
				set[b] = true
			}
		}
	}
	return sorted(set)
}

// launch asks for as many pods as may be asked for now.
func (r *round) launch(ctx context.Context) (again time.Time, err error) {
	now := time.Now()
	if r.failed != nil {
		return time.Time{}, nil
	}
	if now.Before(r.holdOff) {
		return r.holdOff, nil
	}
	for _, t := range r.wave.targets {
		if t.state == podUnclear && r.flying < inFlight && !now.Before(t.notTill) {
			r.fly(ctx, t, r.look)
		}
	}
	ask, again := r.wave.next(now, inFlight-r.flying)
	for i, t := range ask {
		if err := r.s.Guard(); err != nil {
			return again, err
		}
		// The shared limit: whoever is over it comes back when its turn is near.
		if res := r.c.Evictions().ReserveN(now, 1); res.DelayFrom(now) > 0 {
			wait := res.DelayFrom(now)
			res.CancelAt(now)
			for _, rest := range ask[i:] {
				rest.notTill = now.Add(wait)
				r.giveBack(rest)
			}
			return now.Add(wait), nil
		}
		r.fly(ctx, t, r.ask)
	}
	if r.flying >= inFlight {
		return time.Time{}, nil // an answer wakes us
	}
	return again, nil
}

// giveBack returns a place in a budget that was reserved and not used.
func (r *round) giveBack(t *target) {
	if t.Action == ActionEvict && len(t.Budgets) == 1 {
		if a := r.wave.budgets[t.Budgets[0]]; a != nil {
			a.left++
		}
	}
}

func (r *round) fly(ctx context.Context, t *target, call func(context.Context, *target) answer) {
	t.state = podAsking
	r.flying++
	ctx, cancel := r.s.Call(ctx, callLimit)
	go func() {
		defer cancel()
		r.answers <- call(ctx, t)
	}()
}

// ask evicts or deletes exactly the pod of the plan: its UID is a precondition, so that a namesake is never touched.
func (r *round) ask(ctx context.Context, t *target) answer {
	ns, name := split(t.Object)
	uid := types.UID(t.UID)
	o := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}}
	o.GracePeriodSeconds = r.args.GraceSeconds
	if t.Action == ActionDelete {
		return answer{t: t, err: r.c.Client.CoreV1().Pods(ns).Delete(ctx, name, o)}
	}
	return answer{t: t, err: r.c.Client.PolicyV1().Evictions(ns).Evict(ctx, &policyv1.Eviction{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}, DeleteOptions: &o,
	})}
}

// look reads the pod itself, after a call that was not answered.
func (r *round) look(ctx context.Context, t *target) answer {
	ns, name := split(t.Object)
	p, err := r.c.Client.CoreV1().Pods(ns).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		p = nil
	}
	return answer{t: t, err: err, looked: true, found: p}
}

// take sorts an answer.
func (r *round) take(a answer) {
	r.flying--
	t, now := a.t, time.Now()
	again := func(state podState, wait time.Duration) {
		t.state = state
		t.pause = min(max(2*t.pause, firstRetry), lastRetry)
		t.notTill = now.Add(max(wait, t.pause))
	}
	if a.err == nil || apierrors.IsNotFound(a.err) {
		r.trouble = nil
	}
	switch {
	case a.looked && a.err == nil:
		switch {
		case string(a.found.UID) != t.UID:
			t.state = podGone
		case a.found.DeletionTimestamp != nil:
			r.accepted(t)
		default:
			t.state = podHere
		}
	case a.err == nil:
		r.accepted(t)
	case apierrors.IsNotFound(a.err):
		t.state = podGone
	case apierrors.IsConflict(a.err): // another pod of that name, or one that has changed: look
		again(podUnclear, 0)
	case refusedByBudget(a.err):
		if !t.refused {
			r.refused++ // pods that had to wait, not attempts
			r.s.Log("info", "BudgetRefused", t.Object, "budget", strings.Join(t.Budgets, ", "))
		}
		t.refused = true
		again(podHere, time.Second)
		for _, b := range t.Budgets {
			if al := r.wave.budgets[b]; al != nil {
				al.left = 0 // whatever the cache says, the API says no
			}
		}
	case apierrors.IsTooManyRequests(a.err):
		r.giveBack(t)
		wait := retryAfter(a.err)
		r.holdOff, r.trouble = now.Add(wait), a.err
		again(podHere, wait)
	case apierrors.HasStatusCause(a.err, corev1.NamespaceTerminatingCause):
		r.accepted(t) // the namespace takes its pods with it
	case sortOut(a.err) == answered:
		t.state = podHere
		t.notTill = now.Add(time.Hour)
		r.failed = r.refusal(t, a.err)
	default:
		if f := r.severalBudgets(t); f != nil && apierrors.IsInternalError(a.err) {
			t.state, r.failed = podHere, f
			return
		}
		r.trouble = a.err
		if a.looked {
			again(podUnclear, 0)
			return
		}
		r.giveBack(t)
		again(podUnclear, 0)
	}
}

func (r *round) accepted(t *target) {
	t.state, t.refused = podLeaving, false
	if t.accepted.IsZero() {
		t.accepted = time.Now()
		code := "Evicted"
		if t.Action == ActionDelete {
			code = "Deleted"
		}
		r.s.Log("info", code, t.Object, "node", t.From)
	}
}

// refusedByBudget decides on the cause that the eviction handler sets, not on its text.
func refusedByBudget(err error) bool {
	return apierrors.IsTooManyRequests(err) && apierrors.HasStatusCause(err, policyv1.DisruptionBudgetCause)
}

func (r *round) refusal(t *target, err error) error {
	if apierrors.IsForbidden(err) {
		return plan.Fail("EvictionForbidden", t.Object, err, "cluster", r.s.Cluster)
	}
	return plan.Fail("EvictionRefused", t.Object, err)
}

// severalBudgets finds whether the pod has come under more than one budget since the plan; the eviction API answers 500 then.
func (r *round) severalBudgets(t *target) error {
	ns, name := split(t.Object)
	p, ok := r.c.Pods().Get(ns, name)
	if !ok || t.Action != ActionEvict {
		return nil
	}
	list, err := r.c.Budgets().PodDisruptionBudgets(ns).List(everything)
	if err != nil {
		return nil
	}
	var names []string
	for _, b := range list {
		if d := disruption.NewBudget(b); d.Covers(p) {
			names = append(names, d.Name)
		}
	}
	if len(names) < 2 {
		return nil
	}
	return plan.Fail("MultipleBudgets", t.Object, nil, "budgets", strings.Join(names, ", "))
}

// explain says what the round waits for.
func (r *round) explain() {
	_, leaving, _ := r.wave.count()
	switch budget, waiting := r.wave.blocked(); {
	case r.trouble != nil && refusedByServer(r.trouble):
		r.s.Wait("ApiOverloaded", r.s.Cluster, "seconds", int64(max(time.Until(r.holdOff), time.Second).Seconds()))
	case r.trouble != nil:
		r.s.Wait("ApiUnreachable", r.s.Cluster, "error", r.trouble)
	case waiting > 0 && leaving == 0:
		healthy, desired := int32(0), int32(0)
		ns, n := split(budget)
		if p, err := r.c.Budgets().PodDisruptionBudgets(ns).Get(n); err == nil {
			healthy, desired = p.Status.CurrentHealthy, p.Status.DesiredHealthy
		}
		r.s.Wait("Budget", budget, "healthy", healthy, "desired", desired, "pods", waiting)
	case leaving > 0:
		t := r.wave.slowest()
		if _, err := r.c.Nodes().Get(t.From); apierrors.IsNotFound(err) {
			r.s.Wait("NodeGone", t.From)
			return
		}
		r.s.Wait("Pods", t.Object, "count", leaving)
	default:
		r.s.GoOn()
	}
}

func refusedByServer(err error) bool { return apierrors.IsTooManyRequests(err) }

func split(full string) (namespace, name string) {
	namespace, name, _ = strings.Cut(full, "/")
	return namespace, name
}

var errNoArgs = errors.New("the step has no arguments")

func membersEvicted(members []v1alpha1.Member) (evicted, deleted int64) {
	for _, m := range members {
		if m.Action == ActionDelete {
			deleted++
		} else {
			evicted++
		}
	}
	return evicted, deleted
}
