package drain

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"kanrin.dev/kanrin/api/v1alpha1"
)

type cacheOf map[string]*corev1.Pod

func (c cacheOf) Get(ns, name string) (*corev1.Pod, bool) { p, ok := c[ns+"/"+name]; return p, ok }

func cached(uid string, leaving bool) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: types.UID(uid)}}
	if leaving {
		t := metav1.Now()
		p.DeletionTimestamp = &t
	}
	return p
}

func members(names ...string) []v1alpha1.Member {
	var out []v1alpha1.Member
	for _, n := range names {
		out = append(out, v1alpha1.Member{Object: "shop/" + n, UID: n, Action: ActionEvict, Budgets: []string{"shop/b"}})
	}
	return out
}

func TestWaveLooks(t *testing.T) {
	w := newWave(members("here", "leaving", "replaced", "gone"))
	w.look(cacheOf{"shop/here": cached("here", false), "shop/leaving": cached("leaving", true), "shop/replaced": cached("another", false)})
	for i, want := range []podState{podHere, podLeaving, podGone, podGone} {
		if got := w.targets[i].state; got != want {
			t.Errorf("%s: state %d, want %d", w.targets[i].Object, got, want)
		}
	}
	if gone, leaving, here := w.count(); gone != 2 || leaving != 1 || here != 1 {
		t.Errorf("counted %d gone, %d leaving, %d here", gone, leaving, here)
	}
}

// No more pods are asked for than the budget allows, until its status has counted them.
func TestWaveKeepsToTheBudget(t *testing.T) {
	w := newWave(members("a", "b", "c", "d"))
	now := time.Now()
	w.allow("shop/b", "1", 2)
	ask, _ := w.next(now, 10)
	if len(ask) != 2 {
		t.Fatalf("asked for %d, 2 are allowed", len(ask))
	}
	for _, a := range ask {
		a.state = podAsking
	}
	w.allow("shop/b", "1", 2) // the same status again: nothing new
	ask, again := w.next(now, 10)
	if len(ask) != 0 {
		t.Errorf("asked for %d more by the same status", len(ask))
	}
	if again.IsZero() {
		t.Error("nothing says when to look again")
	}
	w.allow("shop/b", "2", 1)
	if ask, _ = w.next(now, 10); len(ask) != 1 {
		t.Errorf("asked for %d by a new status that allows 1", len(ask))
	}
}

// The cache may be behind: one pod is tried now and then against it, and no more than one.
func TestWaveProbes(t *testing.T) {
	w := newWave(members("a", "b", "c"))
	now := time.Now()
	w.allow("shop/b", "1", 0)
	if ask, _ := w.next(now, 10); len(ask) != 0 {
		t.Errorf("asked for %d at once against the budget", len(ask))
	}
	if ask, _ := w.next(now.Add(probeEvery+time.Millisecond), 10); len(ask) != 1 {
		t.Errorf("asked for %d as a probe", len(ask))
	}
}

func TestWaveBounds(t *testing.T) {
	w := newWave(members("a", "b", "c"))
	for _, x := range w.targets {
		x.Budgets = nil
	}
	if ask, _ := w.next(time.Now(), 2); len(ask) != 2 {
		t.Errorf("asked for %d of at most 2", len(ask))
	}
	w.targets[0].notTill = time.Now().Add(time.Hour)
	if ask, _ := w.next(time.Now(), 10); len(ask) != 2 {
		t.Errorf("asked for %d while one has to wait", len(ask))
	}
}
