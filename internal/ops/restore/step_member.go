package restore

import (
	"context"
	"errors"
	"slices"
	"time"

	"kanrin.dev/kanrin/internal/etcd"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// look asks etcd through one of the hosts until it answers; what use returns as a Failure ends it.
func (b base) look(ctx context.Context, s *plan.Scope, via []string, use func(*etcd.Client, []etcd.Member) error) error {
	for pause := time.Second; ; pause = min(2*pause, call.LastRetry) {
		if err := s.Guard(); err != nil {
			return err
		}
		err := b.once(ctx, s.Cluster, via, use)
		var f *plan.Failure
		switch {
		case err == nil:
			s.GoOn()
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.As(err, &f) || plan.Interrupted(err):
			return err
		}
		s.Wait("EtcdUnreachable", s.Cluster, "error", oneLine(err))
		if err := call.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// once asks through each of the hosts, until one answers.
func (b base) once(ctx context.Context, cluster string, via []string, use func(*etcd.Client, []etcd.Member) error) error {
	var errs []error
	for _, host := range via {
		e, err := etcd.Via(ctx, b.Hosts, cluster, []string{host})
		if err == nil {
			var members []etcd.Member
			if members, err = e.Members(ctx); err == nil {
				err = use(e, members)
				e.Close()
				return err
			}
			e.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// dismiss removes the broken member from etcd.
type dismiss struct{ base }

func (a hostArgs) old(m etcd.Member) bool { return a.Old != "" && m.ID == a.Old }

// Done implements plan.Behaviour.
func (b dismiss) Done(ctx context.Context, s *plan.Scope) (gone bool, err error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	err = b.look(ctx, s, a.Via, func(_ *etcd.Client, members []etcd.Member) error {
		gone = !slices.ContainsFunc(members, a.old)
		return nil
	})
	return gone, err
}

// Do implements plan.Behaviour.
func (b dismiss) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	return b.look(ctx, s, a.Via, func(e *etcd.Client, members []etcd.Member) error {
		if !slices.ContainsFunc(members, a.old) {
			return nil
		}
		before, after, verdict := etcd.JudgeRemoval(members, a.old)
		if verdict != etcd.RemovalFine {
			return plan.Fail("RestoreMemberQuorum", a.Host, nil, "voters", before.Voters, "healthy", before.Healthy, "quorum", before.Needed(),
				"votersAfter", after.Voters, "healthyAfter", after.Healthy)
		}
		if err := s.Guard(); err != nil {
			return err
		}
		if err := e.Remove(ctx, a.Old); err != nil {
			return err
		}
		s.Log("info", "RestoreDismissed", a.Host, "member", a.Old)
		return nil
	})
}

// learner adds the host's member anew, without a vote: it cannot cost the quorum anything until it has all data.
type learner struct{ base }

// of is the member with a peer URL.
func (a hostArgs) of(members []etcd.Member) *etcd.Member {
	i := slices.IndexFunc(members, func(m etcd.Member) bool { return slices.Contains(m.PeerURLs, a.PeerURL) && !a.old(m) })
	if i < 0 {
		return nil
	}
	return &members[i]
}

// Done implements plan.Behaviour.
func (b learner) Done(ctx context.Context, s *plan.Scope) (there bool, err error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	err = b.look(ctx, s, a.Via, func(_ *etcd.Client, members []etcd.Member) error {
		there = a.of(members) != nil
		return nil
	})
	return there, err
}

// Do implements plan.Behaviour.
func (b learner) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	return b.look(ctx, s, a.Via, func(e *etcd.Client, members []etcd.Member) error {
		if a.of(members) != nil {
			return nil
		}
		if err := s.Guard(); err != nil {
			return err
		}
		id, err := e.AddLearner(ctx, []string{a.PeerURL})
		if err != nil {
			return err
		}
		s.Log("info", "RestoreLearner", a.Host, "member", id)
		return nil
	})
}

// promote waits until the new member has all data, gives it its vote, and waits until it is healthy.
type promote struct{ base }

// Done implements plan.Behaviour.
func (promote) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Do implements plan.Behaviour.
func (b promote) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	for {
		healthy := false
		err := b.look(ctx, s, a.Via, func(e *etcd.Client, members []etcd.Member) error {
			m := a.of(members)
			switch {
			case m == nil:
				return plan.Fail("RestoreMemberLost", a.Host, nil)
			case !m.Started:
				return nil
			case !m.Learner:
				healthy = m.Healthy
				return nil
			}
			if err := s.Guard(); err != nil {
				return err
			}
			if err := e.Promote(ctx, m.ID); err != nil && !errors.Is(err, etcd.ErrNotInSync) {
				return err
			}
			return nil
		})
		if err != nil {
			return err
		}
		if healthy {
			s.GoOn()
			return nil
		}
		s.Wait("RestoreCatchesUp", a.Host)
		if err := call.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}
