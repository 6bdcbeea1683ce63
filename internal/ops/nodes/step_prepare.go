package nodes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// prepare sets the kernel up, starts the runtime and brings it the images of the bundle.
type prepare struct{ base }

const (
	modulesPath = "/etc/modules-load.d/kanrin.conf"
	sysctlPath  = "/etc/sysctl.d/90-kanrin.conf"
	kubeletUnit = "kubelet.service"
)

const (
	modulesText = "# Written by Kanrin for Kubernetes.\noverlay\nbr_netfilter\n"
	sysctlText  = "# Written by Kanrin for Kubernetes. A leading dash: the module may be missing.\n" +
		"net.ipv4.ip_forward = 1\n-net.bridge.bridge-nf-call-iptables = 1\n-net.bridge.bridge-nf-call-ip6tables = 1\n"
)

// kernelScript sets what the two files say, now. A kernel without the module has the bridge built in or uses none.
const kernelScript = `
modprobe overlay 2>/dev/null || :
modprobe br_netfilter 2>/dev/null || :
echo 1 >/proc/sys/net/ipv4/ip_forward || exit 1
for f in /proc/sys/net/bridge/bridge-nf-call-iptables /proc/sys/net/bridge/bridge-nf-call-ip6tables; do
  [ ! -e "$f" ] || echo 1 >"$f" || exit 1
done
`

// observeScript prints the units, sysctls and images as they are. Arguments: units.
const observeScript = `
for u in "$@"; do
  systemctl show -p LoadState,ActiveState,UnitFileState --value "$u" | paste -sd' ' | sed "s/^/unit $u /"
done
for k in net/ipv4/ip_forward net/bridge/bridge-nf-call-iptables net/bridge/bridge-nf-call-ip6tables; do
  [ ! -r "/proc/sys/$k" ] || echo "sysctl $k $(cat "/proc/sys/$k")"
done
if command -v ctr >/dev/null 2>&1 && [ -S /run/containerd/containerd.sock ]; then
  echo runtime
  timeout 20 ctr -n k8s.io images ls -q 2>/dev/null | sed 's/^/image /'
fi
[ ! -S /var/run/crio/crio.sock ] || echo runtime
echo end
`

// observe writes down, once, how the host is before anything is changed.
func observe(ctx context.Context, s *plan.Scope, m *hosts.Machine, r *Record, a addArgs) error {
	if r.Seen {
		return nil
	}
	units := []string{"containerd.service", "crio.service", kubeletUnit}
	out, err := m.Script(ctx, observeScript, units...)
	if err != nil {
		return err
	}
	r.FreshRuntime, r.CNI, r.Seen = true, a.CNI, true
	whole := false
	for line := range strings.Lines(string(out.Stdout)) {
		f := strings.Fields(line)
		switch {
		case len(f) == 1 && f[0] == "end":
			whole = true
		case len(f) == 1 && f[0] == "runtime":
			r.FreshRuntime = false
		case len(f) == 2 && f[0] == "image":
			r.Images = append(r.Images, f[1])
		case len(f) == 3 && f[0] == "sysctl":
			r.Sysctls[f[1]] = f[2]
		case len(f) >= 4 && f[0] == "unit":
			r.Units[f[1]] = RecordUnit{Exists: f[2] != "not-found", Active: f[3] == "active", Enabled: len(f) > 4 && strings.HasPrefix(f[4], "enabled")}
		}
	}
	if !whole {
		return fmt.Errorf("looking at %s: its answer is not whole", m.Name)
	}
	if err := s.Guard(); err != nil {
		return err
	}
	return r.write(ctx, m)
}

// Done implements plan.Behaviour.
func (b prepare) Done(context.Context, *plan.Scope) (bool, error) {
	return false, nil // what it does is cheap when done, and never skipped: the record has to be there before the join
}

// Do implements plan.Behaviour.
func (b prepare) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[addArgs](s)
	if err != nil {
		return err
	}
	m, err := b.Machine(ctx, s, a.Host)
	if err != nil {
		return err
	}
	return call.OnHost(ctx, a.Host, b.prepare(ctx, s, m, a))
}

