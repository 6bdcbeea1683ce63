//go:build linux

package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// run runs a program of the outer machine; its output is the error's text.
func run(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = 5 * time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		text := strings.TrimSpace(errs.String() + out.String())
		if len(text) > 2000 {
			text = "… " + text[len(text)-2000:]
		}
		return out.Bytes(), fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, text)
	}
	return out.Bytes(), nil
}

// enterGroups lets a shell enter the control groups and run nspawn in them, again whenever it ends with 133: then the host has asked for a
// reboot. The first argument is the name of the host's cable, which the network namespace before may not have let go of yet.
const enterGroups = `cable=$1; shift
while [ "$1" != -- ]; do echo $$ > "$1" || exit 1; shift; done
shift
while :; do
  "$@"
  code=$?
  [ $code = 133 ] || exit $code
  ip link del "$cable" 2>/dev/null
done`

// boot starts a host that is not running. It returns when the host's init has been started, not when it has booted.
func (l *Lab) boot(ctx context.Context, h Host) error {
	if l.Running(h) {
		return nil
	}
	if err := l.mount(ctx, h); err != nil {
		return err
	}
	if err := l.unplug(ctx, h); err != nil {
		return err
	}
	groups, err := prepareGroup(l.group(h))
	if err != nil {
		return err
	}
	log, err := os.OpenFile(l.hostDir(h, "console.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("opening the console log of %s: %w", h.Name, err)
	}
	defer log.Close()
	args := append([]string{"-c", enterGroups, "sh", "vb-" + l.machine(h)}, groups...)
	args = append(args, "--", "systemd-nspawn", "--quiet", "--machine="+l.machine(h), "--directory="+l.hostDir(h, "root"), "--boot",
		// Nothing of this machine's systemd is asked: it need not run one.
		"--register=no", "--keep-unit", "--resolv-conf=off", "--console=passive", "--kill-signal=SIGRTMIN+3",
		"--network-bridge="+l.bridge(), "--capability=all", "--system-call-filter=@keyring bpf perf_event_open @mount", "--bind=/dev/kmsg")
	for _, d := range stores {
		args = append(args, "--bind="+l.hostDir(h, "var", d)+":/var/lib/"+d)
	}
	// Nobody reads the console: an init that says much there would stand still when its buffer is full.
	args = append(args, "systemd.show_status=0", "systemd.log_target=journal")
	cmd := exec.Command("sh", args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Dir = "/"
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", h.Name, err)
	}
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	for {
		select {
		case err := <-gone:
			return fmt.Errorf("%s did not start: %w; see %s", h.Name, errors.Join(err, ctx.Err()), l.hostDir(h, "console.log"))
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
		if l.leader(h) != 0 {
			return nil
		}
	}
}

// stores are directories that must not be overlays themselves, because the host mounts overlays on them or syncs much.
var stores = []string{"containerd", "kubelet", "etcd"}

// mount lays the host's root over the base.
func (l *Lab) mount(ctx context.Context, h Host) error {
	root := l.hostDir(h, "root")
	if mounted(root) {
		return nil
	}
	lower := filepath.Join(l.Base, "base")
	if h.Role != RoleBare && h.Role != RoleBalancer {
		lower = filepath.Join(l.Base, "node") + ":" + lower
	}
	_, err := run(ctx, "mount", "-t", "overlay", "kanrin-lab", "-o", "lowerdir="+lower+",upperdir="+l.hostDir(h, "up")+",workdir="+l.hostDir(h, "work"), root)
	return err
}

func mounted(path string) bool {
	for _, m := range mountsBelow(path) {
		if m == path {
			return true
		}
	}
	return false
}

// mountsBelow lists mount points at and below path, innermost last.
func mountsBelow(path string) []string {
	raw, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	var out []string
	for _, line := range strings.Split(string(raw), "\n") {
		f := strings.Fields(line)
		if len(f) > 4 && (f[4] == path || strings.HasPrefix(f[4], path+"/")) {
			out = append(out, f[4])
		}
	}
	return out
}

// nspawn is the process that holds the host, 0 when it does not run.
func (l *Lab) nspawn(h Host) int {
	want := []byte("--machine=" + l.machine(h))
	for pid := range members(l.group(h)) {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil {
			continue
		}
		args := bytes.Split(raw, []byte{0})
		if filepath.Base(string(args[0])) != "systemd-nspawn" {
			continue
		}
		for _, a := range args {
			if bytes.Equal(a, want) {
				return pid
			}
		}
	}
	return 0
}

// leader is the host's init as this machine sees it: the child of nspawn that has a process namespace of its own. 0 when it does not run.
func (l *Lab) leader(h Host) int {
	parent := l.nspawn(h)
	if parent == 0 {
		return 0
	}
	ours, _ := os.Readlink("/proc/self/ns/pid")
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	for _, t := range tasks {
		raw, _ := os.ReadFile(t)
		for _, f := range strings.Fields(string(raw)) {
			ns, err := os.Readlink("/proc/" + f + "/ns/pid")
			comm, _ := os.ReadFile("/proc/" + f + "/comm")
			// A child of nspawn that has yet to become the host's init is called as nspawn is.
			if pid, e := strconv.Atoi(f); e == nil && err == nil && ns != ours && string(comm) == "systemd\n" {
				return pid
			}
		}
	}
	return 0
}

// Running reports whether the host is switched on.
func (l *Lab) Running(h Host) bool { return l.leader(h) != 0 }

// Frozen reports whether the host is paused.
func (l *Lab) Frozen(h Host) bool { return frozen(l.group(h)) }

// Kill is a power cut: every process of the host ends at once, nothing is written any more.
func (l *Lab) Kill(ctx context.Context, h Host) error {
	if frozen(l.group(h)) {
		if err := freeze(l.group(h), false); err != nil {
			return fmt.Errorf("thawing %s: %w", h.Name, err)
		}
	}
	for {
		if leader := l.leader(h); leader != 0 {
			_ = unix.Kill(leader, unix.SIGKILL) // the kernel ends all others of its namespace
		}
		left := members(l.group(h))
		if len(left) == 0 {
			break
		}
		for pid := range left {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s still has %d processes: %w", h.Name, len(left), ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return l.unplug(ctx, h)
}

// unplug removes the host's cable. It goes with the network namespace, but some time later: a host that boots at once would find its name
// taken.
func (l *Lab) unplug(ctx context.Context, h Host) error {
	name := "vb-" + l.machine(h)
	if _, err := os.Stat("/sys/class/net/" + name); err != nil {
		return nil
	}
	if _, err := run(ctx, "ip", "link", "del", name); err != nil {
		if _, gone := os.Stat("/sys/class/net/" + name); gone != nil {
			return nil // it went by itself meanwhile
		}
		return err
	}
	return nil
}

// PowerOn starts the host.
func (l *Lab) PowerOn(ctx context.Context, h Host) error { return l.boot(ctx, h) }

// Pause hangs the host: it keeps its connections and answers nothing. Mend and Kill end it.
func (l *Lab) Pause(h Host) error {
	if !l.Running(h) {
		return fmt.Errorf("%s is off", h.Name)
	}
	return freeze(l.group(h), true)
}

// Enter runs a program inside the host, as root, without asking its sshd.
func (l *Lab) Enter(ctx context.Context, h Host, args ...string) ([]byte, error) {
	leader := l.leader(h)
	if leader == 0 {
		return nil, fmt.Errorf("%s is off", h.Name)
	}
	return run(ctx, "nsenter", append([]string{
		"--target", strconv.Itoa(leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--",
		"env", "-i", "HOME=/root", "LANG=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	}, args...)...)
}
