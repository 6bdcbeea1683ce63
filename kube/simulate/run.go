package simulate

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"

	"kanrin.dev/kanrin/kube/snapshot"
)

// DefaultRoundLimit is how long the scheduler may work on one round.
const DefaultRoundLimit = time.Minute

// Options of a run.
type Options struct {
	// RoundLimit bounds the time of one round; 0 means DefaultRoundLimit. Pods
	// without a place by then are reported as undecided.
	RoundLimit time.Duration
}

// Run plays the scenarios one after the other, each on the untouched snapshot.
func Run(ctx context.Context, h *snapshot.Header, snap *snapshot.Snapshot, o Options) ([]ScenarioResult, error) {
	if o.RoundLimit == 0 {
		o.RoundLimit = DefaultRoundLimit
	}
	results := make([]ScenarioResult, 0, len(h.Scenarios))
	for i := range h.Scenarios {
		s := &h.Scenarios[i]
		start := time.Now()
		c, err := play(ctx, snap, s, o)
		if err != nil {
			return nil, fmt.Errorf("playing scenario %q: %w", s.Name, err)
		}
		results = append(results, c.result(s.Name, time.Since(start)))
	}
	return results, nil
}

func play(ctx context.Context, snap *snapshot.Snapshot, s *snapshot.Scenario, o Options) (*cluster, error) {
	c := newCluster(snap, s)
	defer onPanic(c)()
	r, err := startRig(ctx, c)
	if err != nil {
		return nil, err
	}
	defer r.close()
	// Pods that were pending already have been tried before anything is evicted,
	// as they have in the real cluster.
	if err := r.advance(ctx, o.RoundLimit); err != nil {
		return nil, err
	}
	for i := range s.Rounds {
		c.begin(snap, i+1, &s.Rounds[i])
		if err := r.advance(ctx, o.RoundLimit); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// advance shows the scheduler what has changed, then lets it work until it is
// idle, and stops it again.
func (r *rig) advance(ctx context.Context, limit time.Duration) error {
	defer r.turnstile.setOpen(false)
	tick := time.NewTicker(backstop)
	defer tick.Stop()
	for !r.informers.caughtUp() {
		select {
		case <-r.cluster.changed:
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("showing the snapshot to the scheduler: %w", ctx.Err())
		}
	}
	r.turnstile.setOpen(true)
	done, err := r.settle(ctx, limit)
	if err == nil && !done {
		r.cluster.markUndecided(limit)
	}
	return err
}

// begin changes the cluster as a round asks: all evictions first, then all new
// pods, those of high priority first as the scheduler's queue would have it.
func (c *cluster) begin(snap *snapshot.Snapshot, number int, round *snapshot.Round) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.round = number
	var created []*corev1.Pod
	add := func(pod *corev1.Pod, r *replacement) {
		r.round, r.namespace, r.name = number, pod.Namespace, pod.Name
		c.replacements = append(c.replacements, r)
		c.byPod[snapshot.Key(pod.Namespace, pod.Name)] = r
		created = append(created, pod)
	}
	for _, e := range round.Evict {
		pod, name := c.current(snap, e.Namespace, e.Name)
		if pod == nil {
			continue // preempted in an earlier round and not recreated
		}
		if o := c.store.remove(snapshot.Pods, pod.Namespace, pod.Name); o != nil {
			c.adjustBudgets(pod, -1)
		}
		if e.Recreate {
			clone := c.clone(pod, false)
			delete(c.byPod, snapshot.Key(pod.Namespace, pod.Name))
			r := &replacement{pod: name}
			c.successor[snapshot.Key(e.Namespace, e.Name)] = r
			add(clone, r)
		}
	}
	for _, k := range round.Copies {
		pod, name := c.current(snap, k.Namespace, k.Name)
		for range k.Count {
			if pod != nil {
				add(c.clone(pod, true), &replacement{pod: name, copy: true})
			}
		}
	}
	slices.SortStableFunc(created, func(a, b *corev1.Pod) int {
		return int(corev1helpers.PodPriority(b)) - int(corev1helpers.PodPriority(a))
	})
	for _, pod := range created {
		c.store.put(snapshot.Pods, pod)
	}
}

// current returns the pod that a pod of the snapshot has become by now, and its
// name in the snapshot.
func (c *cluster) current(snap *snapshot.Snapshot, namespace, name string) (*corev1.Pod, string) {
	if r := c.successor[snapshot.Key(namespace, name)]; r != nil {
		if r.gone {
			return nil, name
		}
		if o, err := c.store.get(snapshot.Pods, namespace, r.name); err == nil {
			return o.(*corev1.Pod), name
		}
		return nil, name
	}
	// From the snapshot, because its node may have been removed with it.
	return snap.Pod(namespace, name), name
}
