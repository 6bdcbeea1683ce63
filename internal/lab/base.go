//go:build linux

package lab

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

//go:embed files
var files embed.FS

// Programs says where the programs are that hosts run: kanrin-kube, and a directory with containerd, containerd-shim-runc-v2, ctr, coredns
// and pause (make build-lab).
type Programs struct {
	Kube string
	Dir  string
}

var programNames = []string{"containerd", "containerd-shim-runc-v2", "ctr", "coredns", "pause"}

// packages are what a bare host has: systemd, sshd, and what kubeadm's preflight asks for from the distribution.
var packages = []string{
	"systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "iproute2", "iptables", "nftables", "runc", "containernetworking-plugins",
	"ca-certificates", "procps", "conntrack", "socat", "ethtool", "kmod", "haproxy", "mount", "util-linux",
}

const debianRelease = "bookworm"

// tools of this machine that the lab needs, with the Debian package that has them.
var tools = []struct{ command, pkg string }{
	{"systemd-nspawn", "systemd-container"}, {"debootstrap", "debootstrap"}, {"ip", "iproute2"}, {"nsenter", "util-linux"}, {"mount", "mount"},
}

// MissingError names what this machine lacks.
type MissingError struct {
	Packages []string // of Debian
	Programs []string // of Kanrin's own build
}

func (e *MissingError) Error() string {
	return "missing: " + strings.Join(append(slices.Clone(e.Packages), e.Programs...), " ")
}

// Check looks whether this machine can have labs.
func Check(p Programs) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("a lab needs root: it makes namespaces, mounts and control groups: %w", fs.ErrPermission)
	}
	var missing MissingError
	for _, t := range tools {
		if _, err := exec.LookPath(t.command); err != nil {
			missing.Packages = append(missing.Packages, t.pkg)
		}
	}
	for _, n := range programNames {
		if _, err := os.Stat(filepath.Join(p.Dir, n)); err != nil {
			missing.Programs = append(missing.Programs, filepath.Join(p.Dir, n))
		}
	}
	if _, err := os.Stat(p.Kube); err != nil {
		missing.Programs = append(missing.Programs, p.Kube)
	}
	if len(missing.Packages)+len(missing.Programs) > 0 {
		return &missing
	}
	return nil
}

// Prepare makes what all labs of these programs share, once, and returns its directory. A killed run leaves nothing that is taken for
// whole: the finished directory gets its name last.
//
//	debian/      a Debian system with sshd (kept apart, because it takes longest and changes least)
//	base         link to it
//	node/        what makes a host of it a node
//	bundle/      the same as files, for hosts that Kanrin joins itself
//	containerd/  containerd's store with all images, to be copied
func Prepare(ctx context.Context, cache string, p Programs, progress Progress) (string, error) {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("making the cache directory: %w", err)
	}
	lock, err := lockFile(ctx, filepath.Join(cache, "lock"), progress)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	debian, err := prepareDebian(ctx, cache, progress)
	if err != nil {
		return "", err
	}
	key, err := recipe(debian, p)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "base-"+key)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	done := progress("lab.step.base")
	err = buildBase(ctx, cache, dir, debian, p)
	done(err)
	if err == nil {
		dropOld(cache, "base-", dir)
		dropOld(cache, "debian-", debian)
	}
	return dir, err
}

// lockFile waits for whoever prepares at the moment.
func lockFile(ctx context.Context, path string, progress Progress) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		done := progress("lab.step.otherPrepares")
		err = waitLock(ctx, f)
		done(err)
		if err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

func waitLock(ctx context.Context, f *os.File) error {
	got := make(chan error, 1)
	go func() { got <- unix.Flock(int(f.Fd()), unix.LOCK_EX) }()
	select {
	case err := <-got:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func prepareDebian(ctx context.Context, cache string, progress Progress) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, debianRelease, packages)
	hashFiles(h, "files/base")
	dir := filepath.Join(cache, "debian-"+hex.EncodeToString(h.Sum(nil))[:12])
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	done := progress("lab.step.debian")
	tmp := dir + ".new"
	err := func() error {
		if err := os.RemoveAll(tmp); err != nil {
			return fmt.Errorf("removing a half-made base: %w", err)
		}
		if _, err := run(ctx, "debootstrap", "--variant=minbase", "--include="+strings.Join(packages, ","), debianRelease, tmp); err != nil {
			return err
		}
		if err := copyFiles("files/base", tmp); err != nil {
			return err
		}
		if err := finishDebian(ctx, tmp); err != nil {
			return err
		}
		return os.Rename(tmp, dir)
	}()
	done(err)
	return dir, err
}

