package component_test

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/archive"
	"kanrin.dev/kanrin/internal/backup/component"
	"kanrin.dev/kanrin/internal/backup/repository"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/hosts/hoststest"
)

// stand is a cluster of one host with a real sshd, and a repository.
type stand struct {
	t        *testing.T
	env      component.Env
	repo     *repository.Repository
	identity string
	set      string
}

func newStand(t *testing.T) *stand {
	t.Helper()
	s := hoststest.Start(t, hoststest.Options{})
	h, secret := s.Objects("prod", "w1")
	scheme := runtime.NewScheme()
	must(t, errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)))
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(h, secret).Build() // holds the host's key; nothing is asked of it but that
	pool := hosts.New(hosts.Options{Client: c, DataDir: t.TempDir()})
	t.Cleanup(pool.Close)
	identity, recipient, err := archive.NewIdentity()
	must(t, err)
	repo, err := repository.Create(t.Context(), repository.Location{Type: repository.Filesystem, Path: filepath.Join(t.TempDir(), "r")},
		repository.Credentials{Password: "secret"}, repository.Options{Cluster: "prod"})
	must(t, err)
	t.Cleanup(func() { _ = repo.Close(t.Context()) })
	return &stand{t: t, repo: repo, identity: identity, set: "s1", env: component.Env{
		Cluster: &v1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: "prod", Namespace: "prod"}}, Management: c, Hosts: pool,
		Machines: []v1alpha1.Host{*h}, Recipients: []string{recipient}, Scratch: t.TempDir(), Set: "s1", Log: slog.New(slog.DiscardHandler),
	}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// into writes into a set.
type into struct{ w *repository.TreeWriter }

func (w into) Dir(p string, a component.Attr) error {
	return w.w.Dir(strings.TrimPrefix(p, "/"), attr(a))
}

func (w into) File(p string, a component.Attr, r io.Reader) (int64, error) {
	i, err := w.w.File(strings.TrimPrefix(p, "/"), attr(a), r)
	return i.Size, err
}

func (w into) Symlink(p, target string, a component.Attr) error {
	return w.w.Symlink(strings.TrimPrefix(p, "/"), target, attr(a))
}

func attr(a component.Attr) repository.Attr {
	return repository.Attr{Mode: a.Mode, ModTime: a.ModTime, UID: a.UID, GID: a.GID}
}

// capture captures a component into a set of its own.
func (s *stand) capture(c v1alpha1.BackupComponent) (*component.Record, *repository.Set, error) {
	s.t.Helper()
	s.set += "x"
	session, err := s.repo.Begin(s.t.Context(), s.set)
	must(s.t, err)
	var rec *component.Record
	_, err = session.Put(s.t.Context(), c.Name, func(w *repository.TreeWriter) error {
		var err error
		rec, err = component.Capture(s.t.Context(), s.env, c, into{w})
		return err
	})
	if err != nil {
		must(s.t, session.Close(s.t.Context()))
		return nil, nil, err
	}
	_, err = session.Seal(s.t.Context(), []byte("{}"), nil)
	must(s.t, err)
	set, err := s.repo.OpenSet(s.t.Context(), s.set)
	must(s.t, err)
	return rec, set, nil
}

func (s *stand) read(set *repository.Set, path string) string {
	s.t.Helper()
	f, err := set.Open(s.t.Context(), path)
	must(s.t, err)
	defer f.Close()
	data, err := io.ReadAll(f)
	must(s.t, err)
	return string(data)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o640))
}

