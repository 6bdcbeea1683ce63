//go:build linux

package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

const architecture = runtime.GOARCH

// writeSettings writes the configuration of a node that is the same on all of them.
func writeSettings(ctx context.Context, root string, p Programs, version string) error {
	if err := copyFiles("files/node", root); err != nil {
		return err
	}
	refs, err := imageNames(ctx, p.Kube, version)
	if err != nil {
		return err
	}
	pause := ""
	for _, r := range refs {
		if strings.Contains(r, "/pause:") {
			pause = r
		}
	}
	config := fmt.Sprintf(`version = 3

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = %q

[plugins.'io.containerd.cri.v1.runtime']
  # Without CAP_SYS_RESOURCE a negative oom_score_adj is refused and no container starts.
  restrict_oom_score_adj = %v

[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['/opt/cni/bin']
  conf_dir = '/etc/cni/net.d'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = false
`, pause, !mayRaisePriority())
	return writeFile(filepath.Join(root, "etc/containerd/config.toml"), []byte(config), 0o644)
}

// mayRaisePriority reports whether this machine lets root give a process a negative oom_score_adj.
func mayRaisePriority() bool {
	const path = "/proc/self/oom_score_adj"
	before, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	if os.WriteFile(path, []byte("-999"), 0o644) != nil {
		return false
	}
	_ = os.WriteFile(path, before, 0o644)
	return true
}

// raiseLimits gives the machine what many hosts on one kernel need: each kubelet, containerd and systemd has a dozen inotify instances, and
// the kernel's default of 128 is one pot for all of them. It stays so until the machine is booted anew.
func raiseLimits() error {
	for path, least := range map[string]int{"/proc/sys/fs/inotify/max_user_instances": 8192, "/proc/sys/fs/inotify/max_user_watches": 524288} {
		raw, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		if have, err := strconv.Atoi(strings.TrimSpace(string(raw))); err == nil && have >= least {
			continue
		}
		if err := os.WriteFile(path, []byte(strconv.Itoa(least)), 0o644); err != nil {
			return fmt.Errorf("raising %s to %d: %w", path, least, err)
		}
	}
	return nil
}
