//go:build linux

package lab

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/sys/unix"
)

// kubeComponents are the images that are nothing but kanrin-kube under another name.
var kubeComponents = []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "etcd"}

// buildImages makes the images that kubeadm expects, under the names that it expects, from static binaries. Those of Kubernetes share one
// layer; kube-proxy has iptables on top, from the hosts' own Debian.
func buildImages(ctx context.Context, to, debian string, p Programs, version string) error {
	refs, err := imageNames(ctx, p.Kube, version)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(to), "images")
	if err != nil {
		return fmt.Errorf("making a directory for layers: %w", err)
	}
	defer os.RemoveAll(work)
	links := map[string]string{}
	for _, c := range kubeComponents {
		links["usr/local/bin/"+c] = "kanrin-kube"
	}
	links["usr/local/bin/etcdctl"] = "kanrin-kube"
	kube, err := layer(filepath.Join(work, "kube.tar"), map[string]string{"usr/local/bin/kanrin-kube": p.Kube}, links)
	if err != nil {
		return err
	}
	tables, err := tablesLayer(ctx, filepath.Join(work, "tables.tar"), debian)
	if err != nil {
		return err
	}
	dns, err := layer(filepath.Join(work, "coredns.tar"), map[string]string{"coredns": filepath.Join(p.Dir, "coredns")}, nil)
	if err != nil {
		return err
	}
	pause, err := layer(filepath.Join(work, "pause.tar"), map[string]string{"pause": filepath.Join(p.Dir, "pause")}, nil)
	if err != nil {
		return err
	}
	images := map[name.Reference]v1.Image{}
	for _, ref := range refs {
		tag, err := name.NewTag(ref)
		if err != nil {
			return fmt.Errorf("image name %s: %w", ref, err)
		}
		component := filepath.Base(tag.RepositoryStr())
		config := v1.Config{Env: []string{"PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}}
		layers := []v1.Layer{kube}
		switch component {
		case "coredns":
			layers, config.Entrypoint = []v1.Layer{dns}, []string{"/coredns"}
		case "pause":
			layers, config.Entrypoint = []v1.Layer{pause}, []string{"/pause"}
		case "kube-proxy":
			layers = []v1.Layer{kube, tables}
		}
		image, err := mutate.AppendLayers(empty.Image, layers...)
		if err != nil {
			return fmt.Errorf("making image %s: %w", ref, err)
		}
		file, err := image.ConfigFile()
		if err != nil {
			return fmt.Errorf("making image %s: %w", ref, err)
		}
		file = file.DeepCopy()
		file.Config, file.OS, file.Architecture = config, "linux", architecture
		// Two images of the same layers must differ, or they are one.
		file.Config.Labels = map[string]string{"dev.kanrin.component": component}
		if image, err = mutate.ConfigFile(image, file); err != nil {
			return fmt.Errorf("making image %s: %w", ref, err)
		}
		images[tag] = image
	}
	if err := tarball.MultiRefWriteToFile(to, images); err != nil {
		return fmt.Errorf("writing the images: %w", err)
	}
	return nil
}

func imageNames(ctx context.Context, kube, version string) ([]string, error) {
	raw, err := run(ctx, kube, "kubeadm", "config", "images", "list", "--kubernetes-version", version)
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(raw)), nil
}

// layer writes a tar of files (path in the image → file) and links, and makes a layer of it.
func layer(to string, content, links map[string]string) (v1.Layer, error) {
	f, err := os.Create(to)
	if err != nil {
		return nil, fmt.Errorf("writing a layer: %w", err)
	}
	defer f.Close()
	w := tar.NewWriter(f)
	for path, source := range content {
		if err := addFile(w, path, source); err != nil {
			return nil, err
		}
	}
	for path, target := range links {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: path, Linkname: target, Mode: 0o777}); err != nil {
			return nil, fmt.Errorf("writing a layer: %w", err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		return nil, fmt.Errorf("writing a layer: %w", err)
	}
	l, err := tarball.LayerFromFile(to, tarball.WithCompressionLevel(1))
	if err != nil {
		return nil, fmt.Errorf("making a layer: %w", err)
	}
	return l, nil
}