func TestDirectory(t *testing.T) {
	s := newStand(t)
	dir := t.TempDir()
	write(t, dir+"/a/one", "first")
	write(t, dir+"/a/with space\nand line", "odd")
	write(t, dir+"/tmp/left out", "x")
	must(t, os.Symlink("../../etc/passwd", dir+"/a/link"))
	before, after := filepath.Join(t.TempDir(), "before"), filepath.Join(t.TempDir(), "after")
	c := v1alpha1.BackupComponent{
		Name: "registry", Type: v1alpha1.ComponentDirectory, Hosts: []string{"w1"}, Paths: []string{dir}, Exclude: []string{dir + "/tmp"},
		Before: &v1alpha1.BackupHook{Command: []string{"touch", before}}, After: &v1alpha1.BackupHook{Command: []string{"touch", after}},
	}
	rec, set, err := s.capture(c)
	must(t, err)
	if rec.From != "w1" || len(rec.Missing) != 0 {
		t.Errorf("the record: %+v", rec)
	}
	base := "registry/w1" + dir
	if got := s.read(set, base+"/a/one"); got != "first" {
		t.Errorf("one: %q", got)
	}
	if got := s.read(set, base+"/a/with space\nand line"); got != "odd" {
		t.Errorf("odd name: %q", got)
	}
	if e, err := set.Stat(t.Context(), base+"/a/one"); err != nil || e.Mode.Perm() != 0o640 {
		t.Errorf("mode: %v, %v", e.Mode, err)
	}
	if got, err := set.Readlink(t.Context(), base+"/a/link"); err != nil || got != "../../etc/passwd" {
		t.Errorf("link: %q, %v", got, err)
	}
	if _, err := set.Stat(t.Context(), base+"/tmp"); repository.StateOf(err) != repository.NotFound {
		t.Errorf("what was to be left out: %v", err)
	}
	for _, hook := range []string{before, after} {
		if _, err := os.Stat(hook); err != nil {
			t.Errorf("hook: %v", err)
		}
	}

	t.Run("sealed", func(t *testing.T) {
		c.Sealed = true
		_, set, err := s.capture(c)
		must(t, err)
		f, err := set.Open(t.Context(), "registry/w1.tar.age")
		must(t, err)
		in, err := archive.Unseal(f, s.identity)
		must(t, err)
		found := false
		tr := tar.NewReader(in)
		for {
			h, err := tr.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			must(t, err)
			found = found || strings.HasSuffix(h.Name, "/a/one")
		}
		if !found {
			t.Error("the archive lacks a/one")
		}
		c.Sealed = false
	})
	t.Run("the second hook runs after a failure too", func(t *testing.T) {
		must(t, os.Remove(after))
		c.Paths = []string{dir, "/nowhere/at/all"}
		var gone *component.AbsentError
		if _, _, err := s.capture(c); !errors.As(err, &gone) || gone.Missing.Code != "HostNotRead" {
			t.Errorf("a path that is missing: %v", err)
		}
		c.Paths = []string{dir}
		c.Before = &v1alpha1.BackupHook{Command: []string{"false"}}
		if _, _, err := s.capture(c); !errors.As(err, &gone) {
			t.Errorf("a hook that fails: %v", err)
		}
		if _, err := os.Stat(after); err != nil {
			t.Errorf("the second hook: %v", err)
		}
	})
}

// A cluster directory is one sealed archive a host, and says which keys it lacks.
func TestClusterDirectory(t *testing.T) {
	s := newStand(t)
	dir := t.TempDir()
	write(t, dir+"/pki/ca.key", "PRIVATE")
	c := v1alpha1.BackupComponent{Name: "keys", Type: v1alpha1.ComponentClusterDirectory, Hosts: []string{"w1", "w9"}, Paths: []string{dir}}
	rec, set, err := s.capture(c)
	must(t, err)
	if len(rec.Missing) != 1 || rec.Missing[0].Object != "w9" {
		t.Errorf("missing: %+v", rec.Missing)
	}
	if got := s.read(set, "keys/w1.tar.age"); strings.Contains(got, "PRIVATE") || !strings.HasPrefix(got, "age-encryption.org/") {
		t.Errorf("the key is not sealed: %.60q", got)
	}
}

func TestHostCommand(t *testing.T) {
	s := newStand(t)
	c := v1alpha1.BackupComponent{Name: "export", Type: v1alpha1.ComponentHostCommand, Hosts: []string{"w1"}, File: "out.txt", Command: []string{"printf", "%s", "$(id) ; `id`"}}
	_, set, err := s.capture(c)
	must(t, err)
	if got := s.read(set, "export/out.txt"); got != "$(id) ; `id`" {
		t.Errorf("the output: %q", got)
	}
	var gone *component.AbsentError
	for name, argv := range map[string][]string{"that fails": {"sh", "-c", "echo half; exit 3"}, "that says nothing": {"true"}, "that is not there": {"/nowhere"}} {
		c.Command = argv
		if _, _, err := s.capture(c); !errors.As(err, &gone) || gone.Missing.Code != "CommandFailed" {
			t.Errorf("a command %s: %v", name, err)
		}
	}
	c.Command, c.TimeoutSeconds = []string{"sleep", "60"}, 1
	began := time.Now()
	if _, _, err := s.capture(c); !errors.As(err, &gone) || time.Since(began) > 30*time.Second {
		t.Errorf("a command that does not end: %v after %v", err, time.Since(began))
	}
	if _, err := os.Stat("/nowhere"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
