package simulate

import (
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"kanrin.dev/kanrin/kube/snapshot"
)

// cluster is one scenario's copy of the snapshot: the store, and the little that
// stands in for controllers and kubelets.
type cluster struct {
	store *store
	// changed wakes whoever waits for the scheduler to become idle.
	changed chan struct{}

	mu      sync.Mutex
	clones  int
	budgets []budget
	round   int
	// replacements are the new pods in order; byPod finds them by the key of the
	// pod that embodies them now.
	replacements []*replacement
	byPod        map[string]*replacement
	// successor finds the replacement of a pod of the snapshot by its key.
	successor  map[string]*replacement
	preempted  []*preemption
	unreported map[types.UID]*preemption
	// provisioning maps claims that wait for a provisioner to the chosen node.
	provisioning map[string]string
	failure      error
}

// replacement is a pod that a round asked for, through all that happens to it:
// when it is preempted and recreated, name becomes that of its successor.
type replacement struct {
	round          int
	namespace, pod string
	name           string
	copy           bool
	node           string
	boundIn        int
	reason         string
	// gone: it was preempted, and nothing recreates it.
	gone bool
}

// preemption is a pod that the scheduler deleted to make room.
type preemption struct {
	namespace, pod, node, by string
	successor                *replacement
}

func newCluster(snap *snapshot.Snapshot, s *snapshot.Scenario) *cluster {
	cordoned, removed := set(s.Cordon), set(s.Remove)
	c := &cluster{
		changed:      make(chan struct{}, 1),
		byPod:        map[string]*replacement{},
		successor:    map[string]*replacement{},
		unreported:   map[types.UID]*preemption{},
		provisioning: map[string]string{},
	}
	c.store = newStore(snap, func(o object) object {
		switch o := o.(type) {
		case *corev1.Node:
			if removed[o.Name] {
				return nil
			}
			if cordoned[o.Name] {
				return cordon(o)
			}
		case *corev1.Pod:
			if finished(o) || removed[o.Spec.NodeName] {
				return nil
			}
		}
		return o
	})
	c.budgets = newBudgets(snap)
	return c
}

// finished reports whether a pod has ended and holds nothing any more.
func finished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

func set(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// cordon returns a node as kubectl and the node lifecycle controller leave it.
func cordon(n *corev1.Node) *corev1.Node {
	n = n.DeepCopy()
	n.Spec.Unschedulable = true
	for _, t := range n.Spec.Taints {
		if t.Key == corev1.TaintNodeUnschedulable && t.Effect == corev1.TaintEffectNoSchedule {
			return n
		}
	}
	n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule})
	return n
}

func (c *cluster) notify() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// bind does what the API server and the kubelet do: the pod is on its node, and
// it runs.
func (c *cluster) bind(namespace string, b *corev1.Binding) error {
	defer c.notify()
	o, err := c.store.update(snapshot.Pods, namespace, b.Name, func(o object) (object, error) {
		pod := o.(*corev1.Pod)
		if (b.UID != "" && b.UID != pod.UID) || pod.Spec.NodeName != "" {
			return nil, apierrors.NewConflict(snapshot.Pods.GroupResource(), b.Name, fmt.Errorf("it is another pod, or already bound to %q", pod.Spec.NodeName))
		}
		run(pod, b.Target.Name)
		return pod, nil
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.byPod[snapshot.Key(namespace, b.Name)]; r != nil {
		r.node, r.reason, r.boundIn = b.Target.Name, "", c.round
	}
	c.adjustBudgets(o.(*corev1.Pod), 1)
	return nil
}

// run makes a pod one that runs and is ready on a node.
func run(pod *corev1.Pod, node string) {
	pod.Spec.NodeName = node
	pod.Status.Phase = corev1.PodRunning
	pod.Status.NominatedNodeName = ""
	now := metav1.Now()
	pod.Status.StartTime = &now
	pod.Status.Conditions = nil
	for _, t := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: t, Status: corev1.ConditionTrue})
	}
}

// patchPod is how the scheduler reports that a pod does not fit anywhere.
func (c *cluster) patchPod(namespace, name string, patch []byte) (runtime.Object, error) {
	defer c.notify()
	o, err := c.store.update(snapshot.Pods, namespace, name, func(o object) (object, error) {
		return patched(o.(*corev1.Pod), patch)
	})
	if err != nil {
		return nil, err
	}
	pod := o.(*corev1.Pod)
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.byPod[snapshot.Key(namespace, name)]; r != nil && pod.Spec.NodeName == "" {
		if cond := scheduledCondition(pod); cond != nil && cond.Status == corev1.ConditionFalse {
			r.reason = cond.Message
		}
	}
	return pod.DeepCopy(), nil
}

func scheduledCondition(pod *corev1.Pod) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == corev1.PodScheduled {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// preempt deletes a pod for the scheduler; its controller, if it has one, makes
// a new one at once.
func (c *cluster) preempt(namespace, name string) error {
	defer c.notify()
	o := c.store.remove(snapshot.Pods, namespace, name)
	if o == nil {
		return apierrors.NewNotFound(snapshot.Pods.GroupResource(), name)
	}
	victim := o.(*corev1.Pod)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.adjustBudgets(victim, -1)
	p := &preemption{namespace: namespace, pod: name, node: victim.Spec.NodeName}
	c.preempted = append(c.preempted, p)
	c.unreported[victim.UID] = p

	r := c.byPod[snapshot.Key(namespace, name)]
	if metav1.GetControllerOf(victim) == nil {
		delete(c.byPod, snapshot.Key(namespace, name))
		if r == nil {
			r = &replacement{}
			c.successor[snapshot.Key(namespace, name)] = r
		}
		r.node, r.gone = "", true
		return nil
	}
	clone := c.clone(victim, false)
	delete(c.byPod, snapshot.Key(namespace, name))
	if r == nil {
		r = &replacement{namespace: namespace, pod: name, round: c.round}
		c.successor[snapshot.Key(namespace, name)] = r
	}
	r.name, r.node, r.reason = clone.Name, "", ""
	c.byPod[snapshot.Key(namespace, clone.Name)] = r
	p.successor = r
	c.store.put(snapshot.Pods, clone)
	return nil
}

// reportPreemption notes for whom a pod was preempted.
func (c *cluster) reportPreemption(victim types.UID, by string) {
	defer c.notify()
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.unreported[victim]; p != nil {
		p.by = by
		delete(c.unreported, victim)
	}
}

// update stores an object that the scheduler has changed, and plays the volume
// controller.
func (c *cluster) update(resource schema.GroupVersionResource, o object) (runtime.Object, error) {
	defer c.notify()
	if _, err := c.store.get(resource, o.GetNamespace(), o.GetName()); err != nil {
		return nil, err
	}
	stored := c.store.put(resource, o).DeepCopyObject()
	switch o := stored.(type) {
	case *corev1.PersistentVolume:
		c.bindClaim(o)
	case *corev1.PersistentVolumeClaim:
		c.noteProvisioning(o)
	}
	return stored, nil
}

func (c *cluster) fail(err error) {
	defer c.notify()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure == nil {
		c.failure = err
	}
}