// finishDebian sets what is the same on all hosts.
func finishDebian(ctx context.Context, root string) error {
	script := `set -e
systemctl enable systemd-networkd ssh kanrin-lab-host.service >/dev/null 2>&1
systemctl disable haproxy >/dev/null 2>&1
systemctl mask apt-daily.timer apt-daily-upgrade.timer systemd-networkd-wait-online.service getty.target console-getty.service e2scrub_all.timer fstrim.timer >/dev/null 2>&1
useradd --create-home --shell /bin/bash ops
rm -f /etc/ssh/ssh_host_* /etc/machine-id /var/lib/dbus/machine-id
rm -rf /var/cache/apt/archives/*.deb /var/lib/apt/lists/* /usr/share/doc /usr/share/man /usr/share/locale
chmod 440 /etc/sudoers.d/ops
`
	_, err := run(ctx, "chroot", root, "sh", "-c", script)
	return err
}

// recipe is the name of a base: it changes with everything that is in it.
func recipe(debian string, p Programs) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, "2", filepath.Base(debian))
	hashFiles(h, "files")
	for _, path := range append([]string{p.Kube}, inDir(p.Dir, programNames)...) {
		sum, err := fileSum(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, filepath.Base(path), sum)
	}
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}

func inDir(dir string, names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = filepath.Join(dir, n)
	}
	return out
}

func fileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func hashFiles(h io.Writer, dir string) {
	_ = fs.WalkDir(files, dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			raw, _ := files.ReadFile(path)
			fmt.Fprintf(h, "%s %d\n%s\n", path, len(raw), raw)
		}
		return nil
	})
}

// copyFiles writes a tree of embedded files below root.
func copyFiles(tree, root string) error {
	return fs.WalkDir(files, tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(tree, path)
		if err != nil {
			return err
		}
		return writeFile(filepath.Join(root, rel), raw, 0o644)
	})
}

func writeFile(path string, raw []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making the directory of %s: %w", path, err)
	}
	if err := os.WriteFile(path, raw, mode); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Chmod(path, mode)
}

func copyFile(from, to string, mode fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("reading %s: %w", from, err)
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return fmt.Errorf("making the directory of %s: %w", to, err)
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return fmt.Errorf("writing %s: %w", to, err)
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", to, err)
	}
	return os.Chmod(to, mode)
}

// bundleFile and bundle are the format of Kanrin's bundles.
type bundleFile struct {
	Path   string      `json:"path"`
	Source string      `json:"source"`
	Mode   fs.FileMode `json:"mode"`
	SHA256 string      `json:"sha256"`
}

type bundleLink struct {
	Path   string `json:"path"`
	Target string `json:"target"`
}

type bundle struct {
	Kubernetes string       `json:"kubernetes"`
	Files      []bundleFile `json:"files"`
	Links      []bundleLink `json:"links"`
	Debs       []string     `json:"debs"`
	Images     []string     `json:"images"`
	Units      []string     `json:"units"`
}

// kubeLinks are the names under which a node calls kanrin-kube.
var kubeLinks = []string{"kubelet", "kubeadm", "kubectl", "etcdctl", "etcdutl"}

// cniPlugins come from Debian's package, which puts them where nobody looks.
var cniPlugins = []string{"bridge", "host-local", "loopback", "portmap"}

