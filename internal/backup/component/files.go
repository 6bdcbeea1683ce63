package component

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
)

const defaultTimeout = time.Hour

func timeout(c v1alpha1.BackupComponent) time.Duration {
	if c.TimeoutSeconds > 0 {
		return time.Duration(c.TimeoutSeconds) * time.Second
	}
	return defaultTimeout
}

// clusterPaths are what makes a kubeadm host what it is, and cannot be had from etcd.
var clusterPaths = []string{
	"/etc/kubernetes", "/var/lib/kubelet/config.yaml", "/var/lib/kubelet/kubeadm-flags.env", "/var/lib/kubelet/pki",
	"/etc/cni/net.d", "/etc/containerd", "/etc/crictl.yaml", "/etc/hosts",
	"/etc/systemd/system/kubelet.service.d", "/usr/lib/systemd/system/kubelet.service.d", "/etc/default/kubelet",
}

// keyFiles are those without which a control plane cannot be made again. etcd's is elsewhere when etcd is.
var keyFiles = []string{
	"etc/kubernetes/pki/ca.crt", "etc/kubernetes/pki/ca.key", "etc/kubernetes/pki/sa.key", "etc/kubernetes/pki/sa.pub",
	"etc/kubernetes/pki/front-proxy-ca.crt", "etc/kubernetes/pki/front-proxy-ca.key", "etc/kubernetes/pki/etcd/ca.key",
}

const (
	apiServerManifest = "/etc/kubernetes/manifests/kube-apiserver.yaml"
	maxManifestFile   = 1 << 20
)

// clusterDirectory archives each host's cluster directory, sealed, and the API server's encryption configuration besides.
func (e Env) clusterDirectory(ctx context.Context, c v1alpha1.BackupComponent, w Writer) (*Record, error) {
	names := e.chosen(c)
	if len(names) == 0 {
		return nil, absent("NoHosts", c.Name, nil)
	}
	r := &Record{}
	found := map[string]bool{}
	var captured []string
	for _, name := range names {
		err := e.archiveHost(ctx, c, name, w, r, found)
		var exit *readError
		switch {
		case err == nil:
			captured = append(captured, name)
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.As(err, &exit):
			r.Missing = append(r.Missing, missing("HostNotRead", name, exit.error))
		default:
			return nil, err
		}
	}
	if len(captured) == 0 {
		return nil, &AbsentError{r.Missing[0]}
	}
	if len(c.Paths) == 0 {
		for _, k := range keyFiles {
			if !found[k] {
				r.Missing = append(r.Missing, missing("KeyMissing", "/"+k, nil))
			}
		}
	}
	r.From = strings.Join(captured, ", ")
	return r, nil
}

// readError is one of the source; other errors are of the set.
type readError struct{ error }

func (e *readError) Unwrap() error { return e.error }

func (e Env) archiveHost(ctx context.Context, c v1alpha1.BackupComponent, name string, w Writer, r *Record, found map[string]bool) error {
	m, err := e.machine(ctx, name)
	if err != nil {
		return &readError{err}
	}
	paths := c.Paths
	if len(paths) == 0 {
		paths = clusterPaths
	}
	there, err := existing(ctx, m, paths)
	if err != nil {
		return &readError{err}
	}
	if len(there) == 0 {
		return &readError{fs.ErrNotExist}
	}
	if r.Encryption == "" {
		config, extra, err := encryptionOf(ctx, m)
		if err != nil {
			return &readError{err}
		}
		if config != nil {
			if err := e.seal(w, encryptionFile, config); err != nil {
				return err
			}
			r.Encryption = encryptionFile
			if !slices.ContainsFunc(there, func(p string) bool { return within(extra, p) }) {
				there = append(there, extra)
			}
		}
	}
	for _, p := range there {
		if len(c.Paths) > 0 {
			found[strings.TrimPrefix(p, "/")] = true
		}
	}
	var reading error
	err = e.sealed(w, name+".tar.age", func(to io.Writer) error {
		reading = tarFrom(ctx, m, there, c.Exclude, hosts.Command{Timeout: timeout(c)}, func(in io.Reader) error {
			tee := &teeing{from: in, to: to}
			err := names(tee, found)
			if err == nil {
				_, err = io.Copy(io.Discard, tee)
			}
			return err
		})
		return reading
	})
	if err != nil && reading != nil {
		return &readError{err}
	}
	return err
}

