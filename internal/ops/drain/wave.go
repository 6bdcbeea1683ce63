package drain

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// podState is how far a pod of a round is. Only the coordinator of the round writes it.
type podState int

const (
	podHere    podState = iota // to be evicted
	podAsking                  // an eviction is under way
	podUnclear                 // asked, and no answer came: look before asking again
	podLeaving                 // the API has accepted; waiting until it is gone
	podGone
)

// target is one pod of a round.
type target struct {
	v1alpha1.Member
	state    podState
	notTill  time.Time // no further attempt before
	pause    time.Duration
	refused  bool // by a budget, the last time
	accepted time.Time
}

// pods is what a wave reads of the cluster's cache.
type pods interface {
	Get(namespace, name string) (*corev1.Pod, bool)
}

// wave is the state of one round.
type wave struct {
	targets []*target
	budgets map[string]*allowance
}

// allowance is what a budget allows by its last known status, less what was asked since.
type allowance struct {
	version string // resourceVersion that left is counted from
	left    int32
	probe   time.Time // when a pod may be tried against what the cache says
}

func newWave(members []v1alpha1.Member) *wave {
	w := &wave{budgets: map[string]*allowance{}}
	for _, m := range members {
		w.targets = append(w.targets, &target{Member: m})
	}
	return w
}

// look brings the states up to what the cache shows. It returns the pods that were seen gone now.
func (w *wave) look(c pods) (gone []*target) {
	for _, t := range w.targets {
		if t.state == podGone || t.state == podAsking {
			continue
		}
		ns, name := split(t.Object)
		p, ok := c.Get(ns, name)
		switch {
		case !ok || string(p.UID) != t.UID:
			t.state = podGone
			gone = append(gone, t)
		case p.DeletionTimestamp != nil && t.state != podLeaving:
			t.state = podLeaving
		}
	}
	return gone
}

// count returns how many pods are gone, and how many are on their way.
func (w *wave) count() (gone, leaving, here int) {
	for _, t := range w.targets {
		switch t.state {
		case podGone:
			gone++
		case podLeaving:
			leaving++
		default:
			here++
		}
	}
	return gone, leaving, here
}

// allow tells the wave what a budget's status says now. A new version of the status has counted every disruption that was accepted
// before it.
func (w *wave) allow(budget, version string, allowed int32) {
	a := w.budgets[budget]
	if a == nil {
		a = &allowance{}
		w.budgets[budget] = a
	}
	if a.version != version {
		a.version, a.left = version, allowed
	}
}

// probeEvery is how often one pod is tried although the cached budget says no: the cache may be behind, and a pod that is not ready may
// be evicted even so.
const probeEvery = 5 * time.Second

// next picks the pods to ask for now, at most n, and when to look again if nothing else happens.
func (w *wave) next(now time.Time, n int) (ask []*target, again time.Time) {
	for _, t := range w.targets {
		if len(ask) == n {
			return ask, now
		}
		if t.state != podHere {
			continue
		}
		if now.Before(t.notTill) {
			again = sooner(again, t.notTill)
			continue
		}
		if t.Action == ActionEvict {
			ok, at := w.take(t, now)
			if !ok {
				again = sooner(again, at)
				continue
			}
		}
		ask = append(ask, t)
	}
	return ask, again
}

// take reserves a place in the pod's budget.
func (w *wave) take(t *target, now time.Time) (bool, time.Time) {
	if len(t.Budgets) != 1 {
		return true, time.Time{}
	}
	a := w.budgets[t.Budgets[0]]
	if a == nil { // the budget has gone since the plan
		return true, time.Time{}
	}
	if a.left > 0 {
		a.left--
		return true, time.Time{}
	}
	if a.probe.IsZero() {
		a.probe = now.Add(probeEvery)
	}
	if now.Before(a.probe) {
		return false, a.probe
	}
	a.probe = now.Add(probeEvery)
	return true, a.probe
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// blocked counts, by budget, the pods that wait for it.
func (w *wave) blocked() (budget string, pods int) {
	counts := map[string]int{}
	for _, t := range w.targets {
		// One that is being tried once more still waits: the clock of the wait does not start anew.
		if (t.state == podHere || t.state == podAsking && t.refused) && len(t.Budgets) > 0 {
			counts[t.Budgets[0]]++
		}
	}
	for _, name := range sortedKeys(counts) {
		if counts[name] > pods {
			budget, pods = name, counts[name]
		}
	}
	return budget, pods
}

// slowest returns one pod that is shutting down, the one that has been at it longest.
func (w *wave) slowest() *target {
	var out *target
	for _, t := range w.targets {
		if t.state == podLeaving && (out == nil || t.accepted.Before(out.accepted)) {
			out = t
		}
	}
	return out
}
