package drain

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"kanrin.dev/kanrin/internal/plan"
)

// cordon makes nodes unschedulable and marks those that were not so before.
type cordon struct{ base }

// Done implements plan.Behaviour.
func (b cordon) Done(ctx context.Context, s *plan.Scope) (bool, error) { return b.all(ctx, s, true) }

// all reads the nodes themselves, not the cache: a cordon that was undone a moment ago must be seen.
func (b base) all(ctx context.Context, s *plan.Scope, unschedulable bool) (bool, error) {
	c, err := b.connect(ctx, s)
	if err != nil {
		return false, err
	}
	for _, name := range s.Step.Targets {
		n, err := b.node(ctx, s, c.Client, name)
		if apierrors.IsNotFound(err) {
			continue // gone: nothing to do about it
		}
		if err != nil {
			return false, err
		}
		if n.Spec.Unschedulable != unschedulable {
			return false, nil
		}
	}
	return true, nil
}

func (b base) node(ctx context.Context, s *plan.Scope, client kubernetes.Interface, name string) (n *corev1.Node, err error) {
	err = b.persist(ctx, s, func(ctx context.Context) error {
		n, err = client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		return err
	})
	return n, err
}

// Do implements plan.Behaviour.
func (b cordon) Do(ctx context.Context, s *plan.Scope) error {
	return b.each(ctx, s, func(n *corev1.Node) *change {
		if n.Spec.Unschedulable {
			s.Log("info", "LeftAlone", n.Name)
			return nil
		}
		return &change{log: "Cordoned", unschedulable: true, marks: map[string]any{
			MarkCordonedBy: s.ID(), MarkCordonedAt: time.Now().UTC().Format(time.RFC3339),
		}}
	})
}

// Undo implements plan.Undoer: nodes that carry this operation's mark become schedulable again.
func (b cordon) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	ours := false
	err := b.each(ctx, s, func(n *corev1.Node) *change {
		if n.Annotations[MarkCordonedBy] != s.ID() {
			s.Log("info", "NotOurs", n.Name)
			return nil
		}
		ours = true
		return &change{log: "Uncordoned", unschedulable: false, marks: unmarked}
	})
	return ours, err
}

var unmarked = map[string]any{MarkCordonedBy: nil, MarkCordonedAt: nil}

// uncordon makes nodes schedulable whoever cordoned them: that is what was asked for.
type uncordon struct{ base }

// Done implements plan.Behaviour.
func (b uncordon) Done(ctx context.Context, s *plan.Scope) (bool, error) { return b.all(ctx, s, false) }

// Do implements plan.Behaviour.
func (b uncordon) Do(ctx context.Context, s *plan.Scope) error {
	return b.each(ctx, s, func(n *corev1.Node) *change {
		if !n.Spec.Unschedulable {
			return nil
		}
		return &change{log: "Uncordoned", unschedulable: false, marks: unmarked}
	})
}

// Undo implements plan.Undoer: nodes that were cordoned before are cordoned again, with the mark they had.
func (b uncordon) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	var found cordonArgs
	if err := json.Unmarshal(s.Step.Args.Raw, &found); err != nil {
		return false, fmt.Errorf("reading the arguments of step %s: %w", s.Step.ID, err)
	}
	ours := false
	err := b.each(ctx, s, func(n *corev1.Node) *change {
		by, was := found.Cordoned[n.Name]
		if !was || n.Spec.Unschedulable {
			return nil
		}
		ours = true
		ch := &change{log: "Cordoned", unschedulable: true}
		if by != "" {
			ch.marks = map[string]any{MarkCordonedBy: by}
		}
		return ch
	})
	return ours, err
}

// change of a node: the patch is conditional on the version that was looked at.
type change struct {
	log           string
	unschedulable bool
	marks         map[string]any // nil values remove
}

// each brings every target from what it is to what decide wants, again whenever somebody else was faster.
func (b base) each(ctx context.Context, s *plan.Scope, decide func(*corev1.Node) *change) error {
	c, err := b.connect(ctx, s)
	if err != nil {
		return err
	}
	for i, name := range s.Step.Targets {
		for {
			n, err := b.node(ctx, s, c.Client, name)
			if apierrors.IsNotFound(err) {
				s.Log("warn", "NodeGone", name)
				break
			}
			if err != nil {
				return plan.Fail("ClusterUnreachable", s.Cluster, err)
			}
			ch := decide(n)
			if ch == nil {
				break
			}
			patch, err := json.Marshal(map[string]any{
				"metadata": map[string]any{"resourceVersion": n.ResourceVersion, "annotations": ch.marks},
				"spec":     map[string]any{"unschedulable": ch.unschedulable},
			})
			if err != nil {
				return fmt.Errorf("writing the change of node %s: %w", name, err)
			}
			err = b.persist(ctx, s, func(ctx context.Context) error {
				_, err := c.Client.CoreV1().Nodes().Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "kanrin"})
				return err
			})
			if apierrors.IsConflict(err) {
				continue // the node has changed: look again
			}
			if apierrors.IsNotFound(err) {
				s.Log("warn", "NodeGone", name)
				break
			}
			if err != nil {
				return plan.Fail("EvictionRefused", name, err)
			}
			s.Log("info", ch.log, name)
			break
		}
		s.Progress(i+1, len(s.Step.Targets))
	}
	return nil
}
