//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Progress is told of a step that begins (a key of the catalogue and its parameters) and returns what to call at its end.
type Progress func(key string, pairs ...any) func(error)

// Options of a new lab.
type Options struct {
	Dir, Cache    string
	Name          string
	ControlPlanes int
	Workers       int
	Bare          int
	Programs      Programs
	// Kubernetes, when given, must be the version that kanrin-kube is made of.
	Kubernetes string
}

// VersionError says that the programs are of another version than asked for.
type VersionError struct{ Want, Have string }

func (e *VersionError) Error() string {
	return fmt.Sprintf("kanrin-kube is Kubernetes %s, not %s", e.Have, e.Want)
}

// Up makes a lab and returns when every node is Ready and every pod of kube-system runs. A lab of that name that stands is ErrExists; what
// is left of one whose Up was killed is cleared first.
func Up(ctx context.Context, o Options, progress Progress) (*Lab, error) {
	if err := CheckName(o.Name); err != nil {
		return nil, err
	}
	if o.ControlPlanes < 1 || o.Workers < 0 || o.Bare < 0 || o.ControlPlanes+o.Workers+o.Bare+1 > maxHosts {
		return nil, fmt.Errorf("a lab has at least one control plane, and %d hosts at most", maxHosts-1)
	}
	if err := Check(o.Programs); err != nil {
		return nil, err
	}
	version, err := kubernetesVersion(ctx, o.Programs.Kube)
	if err != nil {
		return nil, err
	}
	if o.Kubernetes != "" && o.Kubernetes != version {
		return nil, &VersionError{Want: o.Kubernetes, Have: version}
	}
	if err := os.MkdirAll(filepath.Join(o.Dir, o.Name), 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of lab %s: %w", o.Name, err)
	}
	lock, err := hold(filepath.Join(o.Dir, o.Name))
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if old, err := Open(o.Dir, o.Name); err == nil {
		if _, err := os.Stat(old.KubeconfigFile()); err == nil {
			return nil, fmt.Errorf("%s: %w", o.Name, ErrExists)
		}
	}
	if err := Down(ctx, o.Dir, o.Name); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(o.Dir, o.Name), 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of lab %s: %w", o.Name, err)
	}
	base, err := Prepare(ctx, o.Cache, o.Programs, progress)
	if err != nil {
		return nil, err
	}
	l := &Lab{Name: o.Name, Kubernetes: version, Base: base, dir: filepath.Join(o.Dir, o.Name)}
	if l.Subnet, err = freeSubnet(ctx); err != nil {
		return nil, err
	}
	l.plan(o)
	return l, l.build(ctx, progress)
}

// hold keeps two commands from working on the same lab.
func hold(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the lab: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another command is at work on this lab: %w", err)
	}
	return f, nil
}

// plan names the hosts and gives them addresses.
func (l *Lab) plan(o Options) {
	add := func(name, role string) {
		index := len(l.Hosts) + 1
		l.Hosts = append(l.Hosts, Host{Name: name, Role: role, Index: index, Address: l.address(index)})
	}
	add("lb", RoleBalancer)
	for i := 1; i <= o.ControlPlanes; i++ {
		add(fmt.Sprintf("cp%d", i), RoleControlPlane)
	}
	for i := 1; i <= o.Workers; i++ {
		add(fmt.Sprintf("w%d", i), RoleWorker)
	}
	for i := 1; i <= o.Bare; i++ {
		add(fmt.Sprintf("b%d", i), RoleBare)
	}
}

