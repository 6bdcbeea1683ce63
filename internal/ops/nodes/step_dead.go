package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// proof establishes once more that the machine is off, before anything is taken from it.
type proof struct{ base }

// Done implements plan.Behaviour.
func (b proof) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Do implements plan.Behaviour.
func (b proof) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return err
	}
	return b.proven(ctx, s, a)
}

// proven returns nil when the machine's power is off, or it is silent and somebody has given their word. Every step that takes something
// from it asks again.
func (b base) proven(ctx context.Context, s *plan.Scope, a removeArgs) error {
	c, err := b.Reach(ctx, s)
	if err != nil {
		return err
	}
	n, err := b.node(ctx, s, c, a.Node)
	if err != nil {
		return err
	}
	f := &RemoveFacts{Cluster: s.Cluster, Node: a.Node, Host: a.Host, Addresses: a.Addresses, Ready: n != nil && nodeReady(n)}
	l, err := b.layout(ctx, c, s.Cluster)
	if err != nil {
		return err
	}
	b.silence(ctx, c, l, f)
	switch {
	case len(f.Answers) > 0:
		return plan.Fail("StillAnswers", a.Node, nil, "what", strings.Join(f.Answers, "; "))
	case f.Ready || f.LeaseFresh:
		return plan.Fail("StillAlive", a.Node, nil, "seconds", leaseLimit)
	case f.Power == powerOff, a.Accepted:
		return nil
	}
	return plan.Fail("ProofLost", a.Node, nil)
}

// markFenced on a Node names the operation that set the out-of-service taint.
const markFenced = "kanrin.dev/fenced-by"

// outOfService is the taint by which Kubernetes is told that a node is off for good: its pods are deleted by force and its volumes
// detached ("Non-graceful node shutdown").
var outOfService = corev1.Taint{Key: corev1.TaintNodeOutOfService, Value: "nodeshutdown", Effect: corev1.TaintEffectNoExecute}

// fence tells the cluster that the node is off.
type fence struct{ base }

func fenced(n *corev1.Node) bool {
	return slices.ContainsFunc(n.Spec.Taints, func(t corev1.Taint) bool { return t.Key == outOfService.Key && t.Effect == outOfService.Effect })
}

// Done implements plan.Behaviour.
func (b fence) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return false, err
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return false, err
	}
	n, err := b.node(ctx, s, c, a.Node)
	return err == nil && (n == nil || fenced(n)), err
}

// Do implements plan.Behaviour.
func (b fence) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return err
	}
	if err := b.proven(ctx, s, a); err != nil {
		return err
	}
	return b.taint(ctx, s, a.Node, func(n *corev1.Node) (taints []corev1.Taint, by any, change bool) {
		return append(slices.Clone(n.Spec.Taints), outOfService), s.ID(), !fenced(n)
	})
}

// taint changes the taints of a node, again whenever somebody else was faster.
func (b fence) taint(ctx context.Context, s *plan.Scope, node string, decide func(*corev1.Node) ([]corev1.Taint, any, bool)) error {
	c, err := b.Reach(ctx, s)
	if err != nil {
		return err
	}
	for {
		n, err := b.node(ctx, s, c, node)
		if err != nil || n == nil {
			return err
		}
		taints, by, change := decide(n)
		if !change {
			return nil
		}
		patch, err := json.Marshal(map[string]any{
			"metadata": map[string]any{"resourceVersion": n.ResourceVersion, "annotations": map[string]any{markFenced: by}},
			"spec":     map[string]any{"taints": taints},
		})
		if err != nil {
			return fmt.Errorf("writing the taint of node %s: %w", node, err)
		}
		err = b.Persist(ctx, s, func(ctx context.Context) error {
			_, err := c.Client.CoreV1().Nodes().Patch(ctx, node, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "kanrin"})
			return err
		})
		if apierrors.IsConflict(err) {
			continue
		}
		if err != nil && !apierrors.IsNotFound(err) {
			return plan.Fail("NodeRefused", node, err)
		}
		return nil
	}
}

// Undo implements plan.Undoer: the taint goes if it is ours.
func (b fence) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return false, err
	}
	ours := false
	err = b.taint(ctx, s, a.Node, func(n *corev1.Node) ([]corev1.Taint, any, bool) {
		ours = n.Annotations[markFenced] == s.ID()
		return slices.DeleteFunc(slices.Clone(n.Spec.Taints), func(t corev1.Taint) bool { return t.Key == outOfService.Key }), nil, ours
	})
	return ours, err
}

