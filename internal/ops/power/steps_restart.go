package power

import (
	"context"
	"errors"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// restart restarts a machine or a unit on it, once, and waits until its node is Ready again.
type restart struct{ base }

// restarted reports whether what ran when the plan was made runs no longer.
func (b base) restarted(ctx context.Context, s *plan.Scope, a hostArgs) (bool, error) {
	m, err := b.Hosts.Machine(ctx, s.Cluster, a.Host)
	if err != nil {
		return false, err
	}
	now, err := mark(ctx, m, a.What, a.Runtime)
	return err == nil && now != "" && now != a.Mark, err
}

// Done implements plan.Behaviour.
func (b restart) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	again, err := b.restarted(ctx, s, a)
	if err != nil || !again {
		return false, nil // a machine that cannot be asked is on its way down or up: Do finds out
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return false, err
	}
	return len(unready(ctx, c, []string{a.Node})) == 0, nil
}

// Do implements plan.Behaviour.
func (b restart) Do(ctx context.Context, s *plan.Scope) error {
	defer clock(s)()
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	again, err := b.restarted(ctx, s, a)
	if err == nil && !again {
		if err := b.order(ctx, s, a); err != nil {
			return err
		}
	}
	for !again {
		code := "Restarting"
		if a.What == v1alpha1.RestartReboot {
			code = "HostBoots"
		}
		s.Wait(code, a.Host)
		if err := call.Sleep(ctx, time.Second); err != nil {
			return err
		}
		again, err = b.restarted(ctx, s, a)
		if err != nil && !plan.Interrupted(err) {
			switch hosts.StateOf(err) {
			case v1alpha1.HostKeyChanged, v1alpha1.HostUnauthorized, v1alpha1.HostSudoRefused:
				return call.OnHost(ctx, a.Host, err)
			}
		}
	}
	s.GoOn()
	if a.ControlPlane {
		for !b.etcdHealthy(ctx, s.Cluster, a.Host) {
			s.Wait("EtcdMember", a.Host)
			if err := call.Sleep(ctx, time.Second); err != nil {
				return err
			}
		}
		s.GoOn()
	}
	return b.awaitNodes(ctx, s, []string{a.Node})
}

// order gives the order to restart.
func (b base) order(ctx context.Context, s *plan.Scope, a hostArgs) error {
	switch a.What {
	case v1alpha1.RestartKubelet:
		return b.systemctl(ctx, s, a.Host, "restart", "kubelet")
	case v1alpha1.RestartRuntime:
		return b.systemctl(ctx, s, a.Host, "restart", a.Runtime)
	}
	m, err := b.Machine(ctx, s, a.Host)
	if err != nil {
		return err
	}
	if err := s.Guard(); err != nil {
		return err
	}
	// The answer may get lost with the machine.
	_, err = m.Run(ctx, hosts.Command{Args: []string{"systemctl", "--no-block", "reboot"}, Timeout: 10 * time.Second})
	var unusable *hosts.Error
	if err != nil && !errors.As(err, &unusable) {
		return call.OnHost(ctx, a.Host, err)
	}
	s.Log("info", "RebootOrdered", a.Host)
	return nil
}

// rung is one attempt to bring a node back. A rung that does not help is no failure: the next one follows.
type rung struct{ base }

// patience with a node after a rung.
const patience = 60 * time.Second

// Done implements plan.Behaviour.
func (b rung) Done(ctx context.Context, s *plan.Scope) (bool, error) { return b.nodeBack(ctx, s) }

func (b base) nodeBack(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return false, err
	}
	return len(unready(ctx, c, []string{a.Node})) == 0, nil
}

// Do implements plan.Behaviour.
func (b rung) Do(ctx context.Context, s *plan.Scope) error {
	defer clock(s)()
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	wait := patience
	if a.What == v1alpha1.RestartReboot {
		wait = 10 * time.Minute
	}
	if !s.Resumed {
		limited, cancel := context.WithTimeout(ctx, 2*time.Minute)
		err := b.attempt(limited, s, a)
		cancel()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			if plan.Interrupted(err) {
				return err
			}
			s.Log("warn", "RungFailed", a.Host, "what", string(a.What), "error", err)
			wait = 0
		}
	}
	for end := time.Now().Add(wait); ; {
		back, err := b.nodeBack(ctx, s)
		if err != nil {
			return err
		}
		if back {
			s.Measure(MeasureHelped, 1)
			s.GoOn()
			return nil
		}
		if time.Now().After(end) {
			s.Log("warn", "RungDidNotHelp", a.Node, "what", string(a.What))
			s.GoOn()
			return nil
		}
		s.Wait("NodesNotReady", a.Node, "count", 1, "nodes", a.Node)
		if err := call.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// attempt is the rung itself. A machine that does not answer is switched off and on when it can be.
func (b rung) attempt(ctx context.Context, s *plan.Scope, a hostArgs) error {
	if a.What == v1alpha1.RestartReboot && !b.answers(ctx, s, a.Host) {
		p, err := b.Hosts.Power(ctx, s.Cluster, a.Host)
		if err != nil {
			return err
		}
		if err := s.Guard(); err != nil {
			return err
		}
		if err := p.Off(ctx); err != nil {
			return err
		}
		for {
			if state, err := p.State(ctx); err == nil && state == hosts.PowerOff {
				break
			}
			if err := call.Sleep(ctx, time.Second); err != nil {
				return err
			}
		}
		s.Log("info", "PowerCycled", a.Host)
		return p.On(ctx)
	}
	if a.What != v1alpha1.RestartReboot && !b.answers(ctx, s, a.Host) {
		return plan.Fail("HostSilent", a.Host, nil)
	}
	return b.order(ctx, s, a)
}

// recovered ends a recovery: the node is Ready, or a person is needed.
type recovered struct{ base }

// Done implements plan.Behaviour.
func (recovered) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Do implements plan.Behaviour.
func (b recovered) Do(ctx context.Context, s *plan.Scope) error {
	back, err := b.nodeBack(ctx, s)
	if err != nil {
		return err
	}
	if !back {
		return plan.Fail("NotRecovered", s.Step.Targets[0], nil)
	}
	return nil
}