func (l *Lab) build(ctx context.Context, progress Progress) error {
	if err := l.save(); err != nil {
		return err
	}
	done := progress("lab.step.boot", "count", len(l.Hosts))
	err := l.bootAll(ctx)
	done(err)
	if err != nil {
		return err
	}
	token, key := newToken()
	planes, workers := l.Of(RoleControlPlane), l.Of(RoleWorker)
	done = progress("lab.step.init", "host", planes[0].Name)
	err = l.kubeadm(ctx, planes[0], l.initConfig(planes[0], token, key), "init", "--upload-certs", "--skip-token-print")
	if err == nil {
		err = l.fetchKubeconfig(planes[0])
	}
	done(err)
	if err != nil {
		return err
	}
	// Workers and the other control planes do not wait for each other; control planes do, because each is a new etcd member.
	done = progress("lab.step.join", "count", len(planes)-1+len(workers))
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		for _, h := range planes[1:] {
			if err := l.kubeadm(gctx, h, l.joinConfig(h, token, key), "join"); err != nil {
				return err
			}
		}
		return nil
	})
	g.Go(func() error {
		for _, h := range workers {
			if err := l.kubeadm(gctx, h, l.joinConfig(h, token, key), "join"); err != nil {
				return err
			}
		}
		return nil
	})
	err = g.Wait()
	done(err)
	if err != nil {
		return err
	}
	done = progress("lab.step.ready")
	err = l.WaitReady(ctx)
	done(err)
	if err != nil {
		return err
	}
	return os.Rename(l.path("kubeconfig.new"), l.KubeconfigFile())
}

// fetchKubeconfig takes the administrator's kubeconfig. It gets its final name when the lab is whole.
func (l *Lab) fetchKubeconfig(h Host) error {
	raw, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(l.leader(h)), "root/etc/kubernetes/admin.conf"))
	if err != nil {
		return fmt.Errorf("reading the kubeconfig of %s: %w", h.Name, err)
	}
	return writeFile(l.path("kubeconfig.new"), raw, 0o600)
}

func (l *Lab) bootAll(ctx context.Context) error {
	if err := raiseLimits(); err != nil {
		return err
	}
	if err := l.addBridge(ctx); err != nil {
		return err
	}
	private, authorized, err := newKey("kanrin-lab-" + l.Name)
	if err != nil {
		return err
	}
	if err := writeFile(l.KeyFile(), private, 0o600); err != nil {
		return err
	}
	for i := range l.Hosts {
		h := &l.Hosts[i]
		if err := l.furnish(h, authorized); err != nil {
			return err
		}
		if h.Role == RoleControlPlane || h.Role == RoleWorker {
			if err := copyStore(filepath.Join(l.Base, "containerd"), l.hostDir(*h, "var", "containerd")); err != nil {
				return fmt.Errorf("copying images for %s: %w", h.Name, err)
			}
		}
	}
	if err := l.save(); err != nil { // with the host keys
		return err
	}
	return l.PowerOnAll(ctx)
}

// PowerOnAll starts every host that is off and waits until all have booted.
func (l *Lab) PowerOnAll(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, h := range l.Hosts {
		g.Go(func() error {
			if err := l.boot(gctx, h); err != nil {
				return err
			}
			limited, cancel := context.WithTimeout(gctx, 90*time.Second)
			defer cancel()
			return l.booted(limited, h)
		})
	}
	return g.Wait()
}

// Down removes a lab with everything that it has in the kernel and on disk, whatever state it is in. A lab that is not there is no error.
func Down(ctx context.Context, dir, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	l, err := Open(dir, name)
	if errors.Is(err, ErrNoLab) {
		l = &Lab{Name: name, dir: filepath.Join(dir, name)}
		// Killed before it had written anything down: its hosts are those that have directories.
		entries, _ := os.ReadDir(l.path("hosts"))
		for _, e := range entries {
			l.Hosts = append(l.Hosts, Host{Name: e.Name()})
		}
	} else if err != nil {
		return err
	}
	var errs error
	for _, h := range l.Hosts {
		errs = errors.Join(errs, l.Kill(ctx, h))
	}
	if errs != nil {
		return errs
	}
	below := mountsBelow(l.dir)
	for i := len(below) - 1; i >= 0; i-- {
		if err := unix.Unmount(below[i], unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) {
			errs = errors.Join(errs, fmt.Errorf("unmounting %s: %w", below[i], err))
		}
	}
	if errs == nil { // never remove below a mount
		errs = errors.Join(errs, removeGroup("kanrin-lab/"+name))
		errs = errors.Join(errs, l.removeBridge(ctx))
		errs = errors.Join(errs, os.RemoveAll(l.dir))
	}
	if left, _ := List(dir); len(left) == 0 && errs == nil {
		_ = removeGroup("kanrin-lab")
	}
	return errs
}