func addFile(w *tar.Writer, path, source string) error {
	in, err := os.Open(source)
	if err != nil {
		return fmt.Errorf("reading %s: %w", source, err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return fmt.Errorf("reading %s: %w", source, err)
	}
	if err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o755, Size: info.Size()}); err != nil {
		return fmt.Errorf("writing a layer: %w", err)
	}
	if _, err := io.Copy(w, in); err != nil {
		return fmt.Errorf("writing %s into a layer: %w", path, err)
	}
	return nil
}

// tablesLayer takes iptables and nft with all that they load from the hosts' Debian.
func tablesLayer(ctx context.Context, to, debian string) (v1.Layer, error) {
	content, links := map[string]string{}, map[string]string{}
	queue := []string{"/usr/sbin/xtables-nft-multi", "/usr/sbin/nft"}
	extensions, _ := filepath.Glob(filepath.Join(debian, "usr/lib/*/xtables/*.so"))
	for _, e := range extensions {
		if info, err := os.Lstat(e); err == nil && info.Mode().IsRegular() {
			queue = append(queue, strings.TrimPrefix(e, debian))
		} else if target, err := os.Readlink(e); err == nil {
			links[strings.TrimPrefix(e, debian)[1:]] = target
		}
	}
	libraries := map[string]bool{}
	for _, path := range queue {
		content[path[1:]] = filepath.Join(debian, path)
		raw, err := run(ctx, "chroot", debian, "ldd", path)
		if err != nil {
			return nil, err
		}
		for _, word := range strings.Fields(string(raw)) {
			if strings.HasPrefix(word, "/") {
				libraries[word] = true
			}
		}
	}
	for path := range libraries {
		real, err := run(ctx, "chroot", debian, "readlink", "-f", path)
		if err != nil {
			return nil, err
		}
		content[path[1:]] = filepath.Join(debian, strings.TrimSpace(string(real)))
	}
	for _, n := range []string{"iptables", "ip6tables", "iptables-save", "iptables-restore", "ip6tables-save", "ip6tables-restore", "iptables-nft", "ip6tables-nft"} {
		links["usr/sbin/"+n] = "xtables-nft-multi"
	}
	return layer(to, content, links)
}

// importImages fills a containerd store with the images, by a containerd of its own that runs only for that.
func importImages(ctx context.Context, dir string, p Programs) error {
	state, err := os.MkdirTemp("", "kanrin-lab-containerd")
	if err != nil {
		return fmt.Errorf("making a directory for containerd: %w", err)
	}
	defer os.RemoveAll(state)
	socket := filepath.Join(state, "containerd.sock")
	config := fmt.Sprintf("version = 3\nroot = %q\nstate = %q\ndisabled_plugins = ['io.containerd.cri.v1.runtime', 'io.containerd.cri.v1.images', 'io.containerd.grpc.v1.cri', 'io.containerd.nri.v1.nri']\n[grpc]\naddress = %q\n",
		filepath.Join(dir, "containerd"), filepath.Join(state, "state"), socket)
	file := filepath.Join(state, "config.toml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return fmt.Errorf("writing containerd's settings: %w", err)
	}
	var log bytes.Buffer
	cmd := exec.Command(filepath.Join(p.Dir, "containerd"), "--config", file, "--log-level", "warn")
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting containerd: %w", err)
	}
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	defer func() {
		_ = cmd.Process.Signal(unix.SIGTERM)
		<-gone
	}()
	for {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		select {
		case err := <-gone:
			gone <- err
			return fmt.Errorf("containerd did not start: %w: %s", err, log.String())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	_, err = run(ctx, filepath.Join(p.Dir, "ctr"), "--address", socket, "--namespace", "k8s.io", "images", "import", "--local", "--snapshotter", "overlayfs",
		filepath.Join(dir, "bundle", "images.tar"))
	return err
}

// copyStore gives a host its own containerd store. Blobs and unpacked layers never change, so that they are shared as hard links; what
// containerd writes in place is copied.
func copyStore(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			if err := os.MkdirAll(target, info.Mode().Perm()); err != nil {
				return err
			}
			return os.Chmod(target, info.Mode().Perm())
		case d.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		case !d.Type().IsRegular():
			return nil
		case strings.Contains(rel, "blobs/sha256/") || strings.Contains(rel, "/snapshots/"):
			if err := os.Link(path, target); err == nil || !errors.Is(err, unix.EXDEV) {
				return err
			}
		}
		return copyFile(path, target, info.Mode().Perm())
	})
}