// teeing is an io.TeeReader.
type teeing struct {
	from io.Reader
	to   io.Writer
}

func (t *teeing) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	if n > 0 {
		if _, werr := t.to.Write(p[:n]); werr != nil {
			return n, werr
		}
	}
	return n, err
}

// names notes the files of an archive while it passes.
func names(r io.Reader, found map[string]bool) error {
	in := tar.NewReader(r)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the archive: %w", err)
		}
		if h.Typeflag == tar.TypeReg && h.Size > 0 || h.Typeflag == tar.TypeSymlink {
			found[strings.TrimPrefix(path.Clean("/"+h.Name), "/")] = true
		}
	}
}

// encryptionOf reads the EncryptionConfiguration that the host's API server uses, and says where it lies; nil when it uses none.
func encryptionOf(ctx context.Context, m *hosts.Machine) (config []byte, file string, err error) {
	data, err := m.ReadFile(ctx, apiServerManifest, maxManifestFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	file = flagOf(data, "--encryption-provider-config")
	if file == "" {
		return nil, "", nil
	}
	if config, err = m.ReadFile(ctx, file, maxManifestFile); err != nil {
		return nil, "", fmt.Errorf("reading the encryption configuration: %w", err)
	}
	return bytes.TrimSpace(config), file, nil
}

// flagOf is the value of a flag in the first container of a static pod's manifest.
func flagOf(manifest []byte, flag string) string {
	var pod corev1.Pod
	if yaml.Unmarshal(manifest, &pod) != nil || len(pod.Spec.Containers) == 0 {
		return ""
	}
	all := append(slices.Clone(pod.Spec.Containers[0].Command), pod.Spec.Containers[0].Args...)
	for i, a := range all {
		if v, ok := strings.CutPrefix(a, flag+"="); ok {
			return v
		}
		if a == flag && i+1 < len(all) {
			return all[i+1]
		}
	}
	return ""
}

func within(file, dir string) bool {
	return file == dir || strings.HasPrefix(file, strings.TrimSuffix(dir, "/")+"/")
}

// directory captures directories of hosts, file by file, or sealed as one archive a host.
func (e Env) directory(ctx context.Context, c v1alpha1.BackupComponent, w Writer) (*Record, error) {
	names := e.chosen(c)
	if len(c.Hosts) == 0 || len(names) == 0 {
		return nil, absent("NoHosts", c.Name, nil)
	}
	r := &Record{}
	var captured []string
	for _, name := range names {
		err := e.directoryOf(ctx, c, name, w)
		var read *readError
		switch {
		case err == nil:
			captured = append(captured, name)
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.As(err, &read):
			r.Missing = append(r.Missing, missing("HostNotRead", name, read.error))
		default:
			return nil, err
		}
	}
	if len(captured) == 0 {
		return nil, &AbsentError{r.Missing[0]}
	}
	r.From = strings.Join(captured, ", ")
	return r, nil
}

func (e Env) directoryOf(ctx context.Context, c v1alpha1.BackupComponent, name string, w Writer) error {
	m, err := e.machine(ctx, name)
	if err != nil {
		return &readError{err}
	}
	there, err := existing(ctx, m, c.Paths)
	if err != nil {
		return &readError{err}
	}
	if len(there) < len(c.Paths) {
		for _, p := range c.Paths {
			if !slices.Contains(there, p) {
				return &readError{fmt.Errorf("%s: %w", p, fs.ErrNotExist)}
			}
		}
	}
	return e.hooked(ctx, c, e.onHost(m), func() error {
		var writing error
		take := func(in io.Reader) error {
			_, writing = unpack(ctx, in, name, w)
			return writing
		}
		if c.Sealed {
			take = nil
		}
		if take == nil {
			err := e.sealed(w, name+".tar.age", func(to io.Writer) error {
				return tarFrom(ctx, m, there, c.Exclude, hosts.Command{Timeout: timeout(c)}, func(in io.Reader) error {
					_, err := io.Copy(to, in)
					return err
				})
			})
			if err != nil {
				return &readError{err}
			}
			return nil
		}
		err := tarFrom(ctx, m, there, c.Exclude, hosts.Command{Timeout: timeout(c)}, take)
		if err != nil && writing == nil {
			return &readError{err}
		}
		return err
	})
}
