package simulate

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"

	"kanrin.dev/kanrin/kube/snapshot"
)

func testCluster(t *testing.T, s snapshot.Scenario, objects ...object) *cluster {
	t.Helper()
	_, snap, err := snapshot.Read(encode(t, []snapshot.Scenario{s}, objects...))
	if err != nil {
		t.Fatal(err)
	}
	c := newCluster(snap, &s)
	t.Cleanup(c.store.close)
	return c
}

func TestNewClusterLeavesOut(t *testing.T) {
	done := pod("done-1", "w2")
	done.Status.Phase = corev1.PodFailed
	c := testCluster(t, snapshot.Scenario{Remove: []string{"w1"}}, node("w1"), node("w2"), pod("web-1", "w1"), pod("web-2", "w2"), done)
	for name, want := range map[string]bool{"web-1": false, "web-2": true, "done-1": false} {
		if _, err := c.store.get(snapshot.Pods, "shop", name); (err == nil) != want {
			t.Errorf("pod %s: %v", name, err)
		}
	}
	if _, err := c.store.get(snapshot.Nodes, "", "w1"); !apierrors.IsNotFound(err) {
		t.Errorf("the removed node: %v", err)
	}
}

func TestStoreKeepsTheSnapshot(t *testing.T) {
	original := node("w1")
	_, snap, err := snapshot.Read(encode(t, []snapshot.Scenario{{}}, original, pod("web-1", "")))
	if err != nil {
		t.Fatal(err)
	}
	c := newCluster(snap, &snapshot.Scenario{Cordon: []string{"w1"}})
	defer c.store.close()
	if err := c.bind("shop", &corev1.Binding{ObjectMeta: pod("web-1", "").ObjectMeta, Target: corev1.ObjectReference{Name: "w1"}}); err != nil {
		t.Fatal(err)
	}
	if n := snap.Find(snapshot.Nodes, "", "w1").(*corev1.Node); n.Spec.Unschedulable || len(n.Spec.Taints) > 0 {
		t.Error("cordoning a scenario's node has changed the snapshot's")
	}
	if p := snap.Pod("shop", "web-1"); p.Spec.NodeName != "" || p.Status.Phase != corev1.PodPending {
		t.Error("binding a scenario's pod has changed the snapshot's")
	}
}

func TestBindRefuses(t *testing.T) {
	c := testCluster(t, snapshot.Scenario{}, node("w1"), pod("web-1", ""))
	bind := func(name, uid string) error {
		b := &corev1.Binding{ObjectMeta: pod(name, "").ObjectMeta, Target: corev1.ObjectReference{Name: "w1"}}
		if uid != "" {
			b.UID = "another"
		}
		return c.bind("shop", b)
	}
	if err := bind("web-2", ""); !apierrors.IsNotFound(err) {
		t.Errorf("a pod that is not there: %v", err)
	}
	if err := bind("web-1", "another"); !apierrors.IsConflict(err) {
		t.Errorf("another pod of the name: %v", err)
	}
	if err := bind("web-1", ""); err != nil {
		t.Errorf("the pod: %v", err)
	}
	if err := bind("web-1", ""); !apierrors.IsConflict(err) {
		t.Errorf("a bound pod: %v", err)
	}
}

func TestStoreWatch(t *testing.T) {
	s := testCluster(t, snapshot.Scenario{}, node("w1"), pod("web-1", "w1")).store
	if _, err := s.watch(snapshot.Pods); err == nil {
		t.Error("a watch before the list would miss what happens between them")
	}
	s.put(snapshot.Pods, pod("early-1", "w1"))
	if n := len(s.list(snapshot.Pods).Items); n != 1 {
		// The list is of what the store began with; the caller changes nothing
		// before the informers have listed.
		t.Errorf("listed %d pods", n)
	}
	const events = 5000 // many times what client-go's own watcher takes
	for i := range events {
		s.put(snapshot.Pods, pod(fmt.Sprintf("new-%d", i), ""))
	}
	if s.remove(snapshot.Pods, "shop", "new-0") == nil || s.remove(snapshot.Pods, "shop", "new-0") != nil {
		t.Error("a pod is removed once")
	}
	if _, err := s.get(snapshot.Pods, "shop", "new-0"); !apierrors.IsNotFound(err) {
		t.Errorf("a removed pod: %v", err)
	}
	s.put(snapshot.Pods, pod("new-0", ""))
	s.put(snapshot.Pods, pod("new-1", "w1"))
	if n := s.sent(snapshot.Pods); n != 1+events+3 {
		t.Errorf("sent %d", n)
	}

	w, err := s.watch(snapshot.Pods)
	if err != nil {
		t.Fatal(err)
	}
	var last []watch.Event
	version := int64(0)
	for range events + 3 {
		select {
		case e := <-w.ResultChan():
			var v int64
			if _, err := fmt.Sscan(e.Object.(object).GetResourceVersion(), &v); err != nil || v <= version {
				t.Fatalf("version %d after %d", v, version)
			}
			version = v
			last = append(last, e)
		case <-time.After(10 * time.Second):
			t.Fatal("events are missing")
		}
	}
	for i, want := range []watch.EventType{watch.Deleted, watch.Added, watch.Modified} {
		if got := last[events+i].Type; got != want {
			t.Errorf("event %d is %s, want %s", i, got, want)
		}
	}
}
