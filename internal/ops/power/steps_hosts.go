package power

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// stopContainers asks the containers of one stage to end, or ends them, and prints how many still run. It returns at once and may be
// called again and again. Containers are stopped through the runtime, because stopping the runtime itself leaves them running.
//
// Arguments: signal, unit of the runtime, stage: apps (all but etcd), etcd (what is left), pods (what holds their namespaces).
const stopContainers = `set -u
signal=$1; unit=$2; stage=$3
if ! systemctl is-active --quiet "$unit"; then echo 0; exit 0; fi
list=$(mktemp /run/kanrin-stop.XXXXXX) || exit 1
trap 'rm -f "$list"' EXIT
if [ "$unit" = crio ]; then
  case $stage in
    apps) crictl ps -q >"$list.all"; crictl ps -q --name '^etcd$' >"$list.etcd"; grep -v -x -F -f "$list.etcd" "$list.all" >"$list"; rm -f "$list.all" "$list.etcd" ;;
    etcd) crictl ps -q >"$list" ;;
    pods) echo 0; exit 0 ;;
  esac
  seconds=30; [ "$signal" = KILL ] && seconds=0
  if [ -s "$list" ] && ! [ -e /run/kanrin-stopping ]; then
    touch /run/kanrin-stopping
    (xargs crictl stop --timeout "$seconds" <"$list"; rm -f /run/kanrin-stopping) >/dev/null 2>&1 &
    sleep 1
  fi
  wc -l <"$list"
  exit 0
fi
ctr="ctr --namespace k8s.io"
case $stage in
  apps) $ctr containers ls -q 'labels."io.cri-containerd.kind"==container,labels."io.kubernetes.container.name"!=etcd' ;;
  etcd) $ctr containers ls -q 'labels."io.cri-containerd.kind"==container' ;;
  pods) $ctr containers ls -q 'labels."io.cri-containerd.kind"==sandbox' ;;
esac >"$list" || exit 1
running() { $ctr tasks ls | awk '$3 == "RUNNING" {print $1}' | grep -x -F -f "$list"; }
for id in $(running); do $ctr tasks kill --signal "SIG$signal" "$id" 2>/dev/null; done
running | wc -l
exit 0`

// stages of stopping containers: etcd after the API server, so that what is under way can still be written.
var stages = []string{"apps", "etcd", "pods"}

// stopKubelet stops the kubelet, so that nothing is started again.
type stopKubelet struct{ base }

// stopRuntime ends the containers and then the runtime.
type stopRuntime struct{ base }

type startKubelet struct{ base }

type startRuntime struct{ base }

// active reports whether a unit of the host is active. A machine that is off has no active units, which only its power control can say.
func (b base) active(ctx context.Context, s *plan.Scope, a hostArgs, unit string) (bool, error) {
	m, err := b.Hosts.Machine(ctx, s.Cluster, a.Host)
	if err != nil {
		return false, err
	}
	u, err := m.Unit(ctx, unit)
	if err != nil {
		if st := hosts.StateOf(err); st == v1alpha1.HostUnreachable || st == v1alpha1.HostNoAnswer {
			if p, perr := b.Hosts.Power(ctx, s.Cluster, a.Host); perr == nil {
				if state, perr := p.State(ctx); perr == nil && state == hosts.PowerOff {
					return false, nil
				}
			}
		}
		return false, err
	}
	return u.Active == "active" || u.Active == "activating" || u.Active == "deactivating", nil
}

// stopped is Done of the stopping steps: what cannot be asked is not done.
func (b base) stopped(ctx context.Context, s *plan.Scope, unit func(hostArgs) string) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	on, err := b.active(ctx, s, a, unit(a))
	return err == nil && !on, nil
}

func (b base) started(ctx context.Context, s *plan.Scope, unit func(hostArgs) string) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	on, err := b.active(ctx, s, a, unit(a))
	return err == nil && on, nil
}

func kubelet(hostArgs) string       { return "kubelet" }
func runtimeUnit(a hostArgs) string { return a.Runtime }