func (b prepare) prepare(ctx context.Context, s *plan.Scope, m *hosts.Machine, a addArgs) error {
	r, err := ownRecord(ctx, m, s.ID(), a.Node)
	if err != nil {
		return recordFailure(a.Host, err)
	}
	if err := observe(ctx, s, m, r, a); err != nil {
		return err
	}
	bundle, err := b.bundleOf(a)
	if err != nil {
		return err
	}
	var units, images []string
	if bundle != nil {
		defer bundle.Close()
		units, images = bundle.Units, bundle.Images
	}
	if err := put(ctx, m, r, s.Guard, []item{textItem(modulesPath, modulesText), textItem(sysctlPath, sysctlText)}, func(int) {}); err != nil {
		return err
	}
	if _, err := m.Script(ctx, kernelScript); err != nil {
		return fmt.Errorf("setting up the kernel: %w", err)
	}
	runtime := "containerd.service"
	if strings.Contains(a.Socket, "crio") {
		runtime = "crio.service"
	}
	if err := configureRuntime(ctx, s, m, r, runtime); err != nil {
		return err
	}
	if !slices.Contains(units, runtime) {
		units = append([]string{runtime}, units...)
	}
	if !slices.Contains(units, kubeletUnit) {
		units = append(units, kubeletUnit)
	}
	if err := startUnits(ctx, s, m, r, units); err != nil {
		return err
	}
	if err := awaitSocket(ctx, m, strings.TrimPrefix(a.Socket, "unix://")); err != nil {
		return err
	}
	for n, image := range images {
		if err := s.Guard(); err != nil {
			return err
		}
		if err := importImage(ctx, m, bundle, image); err != nil {
			return err
		}
		s.Progress(n+1, len(images))
	}
	return nil
}

// startUnits enables them, and starts all but the kubelet, which kubeadm starts.
func startUnits(ctx context.Context, s *plan.Scope, m *hosts.Machine, r *Record, units []string) error {
	noted := false
	for _, u := range units {
		if _, ok := r.Units[u]; ok {
			continue
		}
		// The bundle may have brought its file: what counts is that it did not run and does not start at boot.
		now, err := m.Unit(ctx, u)
		if err != nil {
			return err
		}
		r.Units[u] = RecordUnit{Exists: now.Exists && r.file("/etc/systemd/system/"+u) == nil, Active: now.Active == "active", Enabled: now.Enabled}
		noted = true
	}
	if noted {
		if err := r.write(ctx, m); err != nil {
			return err
		}
	}
	if err := s.Guard(); err != nil {
		return err
	}
	if err := m.Systemctl(ctx, "daemon-reload", ""); err != nil {
		return err
	}
	for _, u := range units {
		if err := s.Guard(); err != nil {
			return err
		}
		if err := m.Systemctl(ctx, "enable", u); err != nil {
			return err
		}
		if u == kubeletUnit {
			continue
		}
		if err := m.Systemctl(ctx, "start", u); err != nil {
			return err
		}
	}
	return nil
}

const containerdConfig = "/etc/containerd/config.toml"

// configureRuntime gives a containerd without any configuration its own default, with the cgroup driver that the machine needs. One that
// is configured is left as it is.
func configureRuntime(ctx context.Context, s *plan.Scope, m *hosts.Machine, r *Record, unit string) error {
	if unit != "containerd.service" {
		return nil
	}
	out, err := m.Script(ctx, `[ -e `+containerdConfig+` ] && exit 0
containerd config default | if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then sed 's/SystemdCgroup = false/SystemdCgroup = true/'; else cat; fi`)
	if err != nil {
		return fmt.Errorf("asking containerd for its configuration: %w", err)
	}
	if len(out.Stdout) == 0 {
		return nil
	}
	return put(ctx, m, r, s.Guard, []item{textItem(containerdConfig, string(out.Stdout))}, func(int) {})
}

func awaitSocket(ctx context.Context, m *hosts.Machine, path string) error {
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, err := m.Script(limited, `n=0; while [ ! -S "$1" ]; do n=$((n + 1)); [ $n -lt 100 ] || { echo "no $1 after 50 s" >&2; exit 1; }; sleep 0.5; done`, path)
	return err
}

// importImage sends an archive of images to the runtime.
func importImage(ctx context.Context, m *hosts.Machine, bundle *BundleFiles, image string) error {
	f, err := bundle.Open(image)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	_, err = m.Run(ctx, hosts.Command{Args: []string{"ctr", "-n", "k8s.io", "images", "import", "-"}, Stdin: f})
	if err != nil {
		return fmt.Errorf("importing %s: %w", image, err)
	}
	return nil
}

// Undo implements plan.Undoer.
func (b prepare) Undo(ctx context.Context, s *plan.Scope) (bool, error) { return b.takeBack(ctx, s) }
