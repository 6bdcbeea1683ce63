package restore

import (
	"context"
	_ "embed"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

//go:embed host.sh
var hostScript string

//go:embed alive.sh
var aliveScript string

// stateDir of an operation on a host.
func stateDir(s *plan.Scope) string { return "/var/lib/kanrin/restore/" + s.Operation.Name }

// stageDir of an operation beside the data of etcd.
func stageDir(s *plan.Scope, a hostArgs) string {
	return a.DataDir + "/kanrin-restore-" + s.Operation.Name
}

// ask runs a part of the host script that changes nothing.
func (b base) ask(ctx context.Context, s *plan.Scope, a hostArgs, what string, args ...string) (string, error) {
	m, err := b.Machine(ctx, s, a.Host)
	if err != nil {
		return "", err
	}
	r, err := m.Script(ctx, hostScript, append([]string{what, s.Operation.Name, a.DataDir}, args...)...)
	if err != nil {
		return "", call.OnHost(ctx, a.Host, err)
	}
	return strings.TrimSpace(string(r.Stdout)), nil
}

// change runs a part of the host script that is done in a moment, until the machine has answered.
func (b base) change(ctx context.Context, s *plan.Scope, a hostArgs, what string, args ...string) (out string, err error) {
	err = b.onMachine(ctx, s, a.Host, func(ctx context.Context, m *hosts.Machine) error {
		r, err := m.Script(ctx, hostScript, append([]string{what, s.Operation.Name, a.DataDir}, args...)...)
		if err == nil {
			out = strings.TrimSpace(string(r.Stdout))
		}
		return err
	})
	return out, err
}

// onMachine makes an idempotent change on a machine until the machine has answered.
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
		if !lost(err) || ctx.Err() != nil {
			return call.OnHost(ctx, host, err)
		}
		s.Wait("HostUnreachable", host, "error", err)
		if err := call.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// lost reports whether a machine was lost under a call, and may come back.
func lost(err error) bool {
	st := hosts.StateOf(err)
	return err != nil && (st == v1alpha1.HostUnreachable || st == v1alpha1.HostNoAnswer)
}

// exitCode of a command that ran and failed, else 0.
func exitCode(err error) int {
	var exit *hosts.ExitError
	if errors.As(err, &exit) {
		return exit.Code
	}
	return 0
}

// running is what runs on a control plane.
type running struct {
	processes []process
	ports     []int
}

type process struct {
	pid  int
	args []string
}

// parseRunning reads the output of the script; output that is not whole is an error.
func parseRunning(out []byte) (*running, error) {
	r := &running{}
	for line := range strings.Lines(string(out)) {
		line = strings.TrimRight(line, "\n")
		switch key, v, _ := strings.Cut(line, " "); key {
		case "process":
			id, words, _ := strings.Cut(v, " ")
			if pid, err := strconv.Atoi(id); err == nil && pid > 1 {
				r.processes = append(r.processes, process{pid, strings.Split(strings.TrimSuffix(words, "\037"), "\037")})
			}
		case "port":
			if raw, err := hex.DecodeString(v); err == nil && len(raw) == 2 {
				r.ports = append(r.ports, int(raw[0])<<8|int(raw[1]))
			}
		case "end":
			return r, nil
		}
	}
	return nil, errors.New("the list of processes did not come to its end")
}

// of reports whether a static pod's process runs, or something listens where it would.
func (r *running) of(component string, p *staticPod) bool {
	if len(r.pids(p)) > 0 {
		return true
	}
	return slices.ContainsFunc(p.ports(component), func(port int) bool { return slices.Contains(r.ports, port) })
}

// manifestDir is where the kubelet looks.
const manifestDir = "/etc/kubernetes/manifests"

// keptDir is where manifests are kept that were taken away.
func keptDir(s *plan.Scope) string { return stateDir(s) + "/manifests" }

// pids of a static pod's processes.
func (r *running) pids(p *staticPod) []int {
	var out []int
	for _, x := range r.processes {
		if slices.Equal(x.args, p.args) {
			out = append(out, x.pid)
		}
	}
	return out
}

// still are those of the static pods with a manifest in dir that run on a host.
func (b base) still(ctx context.Context, m *hosts.Machine, dir string, pods []string) (still []string, pids []int, err error) {
	out, err := m.Script(ctx, aliveScript)
	if err != nil {
		return nil, nil, err
	}
	r, err := parseRunning(out.Stdout)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range pods {
		raw, err := m.ReadFile(ctx, dir+"/"+c+".yaml", maxManifest)
		if err != nil {
			return nil, nil, err
		}
		p, err := parseStaticPod(raw)
		if err != nil {
			return nil, nil, err
		}
		if r.of(c, p) {
			still, pids = append(still, c), append(pids, r.pids(p)...)
		}
	}
	return still, pids, nil
}

// patience is how long the kubelet gets to end the processes of static pods that were taken away: their grace is 30 s.
const patience = 50 * time.Second

// endScript ends processes, if they still are what they were. Arguments: the signal, pids.
const endScript = `sig=$1; shift
for pid in "$@"; do
  case $(tr '\000' '\n' <"/proc/$pid/cmdline" 2>/dev/null | head -n 1) in
  etcd | */etcd | kube-apiserver | */kube-apiserver | kube-controller-manager | */kube-controller-manager | kube-scheduler | */kube-scheduler) kill -s "$sig" "$pid" 2>/dev/null ;;
  esac
done
exit 0`

// take moves manifests away and waits until their processes are gone. A kubelet that has not reached an API server since its start takes
// away no pods; then Kanrin ends the processes, and the kubelet, which has no manifest any more, does not start them again.
func (b base) take(ctx context.Context, s *plan.Scope, a hostArgs, pods ...string) error {
	if _, err := b.change(ctx, s, a, "take", pods...); err != nil {
		return err
	}
	began, asked := time.Now(), time.Time{}
	for {
		m, err := b.Machine(ctx, s, a.Host)
		if err != nil {
			return err
		}
		still, pids, err := b.still(ctx, m, keptDir(s), pods)
		switch {
		case err == nil && len(still) == 0:
			s.GoOn()
			return nil
		case err == nil:
			s.Wait("RestoreStops", a.Host, "names", strings.Join(still, ", "))
			if waited := time.Since(began); waited > patience && len(pids) > 0 && time.Since(asked) > 10*time.Second {
				signal := "TERM"
				if waited > 2*patience {
					signal = "KILL"
				}
				s.Log("warn", "RestoreEnded", a.Host, "names", strings.Join(still, ", "), "signal", signal)
				if err := b.end(ctx, s, a, signal, pids); err != nil {
					return err
				}
				asked = time.Now()
			}
		case !lost(err):
			return call.OnHost(ctx, a.Host, err)
		}
		if err := call.Sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

func (b base) end(ctx context.Context, s *plan.Scope, a hostArgs, signal string, pids []int) error {
	args := []string{signal}
	for _, pid := range pids {
		args = append(args, strconv.Itoa(pid))
	}
	return b.onMachine(ctx, s, a.Host, func(ctx context.Context, m *hosts.Machine) error {
		_, err := m.Script(ctx, endScript, args...)
		return err
	})
}

// taken reports whether all the manifests are away and nothing of them runs.
func (b base) taken(ctx context.Context, s *plan.Scope, a hostArgs, pods ...string) (bool, error) {
	out, err := b.ask(ctx, s, a, "taken", pods...)
	if err != nil || len(strings.Fields(out)) < len(pods) {
		return false, err
	}
	m, err := b.Machine(ctx, s, a.Host)
	if err != nil {
		return false, err
	}
	still, _, err := b.still(ctx, m, keptDir(s), pods)
	return err == nil && len(still) == 0, call.OnHost(ctx, a.Host, err)
}

// nothingRuns fails when one of the pods runs: the last look before data is exchanged.
func (b base) nothingRuns(ctx context.Context, s *plan.Scope, a hostArgs, pods ...string) error {
	ok, err := b.taken(ctx, s, a, pods...)
	if err != nil {
		return err
	}
	if !ok {
		return plan.Fail("RestoreStillRuns", a.Host, nil, "names", strings.Join(pods, ", "))
	}
	return nil
}

// passed reports whether the point of no return is behind: its steps, or later ones, have been begun.
func passed(s *plan.Scope) bool {
	p := s.Operation.Status.Plan
	if p == nil || p.PointOfNoReturn == "" {
		return false
	}
	from := slices.IndexFunc(p.Steps, func(st v1alpha1.Step) bool { return st.ID == p.PointOfNoReturn })
	if from < 0 {
		return false
	}
	for _, st := range p.Steps[from:] {
		i := slices.IndexFunc(s.Operation.Status.Steps, func(e v1alpha1.StepStatus) bool { return e.ID == st.ID })
		if i < 0 {
			continue
		}
		switch e := s.Operation.Status.Steps[i]; e.State {
		case "", v1alpha1.StepPending:
		default:
			return true
		}
	}
	return false
}

// sizes reads lines "size path".
func sizes(out string) map[string]int64 {
	sizes := map[string]int64{}
	for line := range strings.Lines(out) {
		size, name, ok := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseInt(size, 10, 64); ok && err == nil {
			sizes[name] = n
		}
	}
	return sizes
}
