package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// mark gives the new Node its labels, and the mark of who made it. Taints it has from its first moment (the kubelet registers with them).
type mark struct{ base }

// Done implements plan.Behaviour.
func (b mark) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[addArgs](s)
	if err != nil {
		return false, err
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return false, err
	}
	n, err := b.node(ctx, s, c, a.Node)
	if err != nil || n == nil || n.Annotations[MarkAddedBy] != s.ID() {
		return false, err
	}
	for k, v := range a.Labels {
		if have, ok := n.Labels[k]; !ok || have != v {
			return false, nil
		}
	}
	return true, nil
}

// Do implements plan.Behaviour.
func (b mark) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[addArgs](s)
	if err != nil {
		return err
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return err
	}
	labels := map[string]any{labelOperation: nil}
	for k, v := range a.Labels {
		labels[k] = v
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": labels, "annotations": map[string]any{MarkAddedBy: s.ID()}}})
	if err != nil {
		return fmt.Errorf("writing the labels of node %s: %w", a.Node, err)
	}
	for {
		err := b.Persist(ctx, s, func(ctx context.Context) error {
			_, err := c.Client.CoreV1().Nodes().Patch(ctx, a.Node, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "kanrin"})
			return err
		})
		switch {
		case err == nil:
			return nil
		case !apierrors.IsNotFound(err):
			return plan.Fail("NodeRefused", a.Node, err)
		}
		s.Wait("NodeMissing", a.Node) // the kubelet has not registered yet
		if err := call.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// ready waits until the Node is Ready.
type ready struct{ base }

// Done implements plan.Behaviour.
func (b ready) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Do implements plan.Behaviour.
func (b ready) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[addArgs](s)
	if err != nil {
		return err
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return err
	}
	for {
		n, err := b.node(ctx, s, c, a.Node)
		switch {
		case err != nil:
			return err
		case n == nil:
			s.Wait("NodeMissing", a.Node)
		case nodeReady(n):
			return nil
		default:
			why := ""
			for _, cond := range n.Status.Conditions {
				if cond.Type == "Ready" {
					why = cond.Message
				}
			}
			s.Wait("NodeNotReady", a.Node, "why", why)
		}
		if err := call.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// registered writes down on the Host that it is a node now.
type registered struct{ base }

func (b registered) host(ctx context.Context, s *plan.Scope, name string) (*v1alpha1.Host, error) {
	var h v1alpha1.Host
	if err := b.d.Client.Get(ctx, client.ObjectKey{Namespace: s.Cluster, Name: name}, &h); err != nil {
		return nil, fmt.Errorf("reading host %s: %w", name, err)
	}
	return &h, nil
}

func (b registered) set(h *v1alpha1.Host, a addArgs) bool {
	before := h.DeepCopy()
	h.Spec.NodeName, h.Spec.Group = a.Node, a.Group
	if !slices.Contains(h.Spec.Roles, a.Role) {
		h.Spec.Roles = append(h.Spec.Roles, a.Role)
	}
	return before.Spec.NodeName != h.Spec.NodeName || before.Spec.Group != h.Spec.Group || len(before.Spec.Roles) != len(h.Spec.Roles)
}

// Done implements plan.Behaviour.
func (b registered) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[addArgs](s)
	if err != nil {
		return false, err
	}
	h, err := b.host(ctx, s, a.Host)
	return err == nil && !b.set(h, a), err
}

// Do implements plan.Behaviour.
func (b registered) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[addArgs](s)
	if err != nil {
		return err
	}
	return b.change(ctx, s, a.Host, func(h *v1alpha1.Host) bool { return b.set(h, a) })
}

// change writes the Host, again whenever somebody else was faster.
func (b registered) change(ctx context.Context, s *plan.Scope, name string, change func(*v1alpha1.Host) bool) error {
	for {
		h, err := b.host(ctx, s, name)
		if err != nil {
			return err
		}
		if !change(h) {
			return nil
		}
		if err := s.Guard(); err != nil {
			return err
		}
		limited, cancel := s.Call(ctx, call.Limit)
		err = b.d.Client.Update(limited, h)
		cancel()
		if !apierrors.IsConflict(err) {
			return err
		}
	}
}

// Undo implements plan.Undoer.
func (b registered) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[addArgs](s)
	if err != nil {
		return false, err
	}
	ours := false
	err = b.change(ctx, s, a.Host, func(h *v1alpha1.Host) bool {
		if h.Spec.NodeName != a.Node || h.Spec.Group != a.Group {
			return false // somebody has changed it since
		}
		ours = true
		h.Spec.NodeName, h.Spec.Roles, h.Spec.Group = a.WasNode, a.WasRoles, a.WasGroup
		return true
	})
	return ours, err
}