// systemctl gives the order and waits until the unit is as it should be. The order itself returns at once: no call may outlive the
// executor's right to act, and a unit may take minutes.
func (b base) systemctl(ctx context.Context, s *plan.Scope, host, verb, unit string) error {
	err := b.onMachine(ctx, s, host, func(ctx context.Context, m *hosts.Machine) error {
		_, err := m.Run(ctx, hosts.Command{Args: []string{"systemctl", "--no-block", verb, unit}})
		return err
	})
	if err != nil {
		return err
	}
	for {
		m, err := b.Machine(ctx, s, host)
		if err != nil {
			return err
		}
		u, err := m.Unit(ctx, unit)
		switch {
		case err != nil && hosts.StateOf(err) == v1alpha1.HostUnknown:
			return call.OnHost(ctx, host, err)
		case err != nil:
		case verb == "stop" && (u.Active == "inactive" || u.Active == "failed" || !u.Exists):
			s.GoOn()
			return nil
		case verb != "stop" && u.Active == "active":
			s.GoOn()
			return nil
		case verb != "stop" && !u.Exists:
			return plan.Fail("NoUnit", host, nil, "unit", unit)
		}
		s.Wait("Unit", host, "unit", unit, "state", u.Active)
		if err := call.Sleep(ctx, 300*time.Millisecond); err != nil {
			return err
		}
	}
}

// onMachine runs an idempotent change on a machine until the machine has answered.
func (b base) onMachine(ctx context.Context, s *plan.Scope, host string, do func(context.Context, *hosts.Machine) error) error {
	for {
		m, err := b.Machine(ctx, s, host)
		if err != nil {
			return err
		}
		if err := s.Guard(); err != nil {
			return err
		}
		limited, cancel := s.Call(ctx, time.Minute)
		err = do(limited, m)
		cancel()
		var unusable *hosts.Error
		if err != nil && errors.As(err, &unusable) && ctx.Err() == nil {
			s.Wait("HostUnreachable", host, "error", err)
			if err := call.Sleep(ctx, time.Second); err != nil {
				return err
			}
			continue
		}
		return call.OnHost(ctx, host, err)
	}
}

// Done implements plan.Behaviour.
func (b stopKubelet) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	return b.stopped(ctx, s, kubelet)
}

// Do implements plan.Behaviour.
func (b stopKubelet) Do(ctx context.Context, s *plan.Scope) error {
	defer clock(s)()
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	return b.systemctl(ctx, s, a.Host, "stop", "kubelet")
}

// Undo implements plan.Undoer.
func (b stopKubelet) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	return true, b.systemctl(ctx, s, a.Host, "start", "kubelet")
}

// Done implements plan.Behaviour.
func (b stopRuntime) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	return b.stopped(ctx, s, runtimeUnit)
}

// Do implements plan.Behaviour.
func (b stopRuntime) Do(ctx context.Context, s *plan.Scope) error {
	defer clock(s)()
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	for _, stage := range stages {
		if err := b.endContainers(ctx, s, a, stage); err != nil {
			return err
		}
	}
	return b.systemctl(ctx, s, a.Host, "stop", a.Runtime)
}

// endContainers asks once a second, and ends those that take longer than their grace.
func (b base) endContainers(ctx context.Context, s *plan.Scope, a hostArgs, stage string) error {
	began := time.Now()
	for {
		signal := "TERM"
		if time.Since(began) > time.Duration(a.GraceSeconds)*time.Second {
			signal = "KILL"
		}
		left := 0
		err := b.onMachine(ctx, s, a.Host, func(ctx context.Context, m *hosts.Machine) error {
			r, err := m.Script(ctx, stopContainers, signal, a.Runtime, stage)
			if err != nil {
				return err
			}
			left, err = strconv.Atoi(strings.TrimSpace(string(r.Stdout)))
			return err
		})
		if err != nil {
			return err
		}
		if left == 0 {
			s.GoOn()
			return nil
		}
		if signal == "KILL" {
			s.Log("warn", "ContainersKilled", a.Host, "count", left)
		}
		s.Wait("Containers", a.Host, "count", left)
		if err := call.Sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

// Undo implements plan.Undoer.
func (b stopRuntime) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	return true, b.systemctl(ctx, s, a.Host, "start", a.Runtime)
}

// Done implements plan.Behaviour.
func (b startKubelet) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	return b.started(ctx, s, kubelet)
}

