package controller

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// control is what an operation's spec asks for, as last seen. It implements plan.Control.
type control struct {
	client client.Client
	key    client.ObjectKey

	mu         sync.Mutex
	generation int64 // of the spec; older news are ignored
	paused     bool
	cancelled  bool
	changed    chan struct{}
}

func newControl(c client.Client, op *v1alpha1.Operation) *control {
	x := &control{client: c, key: client.ObjectKeyFromObject(op), changed: make(chan struct{})}
	x.observe(op)
	return x
}

func (c *control) observe(op *v1alpha1.Operation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if op.Generation < c.generation {
		return
	}
	c.generation = op.Generation
	if op.Spec.Paused != c.paused || op.Spec.Cancelled != c.cancelled {
		c.paused, c.cancelled = op.Spec.Paused, op.Spec.Cancelled
		close(c.changed)
		c.changed = make(chan struct{})
	}
}

// Switches implements plan.Control.
func (c *control) Switches() (paused, cancelled bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused, c.cancelled
}

// Changed implements plan.Control.
func (c *control) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// SetPaused implements plan.Control.
func (c *control) SetPaused(ctx context.Context) error {
	op := &v1alpha1.Operation{}
	op.Namespace, op.Name = c.key.Namespace, c.key.Name
	if err := c.client.Patch(ctx, op, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"paused":true}}`))); err != nil {
		return fmt.Errorf("pausing operation %s: %w", c.key, err)
	}
	c.observe(op)
	return nil
}