func buildBase(ctx context.Context, cache, dir, debian string, p Programs) error {
	tmp := dir + ".new"
	if err := os.RemoveAll(tmp); err != nil {
		return fmt.Errorf("removing a half-made base: %w", err)
	}
	b := filepath.Join(tmp, "bundle")
	if err := os.MkdirAll(b, 0o755); err != nil {
		return fmt.Errorf("making the bundle: %w", err)
	}
	if err := os.Symlink("../"+filepath.Base(debian), filepath.Join(tmp, "base")); err != nil {
		return fmt.Errorf("linking the base: %w", err)
	}
	version, err := kubernetesVersion(ctx, p.Kube)
	if err != nil {
		return err
	}
	list := bundle{Kubernetes: version, Images: []string{"images.tar"}, Units: []string{"containerd.service", "kubelet.service"}, Debs: []string{}}
	add := func(from, to string, mode fs.FileMode) error {
		sum, err := fileSum(from)
		if err != nil {
			return err
		}
		source := "files" + to
		if err := copyFile(from, filepath.Join(b, source), mode); err != nil {
			return err
		}
		list.Files = append(list.Files, bundleFile{Path: to, Source: source, Mode: mode, SHA256: sum})
		return nil
	}
	if err := add(p.Kube, "/usr/local/bin/kanrin-kube", 0o755); err != nil {
		return err
	}
	for _, l := range kubeLinks {
		list.Links = append(list.Links, bundleLink{Path: "/usr/local/bin/" + l, Target: "kanrin-kube"})
	}
	for _, n := range []string{"containerd", "containerd-shim-runc-v2", "ctr"} {
		if err := add(filepath.Join(p.Dir, n), "/usr/local/bin/"+n, 0o755); err != nil {
			return err
		}
	}
	for _, n := range cniPlugins {
		if err := add(filepath.Join(debian, "usr/lib/cni", n), "/opt/cni/bin/"+n, 0o755); err != nil {
			return err
		}
	}
	settings := filepath.Join(tmp, "settings")
	if err := writeSettings(ctx, settings, p, version); err != nil {
		return err
	}
	err = filepath.WalkDir(settings, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return add(path, strings.TrimPrefix(path, settings), 0o644)
	})
	if err != nil {
		return fmt.Errorf("copying settings: %w", err)
	}
	if err := buildImages(ctx, filepath.Join(b, "images.tar"), debian, p, version); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the bundle: %w", err)
	}
	if err := writeFile(filepath.Join(b, "bundle.json"), append(raw, '\n'), 0o644); err != nil {
		return err
	}
	if err := unpackBundle(b, filepath.Join(tmp, "node"), list); err != nil {
		return err
	}
	if err := importImages(ctx, tmp, p); err != nil {
		return err
	}
	return os.Rename(tmp, dir)
}

// unpackBundle makes the layer of a node: the bundle's files as links to the same data.
func unpackBundle(b, node string, list bundle) error {
	for _, f := range list.Files {
		to := filepath.Join(node, f.Path)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return fmt.Errorf("making the directory of %s: %w", to, err)
		}
		if err := os.Link(filepath.Join(b, f.Source), to); err != nil {
			return fmt.Errorf("linking %s: %w", to, err)
		}
	}
	for _, l := range list.Links {
		if err := os.Symlink(l.Target, filepath.Join(node, l.Path)); err != nil {
			return fmt.Errorf("linking %s: %w", l.Path, err)
		}
	}
	wants := filepath.Join(node, "etc/systemd/system/multi-user.target.wants")
	if err := os.MkdirAll(wants, 0o755); err != nil {
		return fmt.Errorf("enabling units: %w", err)
	}
	for _, u := range list.Units {
		if err := os.Symlink("/etc/systemd/system/"+u, filepath.Join(wants, u)); err != nil {
			return fmt.Errorf("enabling %s: %w", u, err)
		}
	}
	return nil
}

func kubernetesVersion(ctx context.Context, kube string) (string, error) {
	raw, err := run(ctx, kube, "version")
	if err != nil {
		return "", err
	}
	var v struct{ Kubernetes string }
	if err := json.Unmarshal(raw, &v); err != nil {
		return "", fmt.Errorf("reading the version of %s: %w", kube, err)
	}
	return v.Kubernetes, nil
}

// dropOld removes bases that no lab uses any more; the newest stays.
func dropOld(cache, prefix, keep string) {
	used := map[string]bool{filepath.Base(keep): true}
	labs, _ := List(DefaultDir)
	for _, l := range labs {
		used[filepath.Base(l.Base)] = true
		if target, err := os.Readlink(filepath.Join(l.Base, "base")); err == nil {
			used[filepath.Base(target)] = true
		}
	}
	old, _ := filepath.Glob(filepath.Join(cache, prefix+"*"))
	for _, d := range old {
		if !used[filepath.Base(d)] {
			_ = os.RemoveAll(d)
		}
	}
}
