package controller

import (
	"context"
	"fmt"
	"sort"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// sweepEvery is how often old operations are cleared away.
const sweepEvery = 10 * time.Minute

// sweepUntil clears away until ctx ends. The management API that Kanrin brings along has no garbage collector, so the logs of deleted
// operations are cleared here too; on another cluster that is found done already.
func (t *term) sweepUntil(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := t.sweep(ctx); err != nil && ctx.Err() == nil {
			t.d.Log.Warn("old operations could not be cleared away", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (t *term) sweep(ctx context.Context) error {
	var all v1alpha1.OperationList
	if err := t.d.Client.List(ctx, &all); err != nil {
		return fmt.Errorf("reading operations: %w", err)
	}
	alive := map[client.ObjectKey]ownership{}
	finished := map[string][]*v1alpha1.Operation{}
	for i := range all.Items {
		op := &all.Items[i]
		alive[client.ObjectKeyFromObject(op)] = ownership{string(op.UID), digestOf(op)}
		if op.Status.Phase.Terminal() {
			finished[op.Namespace] = append(finished[op.Namespace], op)
		}
	}
	for _, ops := range finished {
		sort.Slice(ops, func(i, j int) bool { return ops[j].CreationTimestamp.Before(&ops[i].CreationTimestamp) })
		for i, op := range ops {
			if i < t.c.KeepOperations && time.Since(op.CreationTimestamp.Time) < t.c.KeepFor {
				continue
			}
			if err := t.fence.Check(); err != nil {
				return err
			}
			if err := client.IgnoreNotFound(t.d.Client.Delete(ctx, op)); err != nil {
				return fmt.Errorf("deleting operation %s: %w", op.Name, err)
			}
			delete(alive, client.ObjectKeyFromObject(op))
		}
	}
	return t.sweepLogs(ctx, alive)
}

// ownership is which operation, and which plan of it, a chunk must belong to.
type ownership struct{ uid, digest string }

func digestOf(op *v1alpha1.Operation) string {
	if op.Status.Plan == nil {
		return ""
	}
	return op.Status.Plan.Digest
}

// sweepLogs deletes chunks whose operation is gone, and members of plans that were replaced. Only their metadata is read. A chunk that is
// younger than an hour may belong to a plan that is being published, and is left.
func (t *term) sweepLogs(ctx context.Context, alive map[client.ObjectKey]ownership) error {
	var logs metav1.PartialObjectMetadataList
	logs.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("OperationLogList"))
	if err := t.d.Client.List(ctx, &logs); err != nil {
		return fmt.Errorf("reading operation logs: %w", err)
	}
	for i := range logs.Items {
		l := &logs.Items[i]
		op, ok := alive[client.ObjectKey{Namespace: l.Namespace, Name: l.Labels[v1alpha1.LabelOperation]}]
		owned := ok && len(l.OwnerReferences) > 0 && string(l.OwnerReferences[0].UID) == op.uid
		replaced := l.Labels[v1alpha1.LabelPlan] != "" && l.Labels[v1alpha1.LabelPlan] != op.digest
		if time.Since(l.CreationTimestamp.Time) < time.Hour || (owned && !replaced) {
			continue
		}
		if err := t.fence.Check(); err != nil {
			return err
		}
		if err := client.IgnoreNotFound(t.d.Client.Delete(ctx, l)); err != nil {
			return fmt.Errorf("deleting log %s: %w", l.Name, err)
		}
	}
	return nil
}
