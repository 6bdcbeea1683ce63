package restore

import (
	"context"

	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// swap sets the data of etcd aside and puts the new data in its place: two renames.
type swap struct{ base }

// Done implements plan.Behaviour.
func (b swap) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	out, err := b.ask(ctx, s, a, "swapped")
	return out != "", err
}

// Do implements plan.Behaviour.
func (b swap) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	if err := b.nothingRuns(ctx, s, a, append([]string{podEtcd}, servers...)...); err != nil {
		return err
	}
	dir, err := b.change(ctx, s, a, "swap")
	if err != nil {
		return err
	}
	s.Log("info", "RestoreAside", a.Host, "dir", dir)
	return nil
}

// Undo implements plan.Undoer.
func (b swap) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	if passed(s) {
		return false, plan.Fail("RestorePastReturn", a.Host, nil)
	}
	if err := b.nothingRuns(ctx, s, a, append([]string{podEtcd}, servers...)...); err != nil {
		return false, err
	}
	_, err = b.change(ctx, s, a, "unswap")
	return err == nil, err
}

// aside sets the data of a broken member aside.
type aside struct{ base }

// Done implements plan.Behaviour.
func (b aside) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	out, err := b.ask(ctx, s, a, "asided")
	return out != "", err
}

// Do implements plan.Behaviour.
func (b aside) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	if err := b.nothingRuns(ctx, s, a, podEtcd); err != nil {
		return err
	}
	dir, err := b.change(ctx, s, a, "aside")
	if err != nil {
		return err
	}
	s.Log("info", "RestoreAside", a.Host, "dir", dir)
	return nil
}

// Undo implements plan.Undoer.
func (b aside) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	if passed(s) {
		return false, plan.Fail("RestoreMemberDismissed", a.Host, nil)
	}
	if err := b.nothingRuns(ctx, s, a, podEtcd); err != nil {
		return false, err
	}
	_, err = b.change(ctx, s, a, "unaside")
	return err == nil, err
}
