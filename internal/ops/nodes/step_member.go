package nodes

import (
	"context"
	"fmt"
	"slices"
	"time"

	"kanrin.dev/kanrin/internal/etcd"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// look asks etcd through one of the hosts until it answers.
func (b base) look(ctx context.Context, s *plan.Scope, via []string, use func(*etcd.Client, []etcd.Member) error) error {
	for pause := time.Second; ; pause = min(2*pause, call.LastRetry) {
		if err := s.Guard(); err != nil {
			return err
		}
		e, err := b.etcdVia(ctx, s.Cluster, via)
		if err == nil {
			var members []etcd.Member
			if members, err = e.Members(ctx); err == nil {
				s.GoOn()
				err = use(e, members)
			}
			e.Close()
		}
		if err == nil {
			return nil
		}
		if final(err) {
			return err
		}
		s.Wait("EtcdUnreachable", s.Cluster, "error", oneLine(err))
		if err := call.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

func final(err error) bool {
	_, failed := err.(*plan.Failure) //nolint:errorlint // it is returned as it is
	return failed || plan.Interrupted(err)
}

// dismiss removes the members that gone picks from etcd, if the arithmetic allows it. A quorum that is not there may come back, such as
// after a network that was cut: it is waited for.
func (b base) dismiss(ctx context.Context, s *plan.Scope, via []string, gone func(etcd.Member) bool, node string, patience time.Duration) error {
	began := time.Now()
	return b.look(ctx, s, via, func(e *etcd.Client, members []etcd.Member) error {
		if !slices.ContainsFunc(members, gone) {
			return nil
		}
		before, after, verdict := etcd.JudgeRemoval(members, gone)
		switch {
		case verdict == etcd.RemovalFine:
		case verdict != etcd.RemovalLast && time.Since(began) < patience:
			return fmt.Errorf("not now: %w", plan.Fail("Etcd"+string(verdict), node, nil, quorumParams(before, after)...))
		default:
			return plan.Fail("Etcd"+string(verdict), node, nil, quorumParams(before, after)...)
		}
		for _, m := range members {
			if !gone(m) {
				continue
			}
			if err := s.Guard(); err != nil {
				return err
			}
			if err := e.Remove(ctx, m.ID); err != nil {
				return err
			}
			s.Log("info", "MemberRemoved", node, append([]any{"member", m.ID}, quorumParams(before, after)...)...)
		}
		return nil
	})
}

// voter waits until the new member of etcd has a vote and is healthy.
type voter struct{ base }

func (b voter) whole(ctx context.Context, s *plan.Scope, a addArgs) (ok bool, err error) {
	err = b.look(ctx, s, a.Via, func(_ *etcd.Client, members []etcd.Member) error {
		ok = slices.ContainsFunc(members, func(m etcd.Member) bool {
			return m.Is(a.Node, a.Addresses) && m.Started && !m.Learner && m.Healthy
		})
		return nil
	})
	return ok, err
}

// Done implements plan.Behaviour.
func (b voter) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Do implements plan.Behaviour.
func (b voter) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[addArgs](s)
	if err != nil {
		return err
	}
	for {
		ok, err := b.whole(ctx, s, a)
		if err != nil || ok {
			return err
		}
		s.Wait("NoVoter", a.Node)
		if err := call.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// quorumPatience is how long a quorum is waited for.
const quorumPatience = time.Minute

// unmember sees to it that the node's member is gone from etcd.
type unmember struct{ base }

// Done implements plan.Behaviour.
func (b unmember) Done(ctx context.Context, s *plan.Scope) (gone bool, err error) {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return false, err
	}
	err = b.look(ctx, s, a.Via, func(_ *etcd.Client, members []etcd.Member) error {
		gone = !slices.ContainsFunc(members, func(m etcd.Member) bool { return m.Is(a.Node, a.Addresses) })
		return nil
	})
	return gone, err
}

// Do implements plan.Behaviour.
func (b unmember) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return err
	}
	if a.Dead {
		if err := b.proven(ctx, s, a); err != nil {
			return err
		}
	}
	return b.dismiss(ctx, s, a.Via, func(m etcd.Member) bool { return m.Is(a.Node, a.Addresses) }, a.Node, quorumPatience)
}