// Do implements plan.Behaviour.
func (b startKubelet) Do(ctx context.Context, s *plan.Scope) error {
	defer clock(s)()
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	return b.systemctl(ctx, s, a.Host, "start", "kubelet")
}

// Done implements plan.Behaviour.
func (b startRuntime) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	return b.started(ctx, s, runtimeUnit)
}

// Do implements plan.Behaviour.
func (b startRuntime) Do(ctx context.Context, s *plan.Scope) error {
	defer clock(s)()
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	return b.systemctl(ctx, s, a.Host, "start", a.Runtime)
}

// off switches a machine off by its own operating system, and waits until it is off as far as anybody can tell: its power control says so,
// or it has not answered any more.
type off struct{ base }

// on switches a machine on, or waits for somebody who does, until it answers.
type on struct{ base }

// isOff asks the power control; without one a machine that does not accept a connection counts as off.
func (b base) isOff(ctx context.Context, s *plan.Scope, host string) (bool, error) {
	p, err := b.Hosts.Power(ctx, s.Cluster, host)
	if err == nil {
		state, err := p.State(ctx)
		if err == nil && state != hosts.PowerUnknown {
			return state == hosts.PowerOff, nil
		}
	} else if !errors.Is(err, hosts.ErrNoPower) {
		return false, err
	}
	m, err := b.Hosts.Machine(ctx, s.Cluster, host)
	if err != nil {
		return false, err
	}
	_, err = m.Run(ctx, hosts.Command{Args: []string{"true"}, Timeout: 10 * time.Second})
	return hosts.StateOf(err) == v1alpha1.HostUnreachable && err != nil, nil
}

// Done implements plan.Behaviour.
func (b off) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	return b.isOff(ctx, s, a.Host)
}

// Do implements plan.Behaviour.
func (b off) Do(ctx context.Context, s *plan.Scope) error {
	defer clock(s)()
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	asked := time.Time{}
	for {
		gone, err := b.isOff(ctx, s, a.Host)
		if err != nil {
			return call.OnHost(ctx, a.Host, err)
		}
		if gone {
			s.GoOn()
			return nil
		}
		if time.Since(asked) > 30*time.Second {
			if err := s.Guard(); err != nil {
				return err
			}
			m, err := b.Hosts.Machine(ctx, s.Cluster, a.Host)
			if err != nil {
				return call.OnHost(ctx, a.Host, err)
			}
			// The answer may get lost with the machine.
			_, _ = m.Run(ctx, hosts.Command{Args: []string{"systemctl", "--no-block", "poweroff"}, Timeout: 10 * time.Second})
			asked = time.Now()
		}
		s.Wait("HostGoesDown", a.Host)
		if err := call.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// Undo implements plan.Undoer.
func (b off) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	return true, b.switchOn(ctx, s, a)
}

// Done implements plan.Behaviour.
func (b on) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	return b.answers(ctx, s, a.Host), nil
}

func (b base) answers(ctx context.Context, s *plan.Scope, host string) bool {
	m, err := b.Hosts.Machine(ctx, s.Cluster, host)
	if err != nil {
		return false
	}
	_, err = m.Run(ctx, hosts.Command{Args: []string{"true"}, Timeout: 10 * time.Second})
	return err == nil
}

// Do implements plan.Behaviour.
func (b on) Do(ctx context.Context, s *plan.Scope) error {
	defer clock(s)()
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	return b.switchOn(ctx, s, a)
}

func (b base) switchOn(ctx context.Context, s *plan.Scope, a hostArgs) error {
	asked := time.Time{}
	for !b.answers(ctx, s, a.Host) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		code := "HostBoots"
		p, err := b.Hosts.Power(ctx, s.Cluster, a.Host)
		switch {
		case errors.Is(err, hosts.ErrNoPower):
			code = "SwitchOn" // somebody has to go there
		case err != nil:
			return plan.Fail("PowerFailed", a.Host, err)
		case time.Since(asked) > time.Minute:
			if err := s.Guard(); err != nil {
				return err
			}
			if err := p.On(ctx); err != nil {
				return plan.Fail("PowerFailed", a.Host, err)
			}
			asked = time.Now()
		}
		s.Wait(code, a.Host)
		if err := call.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	s.GoOn()
	return nil
}
