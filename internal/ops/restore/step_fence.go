package restore

import (
	"context"

	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// servers are what reads and writes etcd, and what acts on what it reads there.
var servers = []string{podAPIServer, podController, podScheduler}

// fence stops the API server and the controllers of a control plane, by taking away their manifests.
type fence struct{ base }

// Done implements plan.Behaviour.
func (b fence) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	return b.taken(ctx, s, a, servers...)
}

// Do implements plan.Behaviour.
func (b fence) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	return b.take(ctx, s, a, servers...)
}

// Undo implements plan.Undoer. Behind the point of no return it lets everything run that was fenced: with the restored data.
func (b fence) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	_, err = b.change(ctx, s, a, "give", servers...)
	return err == nil && !passed(s), err
}

// stopEtcd stops the member of a control plane.
type stopEtcd struct{ base }

// Done implements plan.Behaviour.
func (b stopEtcd) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	return b.taken(ctx, s, a, podEtcd)
}

// Do implements plan.Behaviour.
func (b stopEtcd) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	return b.take(ctx, s, a, podEtcd)
}

// Undo implements plan.Undoer. A member that was dismissed does not come back this way.
func (b stopEtcd) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil || passed(s) {
		return false, err
	}
	_, err = b.change(ctx, s, a, "give", podEtcd)
	return err == nil, err
}