// stuckPods removes the pods of a machine that is off: no kubelet will ever confirm their end.
type stuckPods struct{ base }

// left are the pods that go before the Node does. Those of DaemonSets and static ones go after it: as long as there is a Node, their
// controllers put them back.
func (b stuckPods) left(ctx context.Context, s *plan.Scope, c *fleet.Connection, node string) (*corev1.PodList, error) {
	list, err := b.bound(ctx, s, c, node)
	if err == nil {
		list.Items = slices.DeleteFunc(list.Items, func(p corev1.Pod) bool {
			class := disruption.ClassOf(&p)
			return class == disruption.DaemonSet || class == disruption.Static
		})
	}
	return list, err
}

// bound are all pods of a node.
func (b stuckPods) bound(ctx context.Context, s *plan.Scope, c *fleet.Connection, node string) (list *corev1.PodList, err error) {
	err = b.Persist(ctx, s, func(ctx context.Context) error {
		list, err = c.Client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
		return err
	})
	return list, err
}

// Done implements plan.Behaviour.
func (b stuckPods) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return false, err
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return false, err
	}
	list, err := b.left(ctx, s, c, a.Node)
	return err == nil && len(list.Items) == 0, err
}

// Do implements plan.Behaviour.
func (b stuckPods) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return err
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return err
	}
	began, sure := time.Now(), false
	for {
		list, err := b.left(ctx, s, c, a.Node)
		if err != nil {
			return plan.Fail("ClusterUnreachable", s.Cluster, err)
		}
		if len(list.Items) == 0 {
			return nil
		}
		first := list.Items[0].Namespace + "/" + list.Items[0].Name
		s.Wait("StuckPods", a.Node, "count", len(list.Items), "pod", first)
		if time.Since(began) > b.d.Patience {
			if !sure {
				if err := b.proven(ctx, s, a); err != nil {
					return err
				}
				sure = true
			}
			for i := range list.Items {
				if err := b.force(ctx, s, c, &list.Items[i]); err != nil {
					return err
				}
			}
		}
		if err := call.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// force deletes exactly this pod at once.
func (b stuckPods) force(ctx context.Context, s *plan.Scope, c *fleet.Connection, p *corev1.Pod) error {
	o := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &p.UID}}
	zero := int64(0)
	o.GracePeriodSeconds = &zero
	err := b.Persist(ctx, s, func(ctx context.Context) error { return c.Client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, o) })
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return plan.Fail("PodNotDeleted", p.Namespace+"/"+p.Name, err)
	}
	s.Log("info", "PodForced", p.Namespace+"/"+p.Name, "node", p.Spec.NodeName)
	return nil
}

// detach sees to it that no volume is attached to the machine any more.
type detach struct{ base }

func (b detach) left(ctx context.Context, s *plan.Scope, c *fleet.Connection, node string) (names []string, err error) {
	err = b.Persist(ctx, s, func(ctx context.Context) error {
		list, err := c.Client.StorageV1().VolumeAttachments().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		names = nil
		for _, v := range list.Items {
			if v.Spec.NodeName == node {
				names = append(names, v.Name)
			}
		}
		return nil
	})
	return names, err
}

// Done implements plan.Behaviour.
func (b detach) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return false, err
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return false, err
	}
	names, err := b.left(ctx, s, c, a.Node)
	return err == nil && len(names) == 0, err
}

// Do implements plan.Behaviour. The attach-detach controller does it because of the taint; what it has not done after a while is deleted
// here. The storage driver has to confirm: nothing is torn out of its hands.
func (b detach) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return err
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return err
	}
	began, asked := time.Now(), map[string]bool{}
	for {
		names, err := b.left(ctx, s, c, a.Node)
		if err != nil {
			return plan.Fail("ClusterUnreachable", s.Cluster, err)
		}
		if len(names) == 0 {
			return nil
		}
		s.Wait("Detaching", a.Node, "count", len(names), "volume", names[0])
		if time.Since(began) > b.d.Patience {
			for _, name := range names {
				if asked[name] {
					continue
				}
				if err := b.proven(ctx, s, a); err != nil {
					return err
				}
				err := b.Persist(ctx, s, func(ctx context.Context) error {
					return c.Client.StorageV1().VolumeAttachments().Delete(ctx, name, metav1.DeleteOptions{})
				})
				if err != nil && !apierrors.IsNotFound(err) {
					return plan.Fail("NotDetached", name, err)
				}
				asked[name] = true
				s.Log("warn", "Detached", name, "node", a.Node)
			}
		}
		if err := call.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

func trimmed(b []byte) string { return strings.TrimSpace(string(b)) }
