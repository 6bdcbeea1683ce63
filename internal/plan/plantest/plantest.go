package plantest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/ops/controller"
	"kanrin.dev/kanrin/internal/plan"
)

// Subject is an operation to be killed.
type Subject struct {
	// Client of the management API, as Kanrin itself; nothing is counted or killed on it.
	Client client.WithWatch
	// Registry makes the planners and behaviours for one world.
	Registry *plan.Registry
	// Prepare makes a world of its own for one run and returns what happens there.
	Prepare func(t *testing.T, name string) World
	// Parallel is how many worlds run at the same time.
	Parallel int
	// Stride is how many writes lie between two kills; 0 and 1 kill at each.
	Stride int64
}

// World is one run.
type World struct {
	// Operation to create.
	Operation *v1alpha1.Operation
	// Drive plays the user after the plan is there and approved; it may be nil. It is called again after each kill.
	Drive func(ctx context.Context, op *v1alpha1.Operation)
	// Want is the phase in which it has to end, Check what has to be true then.
	Want  v1alpha1.Phase
	Check func(t *testing.T, op *v1alpha1.Operation)
}

// Run runs the subject once undisturbed to count its durable writes, and then once for each write and side of it.
func Run(t *testing.T, s Subject) {
	var writes int64
	t.Run("undisturbed", func(t *testing.T) { writes = s.run(t, "whole", 0, false) })
	if writes < 5 {
		t.Fatalf("only %d durable writes were seen: nothing is proven by killing at them", writes)
	}
	t.Logf("%d durable writes", writes)
	gate := make(chan struct{}, max(1, s.Parallel))
	t.Run("killed", func(t *testing.T) {
		for k := int64(1); k <= writes; k += max(1, s.Stride) {
			for _, after := range []bool{false, true} {
				side := map[bool]string{false: "before", true: "after"}[after]
				t.Run(fmt.Sprintf("%s-%02d", side, k), func(t *testing.T) {
					t.Parallel()
					gate <- struct{}{}
					defer func() { <-gate }()
					s.run(t, fmt.Sprintf("%s%d", side[:1], k), k, after)
				})
			}
		}
	})
}

// Once runs the subject undisturbed.
func Once(t *testing.T, s Subject, name string) { s.run(t, name, 0, false) }

var errKilled = errors.New("killed")

// incarnation is one life of the controller.
type incarnation struct {
	epoch   int64
	at      int64 // the write to die at, 0 for never
	after   bool
	writes  atomic.Int64
	dead    chan struct{}
	once    sync.Once
	cancel  context.CancelFunc
	stopped chan struct{}
	only    client.ObjectKey
}

func (i *incarnation) die() { i.once.Do(func() { close(i.dead); i.cancel() }) }

func (i *incarnation) killed() bool {
	select {
	case <-i.dead:
		return true
	default:
		return false
	}
}

// Check, Deadline and Epoch make an incarnation its own fence.
func (i *incarnation) Check() error {
	if i.killed() {
		return errKilled
	}
	return nil
}

func (i *incarnation) Deadline() time.Time {
	if i.killed() {
		return time.Now()
	}
	return time.Now().Add(time.Minute)
}
func (i *incarnation) Epoch() int64 { return i.epoch }

// write counts a durable write and dies at its time.
func (i *incarnation) write(do func() error) error {
	if i.killed() {
		return errKilled
	}
	n := i.writes.Add(1)
	if n == i.at && !i.after {
		i.die()
		return errKilled
	}
	err := do()
	if n == i.at {
		i.die()
		return errKilled
	}
	return err
}

// begin starts a controller whose every write goes through write.
func (s Subject) begin(t *testing.T, only client.ObjectKey, epoch, at int64, after bool) *incarnation {
	ctx, cancel := context.WithCancel(context.Background())
	i := &incarnation{epoch: epoch, at: at, after: after, dead: make(chan struct{}), cancel: cancel, stopped: make(chan struct{}), only: only}
	wrapped := interceptor.NewClient(s.Client, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if i.killed() {
				return errKilled
			}
			return c.Get(ctx, key, o, opts...)
		},
		List: func(ctx context.Context, c client.WithWatch, l client.ObjectList, opts ...client.ListOption) error {
			// The worlds share a management API; each controller sees its own alone.
			return c.List(ctx, l, append(opts, client.InNamespace(only.Namespace))...)
		},
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			return i.write(func() error { return c.Create(ctx, o, opts...) })
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			return i.write(func() error { return c.Update(ctx, o, opts...) })
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			return i.write(func() error { return c.Patch(ctx, o, p, opts...) })
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			return i.write(func() error { return c.Delete(ctx, o, opts...) })
		},
		SubResourceUpdate: func(ctx context.Context, c client.Client, sub string, o client.Object, opts ...client.SubResourceUpdateOption) error {
			return i.write(func() error { return c.SubResource(sub).Update(ctx, o, opts...) })
		},
		Watch: func(ctx context.Context, c client.WithWatch, l client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
			return c.Watch(ctx, l, append(opts, client.InNamespace(only.Namespace))...)
		},
	})
	x := controller.New(controller.Configuration{}, controller.Dependencies{
		Client: wrapped, Registry: s.Registry, Identity: fmt.Sprintf("life-%d", epoch), Log: slog.New(slog.NewTextHandler(testWriter{t}, nil)),
	})
	go func() {
		defer close(i.stopped)
		x.Lead(ctx, i)
	}()
	return i
}

// run is one world: at is the write to be killed at.
func (s Subject) run(t *testing.T, name string, at int64, after bool) int64 {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	w := s.Prepare(t, name)
	op := w.Operation
	if err := s.Client.Create(ctx, op); err != nil {
		t.Fatalf("creating the operation: %v", err)
	}
	key := client.ObjectKeyFromObject(op)
	life := s.begin(t, key, 1, at, after)
	defer func() { life.die(); <-life.stopped }()
	for {
		select {
		case <-ctx.Done():
			t.Fatalf("the operation did not end: phase %s, %s; waiting %+v", op.Status.Phase, op.Status.Message, op.Status.Waiting)
		case <-life.dead:
			<-life.stopped
			life = s.begin(t, key, life.epoch+1, 0, false)
		case <-time.After(50 * time.Millisecond):
		}
		if err := s.Client.Get(ctx, key, op); err != nil {
			t.Fatalf("reading the operation: %v", err)
		}
		switch {
		case op.Status.Phase == v1alpha1.PhasePlanned && op.Spec.ApprovedPlan == "" && !op.Spec.Cancelled:
			if plan.Blockers(op.Status.Plan) > 0 {
				t.Fatalf("blocked: %+v", op.Status.Plan.Findings)
			}
			op.Spec.ApprovedPlan, op.Spec.ApprovedBy = op.Status.Plan.Digest, ""
			_ = s.Client.Update(ctx, op) // a conflict is tried again in the next turn
		case op.Status.Phase.Terminal():
			if op.Status.Phase != w.Want {
				t.Fatalf("ended %s (%s), want %s", op.Status.Phase, op.Status.Message, w.Want)
			}
			life.die()
			<-life.stopped
			w.Check(t, op)
			return life.writes.Load()
		case w.Drive != nil:
			w.Drive(ctx, op)
		}
	}
}

// testWriter sends log lines to the test that they belong to, and drops those that come after it.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Logf("%s", p)
	}
	return len(p), nil
}
