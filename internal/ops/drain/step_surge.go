package drain

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/plan"
)

// surge gives a workload one replica more, marked, and waits until it is ready.
type surge struct{ base }

// unsurge takes the replica back.
type unsurge struct{ base }

func surgeArgsOf(s *plan.Scope) (a surgeArgs, err error) {
	if s.Step.Args == nil {
		return a, plan.Fail("UnknownStep", s.Step.ID, nil)
	}
	if err := json.Unmarshal(s.Step.Args.Raw, &a); err != nil {
		return a, fmt.Errorf("reading the arguments of step %s: %w", s.Step.ID, err)
	}
	return a, nil
}

// live is a workload as the API has it now.
type live struct {
	version     string
	replicas    int32
	annotations map[string]string
}

func (b base) workload(ctx context.Context, s *plan.Scope, k kubernetes.Interface, key string) (w live, err error) {
	ns := namespaceOf(key)
	name := workloadName(key)[len(ns)+1:]
	err = b.persist(ctx, s, func(ctx context.Context) error {
		var o metav1.Object
		var replicas *int32
		switch kindOf(key) {
		case "Deployment":
			d, err := k.AppsV1().Deployments(ns).Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			o, replicas = d, d.Spec.Replicas
		case "StatefulSet":
			d, err := k.AppsV1().StatefulSets(ns).Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			o, replicas = d, d.Spec.Replicas
		default:
			d, err := k.AppsV1().ReplicaSets(ns).Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			o, replicas = d, d.Spec.Replicas
		}
		w = live{o.GetResourceVersion(), ptr.Deref(replicas, 1), o.GetAnnotations()}
		return nil
	})
	return w, err
}

// scale changes replicas and marks in one conditional write.
func (b base) scale(ctx context.Context, s *plan.Scope, k kubernetes.Interface, key string, w live, replicas int32, marks map[string]any) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": w.version, "annotations": marks},
		"spec":     map[string]any{"replicas": replicas},
	})
	if err != nil {
		return fmt.Errorf("writing the change of %s: %w", key, err)
	}
	ns := namespaceOf(key)
	name := workloadName(key)[len(ns)+1:]
	o := metav1.PatchOptions{FieldManager: "kanrin"}
	return b.persist(ctx, s, func(ctx context.Context) (err error) {
		switch kindOf(key) {
		case "Deployment":
			_, err = k.AppsV1().Deployments(ns).Patch(ctx, name, types.MergePatchType, patch, o)
		case "StatefulSet":
			_, err = k.AppsV1().StatefulSets(ns).Patch(ctx, name, types.MergePatchType, patch, o)
		default:
			_, err = k.AppsV1().ReplicaSets(ns).Patch(ctx, name, types.MergePatchType, patch, o)
		}
		return err
	})
}

// Done implements plan.Behaviour: marked by us, and the replica ready.
func (b surge) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := surgeArgsOf(s)
	if err != nil {
		return false, err
	}
	c, err := b.connect(ctx, s)
	if err != nil {
		return false, err
	}
	w, ok := findScalable(c, a.Workload)
	return ok && w.annotations[MarkSurgedBy] == s.ID() && readyOf(c, w) > a.From, nil
}

// Do implements plan.Behaviour.
func (b surge) Do(ctx context.Context, s *plan.Scope) error {
	a, err := surgeArgsOf(s)
	if err != nil {
		return err
	}
	c, err := b.connect(ctx, s)
	if err != nil {
		return err
	}
	for {
		w, err := b.workload(ctx, s, c.Client, a.Workload)
		switch {
		case apierrors.IsNotFound(err):
			return plan.Fail("WorkloadUnknown", a.Workload, err)
		case err != nil:
			return wrapStep(s, err)
		case w.annotations[MarkSurgedBy] == s.ID():
			return b.waitReady(ctx, s, c, a)
		case w.annotations[MarkSurgedBy] != "" || w.replicas != a.From:
			return plan.Fail("ScaleConflict", a.Workload, nil)
		}
		err = b.scale(ctx, s, c.Client, a.Workload, w, a.From+1, map[string]any{MarkSurgedBy: s.ID(), MarkSurgedFrom: strconv.Itoa(int(a.From))})
		if apierrors.IsConflict(err) {
			continue
		}
		if err != nil {
			return wrapStep(s, err)
		}
		s.Log("info", "Surged", a.Workload, "from", a.From, "to", a.From+1)
	}
}

func (b surge) waitReady(ctx context.Context, s *plan.Scope, c *fleet.Connection, a surgeArgs) error {
	changes, stop := c.Subscribe(fleet.AreaPods, fleet.AreaWorkloads)
	defer stop()
	for {
		w, ok := findScalable(c, a.Workload)
		if !ok {
			return plan.Fail("WorkloadUnknown", a.Workload, nil)
		}
		ready := readyOf(c, w)
		s.Progress(int(min(ready, a.From+1)), int(a.From+1))
		if ready > a.From {
			return nil
		}
		s.Wait("Replicas", workloadName(a.Workload), "ready", ready, "desired", a.From+1)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changes:
		case <-time.After(5 * time.Second):
		}
	}
}

// Undo implements plan.Undoer.
func (b surge) Undo(ctx context.Context, s *plan.Scope) (bool, error) { return b.back(ctx, s) }

// Done implements plan.Behaviour: our mark is gone.
func (b unsurge) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := surgeArgsOf(s)
	if err != nil {
		return false, err
	}
	c, err := b.connect(ctx, s)
	if err != nil {
		return false, err
	}
	w, err := b.workload(ctx, s, c.Client, a.Workload)
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	return err == nil && w.annotations[MarkSurgedBy] != s.ID(), err
}

// Do implements plan.Behaviour.
func (b unsurge) Do(ctx context.Context, s *plan.Scope) error {
	_, err := b.back(ctx, s)
	return err
}

// back restores the former number of replicas where the mark is ours. When somebody has scaled meanwhile, their number stays.
func (b base) back(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := surgeArgsOf(s)
	if err != nil {
		return false, err
	}
	c, err := b.connect(ctx, s)
	if err != nil {
		return false, err
	}
	unmark := map[string]any{MarkSurgedBy: nil, MarkSurgedFrom: nil}
	for {
		w, err := b.workload(ctx, s, c.Client, a.Workload)
		switch {
		case apierrors.IsNotFound(err):
			return false, nil
		case err != nil:
			return false, wrapStep(s, err)
		case w.annotations[MarkSurgedBy] != s.ID():
			s.Log("info", "NotOurs", workloadName(a.Workload))
			return false, nil
		}
		from, err := strconv.ParseInt(w.annotations[MarkSurgedFrom], 10, 32)
		if err != nil {
			from = int64(a.From) // the mark was damaged; the plan remembers too
		}
		to, code := int32(from), "Unsurged"
		if w.replicas != int32(from)+1 {
			to, code = w.replicas, "UnsurgeLeft"
		}
		err = b.scale(ctx, s, c.Client, a.Workload, w, to, unmark)
		if apierrors.IsConflict(err) {
			continue
		}
		if err != nil {
			return false, wrapStep(s, err)
		}
		s.Log("info", code, workloadName(a.Workload), "from", from+1, "to", from, "replicas", w.replicas)
		return true, nil
	}
}

// wrapStep makes an answer of the API server readable; interruptions stay what they are.
func wrapStep(s *plan.Scope, err error) error {
	if plan.Interrupted(err) || sortOut(err) != answered {
		return err
	}
	return plan.Fail("EvictionRefused", s.Step.ID, err)
}
