package power

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/plan"
)

// LabelAutomatic on an operation says that Kanrin has asked for it by itself.
const LabelAutomatic = "kanrin.dev/automatic"

const (
	watchEvery = 10 * time.Second
	// again is how long a worker that a recovery did not bring back is left to people.
	again          = 6 * time.Hour
	defaultPercent = 20
	defaultAfter   = 300 * time.Second
)

// Watcher recovers failing workers of clusters whose policy says so. It holds no state: what was tried is in the operations.
type Watcher struct {
	d   Dependencies
	log *slog.Logger
}

// NewWatcher makes a watcher; Lead runs it.
func NewWatcher(d Dependencies, log *slog.Logger) *Watcher { return &Watcher{d: d, log: log} }

// Lead watches until the context, which is the term of leadership, ends.
func (w *Watcher) Lead(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var clusters v1alpha1.ClusterList
		if err := w.d.Client.List(ctx, &clusters); err != nil {
			continue // the management API is away; the next round asks again
		}
		for i := range clusters.Items {
			c := &clusters.Items[i]
			if !c.Spec.Recovery.Enabled {
				continue
			}
			if err := w.cluster(ctx, c); err != nil && ctx.Err() == nil {
				w.log.Warn("looking after workers", "cluster", c.Name, "error", err)
			}
		}
	}
}

// failing is a worker that is not Ready.
type failing struct {
	node  string
	since time.Time
}

// pick decides what is to be done: the worker to recover, or why nothing is done.
func pick(policy v1alpha1.RecoveryPolicy, workers int, out []failing, ops []v1alpha1.Operation, now time.Time) (node, why string) {
	percent := int(policy.MaxPercent)
	if percent == 0 {
		percent = defaultPercent
	}
	after := time.Duration(policy.AfterSeconds) * time.Second
	if after == 0 {
		after = defaultAfter
	}
	if most := max(1, workers*percent/100); len(out) > most {
		return "", fmt.Sprintf("%d of %d workers are not Ready, more than %d: something larger is wrong, and it is left to people", len(out), workers, most)
	}
	tried := map[string]bool{}
	for _, o := range ops {
		if plan.AtWork(o.Status.Phase) {
			return "", "operation " + o.Name + " is at work"
		}
		if o.Spec.Recover == nil {
			continue
		}
		if !o.Status.Phase.Terminal() || now.Sub(o.CreationTimestamp.Time) < again && o.Status.Phase != v1alpha1.PhaseSucceeded {
			tried[o.Spec.Recover.Node] = true
		}
	}
	for _, f := range out {
		if now.Sub(f.since) >= after && !tried[f.node] {
			return f.node, ""
		}
	}
	return "", ""
}

func (w *Watcher) cluster(ctx context.Context, c *v1alpha1.Cluster) error {
	ops, err := w.d.History.Operations(ctx, c.Name)
	if err != nil {
		return err
	}
	for i := range ops {
		o := &ops[i]
		if o.Labels[LabelAutomatic] == "" || o.Spec.Cancelled {
			continue
		}
		switch {
		case o.Status.Phase == v1alpha1.PhasePlanned && o.Spec.ApprovedPlan == "":
			return w.decide(ctx, o)
		case o.Status.Phase == v1alpha1.PhasePaused && o.Status.Reason == v1alpha1.ReasonStepFailed:
			// It did not help. It must not hold the cluster until somebody comes; the list of operations tells of it.
			return w.end(ctx, o)
		}
	}
	if s, err := ReadState(ctx, w.d.Client, c.Name); err != nil || s != nil {
		return err // stopped on purpose
	}
	conn, err := w.d.Fleet.Connection(c.Name)
	if err != nil || !conn.State().Fresh {
		return nil // nothing is known of it now
	}
	nodes, err := conn.Nodes().List(labels.Everything())
	if err != nil {
		return err
	}
	workers := 0
	var out []failing
	for _, n := range nodes {
		if _, cp := n.Labels[labelControlPlane]; cp {
			continue
		}
		workers++
		if !nodeReady(n) {
			out = append(out, failing{n.Name, notReadySince(n)})
		}
	}
	node, why := pick(c.Spec.Recovery, workers, out, ops, time.Now())
	if node == "" {
		if why != "" && len(out) > 0 {
			w.log.Info("no automatic recovery", "cluster", c.Name, "reason", why)
		}
		return nil
	}
	op := &v1alpha1.Operation{
		ObjectMeta: metav1.ObjectMeta{Namespace: c.Name, GenerateName: "recover-", Labels: map[string]string{LabelAutomatic: "recovery"}},
		Spec:       v1alpha1.OperationSpec{Type: v1alpha1.OperationRecover, Recover: &v1alpha1.RecoverSpec{Node: node, Reboot: c.Spec.Recovery.Reboot}},
	}
	if err := w.d.Client.Create(ctx, op); err != nil {
		return fmt.Errorf("asking for the recovery of %s: %w", node, err)
	}
	w.log.Info("automatic recovery", "cluster", c.Name, "node", node, "operation", op.Name)
	return nil
}

// end cancels an automatic operation.
func (w *Watcher) end(ctx context.Context, o *v1alpha1.Operation) error {
	before := o.DeepCopy()
	o.Spec.Cancelled = true
	return client.IgnoreNotFound(w.d.Client.Patch(ctx, o, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})))
}

// decide approves an automatic plan that has no blockers, and ends one that has: it is reported in the list of operations.
func (w *Watcher) decide(ctx context.Context, o *v1alpha1.Operation) error {
	if o.Status.Plan == nil {
		return nil
	}
	if plan.Blockers(o.Status.Plan) > 0 {
		return w.end(ctx, o)
	}
	before := o.DeepCopy()
	o.Spec.ApprovedPlan = o.Status.Plan.Digest
	return client.IgnoreNotFound(w.d.Client.Patch(ctx, o, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})))
}

func notReadySince(n *corev1.Node) time.Time {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.LastTransitionTime.Time
		}
	}
	return n.CreationTimestamp.Time
}
