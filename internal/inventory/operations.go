package inventory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet"
)

// operations keeps a row of every operation: their plans, which may have hundreds of kilobytes, are dropped on arrival.
type operations struct {
	management client.WithWatch

	mu       sync.Mutex
	rows     map[string]*operation // by namespace/name
	revision int64
	read     chan struct{} // closed when the list was read once
	once     sync.Once
	changes  *fleet.Changes
}

// operation is a row with as much of its object as a reflector needs.
type operation struct {
	metav1.ObjectMeta
	row inventory.OperationRow
}

func newOperations(c client.WithWatch) *operations {
	return &operations{
		management: c,
		rows:       map[string]*operation{}, revision: time.Now().UnixMilli(), read: make(chan struct{}),
		changes: fleet.NewChanges(),
	}
}

// run follows the operations until the context ends.
func (o *operations) run(ctx context.Context) {
	silent := logr.Discard()
	cache.NewReflectorWithOptions(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
			list := &v1alpha1.OperationList{}
			return list, o.management.List(ctx, list, &client.ListOptions{Raw: &opts})
		},
		WatchFuncWithContext: func(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
			return o.management.Watch(ctx, &v1alpha1.OperationList{}, &client.ListOptions{Raw: &opts})
		},
	}, &v1alpha1.Operation{}, o, cache.ReflectorOptions{
		Name: "operations", Logger: &silent,
		Backoff: &wait.Backoff{Duration: 200 * time.Millisecond, Cap: 3 * time.Second, Steps: 10, Factor: 2, Jitter: 0.5},
	}).RunWithContext(klog.NewContext(ctx, silent))
}

// Transformer implements cache.TransformingStore.
func (o *operations) Transformer() cache.TransformFunc {
	return func(obj any) (any, error) { return trimOperation(obj) }
}

func trimOperation(obj any) (*operation, error) {
	switch obj := obj.(type) {
	case *operation:
		return obj, nil
	case *v1alpha1.Operation:
		return &operation{
			ObjectMeta: metav1.ObjectMeta{Namespace: obj.Namespace, Name: obj.Name, ResourceVersion: obj.ResourceVersion},
			row:        operationRow(obj),
		}, nil
	}
	return nil, fmt.Errorf("an operation was expected, not %T", obj)
}

func operationRow(o *v1alpha1.Operation) inventory.OperationRow {
	s := &o.Status
	row := inventory.OperationRow{
		Cluster: o.Namespace, Name: o.Name, Type: string(o.Spec.Type), Target: s.Target, Phase: s.Phase, Reason: s.Reason,
		Message: s.Message, Params: s.Params, StepText: s.StepText, By: o.Spec.RequestedBy, Created: o.CreationTimestamp.Time,
		Waiting: s.Waiting,
	}
	if row.Phase == "" {
		row.Phase = v1alpha1.PhasePending
	}
	if row.Target == "" {
		row.Target = strings.Join(o.Spec.Subjects(), ", ")
		if row.Target == "" {
			row.Target = o.Namespace
		}
	}
	if s.StartedAt != nil {
		row.Started = &s.StartedAt.Time
	}
	if s.FinishedAt != nil {
		row.Finished = &s.FinishedAt.Time
	}
	if s.Plan != nil {
		row.Digest, row.ForecastSeconds = s.Plan.Digest, s.Plan.Forecast.Seconds
		for _, f := range s.Plan.Findings {
			if f.Severity == v1alpha1.SeverityBlocker {
				row.Blockers++
			}
		}
	}
	return row
}

// Add implements cache.ReflectorStore.
func (o *operations) Add(obj any) error { return o.Update(obj) }

// Update implements cache.ReflectorStore.
func (o *operations) Update(obj any) error {
	op, err := trimOperation(obj)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rows[op.Namespace+"/"+op.Name] = op
	o.changed(op.Namespace)
	return nil
}

// Delete implements cache.ReflectorStore.
func (o *operations) Delete(obj any) error {
	m, ok := obj.(metav1.Object)
	if !ok {
		return fmt.Errorf("an operation was expected, not %T", obj)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.rows, m.GetNamespace()+"/"+m.GetName())
	o.changed(m.GetNamespace())
	return nil
}

// Replace implements cache.ReflectorStore.
func (o *operations) Replace(list []any, _ string) error {
	rows := make(map[string]*operation, len(list))
	for _, obj := range list {
		op, err := trimOperation(obj)
		if err != nil {
			return err
		}
		rows[op.Namespace+"/"+op.Name] = op
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	touched := map[string]bool{}
	for _, all := range []map[string]*operation{o.rows, rows} {
		for _, op := range all {
			touched[op.Namespace] = true
		}
	}
	o.rows = rows
	for _, cluster := range sortedKeys(touched) {
		o.changed(cluster)
	}
	o.once.Do(func() { close(o.read) })
	return nil
}

// Resync implements cache.ReflectorStore.
func (o *operations) Resync() error { return nil }

// changed is called with mu held, after the rows were updated.
func (o *operations) changed(cluster string) {
	o.revision++
	o.changes.Note(cluster, "operations", o.revision)
}

// list returns the rows of the clusters, the newest first.
func (o *operations) list(clusters map[string]bool, match func(*inventory.OperationRow) bool) ([]inventory.OperationRow, int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := []inventory.OperationRow{}
	for _, op := range o.rows {
		if clusters[op.Namespace] && (match == nil || match(&op.row)) {
			out = append(out, op.row)
		}
	}
	slices.SortFunc(out, func(a, b inventory.OperationRow) int {
		return cmp.Or(b.Created.Compare(a.Created), strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Name, b.Name))
	})
	return out, o.revision
}
