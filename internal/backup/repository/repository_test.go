package repository

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
)

const password = "a password for tests"

var (
	when = time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC)
	attr = Attr{Mode: 0o640, ModTime: when, UID: 1, GID: 2}
)

func place(t testing.TB) Location {
	t.Helper()
	return Location{Type: Filesystem, Path: filepath.Join(memory(t), "repository")}
}

// memory is a directory that needs no disk, where there is one: the repository syncs what it writes.
func memory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "kanrin-repository-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// create opens a new repository. Making one takes several derivations of a key from the password, which are slow on purpose: it is made
// once, and copied.
func create(t testing.TB, l Location, o Options) *Repository {
	t.Helper()
	made, err := template()
	if err == nil {
		err = os.CopyFS(l.Path, made)
	}
	if err != nil {
		t.Fatal(err)
	}
	return reopen(t, l, o)
}

var template = sync.OnceValues(func() (fs.FS, error) {
	dir, err := os.MkdirTemp("", "kanrin-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	r, err := Create(ctx, Location{Type: Filesystem, Path: dir}, Credentials{Password: password}, Options{Cluster: "prod"})
	if err != nil {
		return nil, err
	}
	if err := r.Close(ctx); err != nil {
		return nil, err
	}
	made := fstest.MapFS{}
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(name)
		made[strings.TrimPrefix(name, dir+"/")] = &fstest.MapFile{Data: content, Mode: 0o600}
		return err
	})
	return made, err
})

func reopen(t testing.TB, l Location, o Options) *Repository {
	t.Helper()
	if o.Cluster == "" {
		o.Cluster = "prod"
	}
	r, err := Open(t.Context(), l, Credentials{Password: password}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	return r
}

// files are put as they are; a name with a slash at its end is a directory, "link → target" a link.
type files map[string]string

func (f files) put(w *TreeWriter) error {
	for name, content := range f {
		var err error
		switch {
		case strings.HasSuffix(name, "/"):
			err = w.Dir(strings.TrimSuffix(name, "/"), Attr{Mode: 0o750, ModTime: when})
		case strings.HasPrefix(content, "→ "):
			err = w.Symlink(name, strings.TrimPrefix(content, "→ "), attr)
		default:
			_, err = w.File(name, attr, strings.NewReader(content))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func seal(t testing.TB, r *Repository, set string, components map[string]files) SetInfo {
	t.Helper()
	s, err := r.Begin(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range components {
		if _, err := s.Put(t.Context(), name, f.put); err != nil {
			t.Fatal(err)
		}
	}
	info, err := s.Seal(t.Context(), []byte(`{"set":"`+set+`"}`), map[string]string{"revision": "42"})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func random(n int, seed byte) string {
	p := make([]byte, n)
	r := rand.NewChaCha8([32]byte{seed})
	_, _ = r.Read(p)
	return string(p)
}

func read(t testing.TB, s *Set, name string) string {
	t.Helper()
	f, err := s.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestSet(t *testing.T) {
	t.Parallel()
	l := place(t)
	big := random(12<<20, 1)
	content := map[string]files{
		"etcd":      {"snapshot.db": big, "index.bin": "index"},
		"directory": {"a/": "", "a/b/c.yaml": "content", "a/link": "→ b/c.yaml", "empty": "", "odd\n\"name\\": "x"},
	}
	info := seal(t, create(t, l, Options{}), "prod-1", content)
	if info.Name != "prod-1" || info.Cluster != "prod" || info.Tags["revision"] != "42" || info.Bytes < 12<<20 {
		t.Errorf("set %+v", info)
	}

	r := reopen(t, l, Options{ReadOnly: true, CacheDir: t.TempDir()})
	sets, err := r.Sets(t.Context())
	if err != nil || len(sets) != 1 || sets[0].ID != info.ID {
		t.Fatalf("sets %+v, %v", sets, err)
	}
	s, err := r.OpenSet(t.Context(), "prod-1")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := s.Manifest(t.Context()); err != nil || string(m) != `{"set":"prod-1"}` {
		t.Errorf("manifest %s, %v", m, err)
	}
	for component, f := range content {
		for name, want := range f {
			if strings.HasSuffix(name, "/") || strings.HasPrefix(want, "→ ") {
				continue
			}
			if got := read(t, s, component+"/"+name); got != want {
				t.Errorf("%s/%s: %d bytes, want %d", component, name, len(got), len(want))
			}
		}
	}
	if target, err := s.Readlink(t.Context(), "directory/a/link"); err != nil || target != "b/c.yaml" {
		t.Errorf("link %q, %v", target, err)
	}
	e, err := s.Stat(t.Context(), "directory/a/b/c.yaml")
	if err != nil || e.Attr != attr && !e.ModTime.Equal(attr.ModTime) || e.Mode != attr.Mode || e.UID != 1 || e.Size != 7 {
		t.Errorf("entry %+v, %v", e, err)
	}
	var walked []string
	err = s.Walk(t.Context(), "directory", func(name string, e Entry) error {
		walked = append(walked, fmt.Sprintf("%c %s", e.Type, name))
		if name == "directory/a" {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil || strings.Join(walked, ", ") != "d directory/a, f directory/empty, f directory/odd\n\"name\\" {
		t.Errorf("walked %q, %v", walked, err)
	}
	digests, err := s.Digests(t.Context(), "directory")
	if err != nil || digests["empty"] != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" || len(digests) != 4 {
		t.Errorf("digests %v, %v", digests, err)
	}
	f, err := s.Open(t.Context(), "etcd/snapshot.db")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 100 {
		at, p := rand.Int64N(f.Size()), make([]byte, rand.IntN(1<<20))
		n, err := f.ReadAt(p, at)
		if err != nil && !errors.Is(err, io.EOF) || !bytes.Equal(p[:n], []byte(big[at:int(at)+n])) {
			t.Fatalf("ReadAt(%d, %d) = %d, %v", len(p), at, n, err)
		}
	}
}

func TestDigestDependsOnContentAlone(t *testing.T) {
	t.Parallel()
	content := files{"b": "2", "a/x": "1", "a/": "", "l": "→ b"}
	digest := func(f files) string {
		s, err := create(t, place(t), Options{}).Begin(t.Context(), "s")
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close(t.Context())
		item, err := s.Put(t.Context(), "c", f.put)
		if err != nil {
			t.Fatal(err)
		}
		return item.Digest
	}
	first := digest(content)
	if second := digest(content); second != first {
		t.Errorf("digests %s and %s", first, second)
	}
	if other := digest(files{"b": "3", "a/x": "1", "a/": "", "l": "→ b"}); other == first {
		t.Error("another content, the same digest")
	}
}

func TestGoOnAfterACrash(t *testing.T) {
	t.Parallel()
	l := place(t)
	r := create(t, l, Options{})
	s, err := r.Begin(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	item, err := s.Put(t.Context(), "etcd", files{"snapshot.db": random(3<<20, 1)}.put)
	if err != nil {
		t.Fatal(err)
	}
	// No Close: the process is gone.

	r = reopen(t, l, Options{})
	s, err = r.Begin(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	if items := s.Items(); len(items) != 1 || items[0].Digest != item.Digest || items[0].Component != "etcd" {
		t.Fatalf("items %+v, want %+v", items, item)
	}
	if _, err := s.Put(t.Context(), "keys", files{"k": "v"}.put); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Seal(t.Context(), []byte("{}"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Begin(t.Context(), "one"); StateOf(err) != AlreadyExists {
		t.Errorf("beginning a sealed set: %v", err)
	}
	parts, err := r.manifests(t.Context(), unfinishedPath, nil)
	if err != nil || len(parts) != 0 {
		t.Errorf("%d parts left, %v", len(parts), err)
	}
	set, err := r.OpenSet(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	if read(t, set, "etcd/snapshot.db") != random(3<<20, 1) || read(t, set, "keys/k") != "v" {
		t.Error("not what was put")
	}
}

func TestFailedPutIsNotInTheSet(t *testing.T) {
	t.Parallel()
	r := create(t, place(t), Options{})
	s, err := r.Begin(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	_, err = s.Put(t.Context(), "db", func(w *TreeWriter) error {
		_, err := w.File("dump", attr, io.MultiReader(strings.NewReader("half"), failing{broken}))
		return err
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if len(s.Items()) != 0 {
		t.Errorf("items %v", s.Items())
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "db", files{"x": "y"}.put); StateOf(err) != Invalid {
		t.Errorf("put after close: %v", err)
	}
}

func TestReuse(t *testing.T) {
	t.Parallel()
	r := create(t, place(t), Options{})
	seal(t, r, "one", map[string]files{"dir": {"a/same": "unchanged", "a/other": "1"}})
	s, err := r.Begin(t.Context(), "two")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Put(t.Context(), "dir", func(w *TreeWriter) error {
		e, ok := w.Previous("a/same")
		if !ok || e.Size != 9 || e.Mode != attr.Mode || !e.ModTime.Equal(when) {
			t.Errorf("previous: %+v, %v", e, ok)
		}
		if _, ok := w.Previous("a/none"); ok {
			t.Error("found what was not there")
		}
		e.Mode = 0o600
		if err := w.Reuse("a/same", e); err != nil {
			return err
		}
		if err := w.Reuse("a/made-up", Entry{}); StateOf(err) != Invalid {
			t.Errorf("reusing nothing: %v", err)
		}
		_, err := w.File("a/other", attr, strings.NewReader("2"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Seal(t.Context(), []byte("{}"), nil); err != nil {
		t.Fatal(err)
	}
	set, err := r.OpenSet(t.Context(), "two")
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := set.Stat(t.Context(), "dir/a/same"); read(t, set, "dir/a/same") != "unchanged" || e.Mode != 0o600 || read(t, set, "dir/a/other") != "2" {
		t.Error("not what was put")
	}
}

func TestBadNames(t *testing.T) {
	t.Parallel()
	r := create(t, place(t), Options{})
	s, err := r.Begin(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	for _, name := range []string{"", ".", "..", "a/b", "manifest.json", "digests", "/a"} {
		if _, err := s.Put(t.Context(), name, files{}.put); StateOf(err) != Invalid {
			t.Errorf("component %q: %v", name, err)
		}
	}
	_, err = s.Put(t.Context(), "c", func(w *TreeWriter) error {
		for _, name := range []string{"", ".", "..", "../x", "/x", "a//b", "a/../b", "a/", "a\x00b"} {
			if _, err := w.File(name, attr, strings.NewReader("")); StateOf(err) != Invalid {
				t.Errorf("file %q: %v", name, err)
			}
		}
		if _, err := w.File("f", attr, strings.NewReader("")); err != nil {
			t.Error(err)
		}
		if _, err := w.File("f", attr, strings.NewReader("")); StateOf(err) != AlreadyExists {
			t.Errorf("a file twice: %v", err)
		}
		if _, err := w.File("f/g", attr, strings.NewReader("")); StateOf(err) != Invalid {
			t.Errorf("below a file: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpening(t *testing.T) {
	t.Parallel()
	l := place(t)
	if _, err := Open(t.Context(), l, Credentials{Password: password}, Options{}); StateOf(err) != NotFound {
		t.Errorf("nothing there: %v", err)
	}
	if err := os.MkdirAll(l.Path, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), l, Credentials{Password: password}, Options{}); StateOf(err) != NotFound {
		t.Errorf("empty directory: %v", err)
	}
	if entries, _ := os.ReadDir(l.Path); len(entries) != 0 {
		t.Errorf("opening left %v in an empty directory", entries)
	}
	if _, err := Create(t.Context(), l, Credentials{}, Options{}); StateOf(err) != Invalid {
		t.Errorf("no password: %v", err)
	}
	r, err := Create(t.Context(), l, Credentials{Password: password}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(t.Context())
	if _, err := Create(t.Context(), l, Credentials{Password: password}, Options{}); StateOf(err) != AlreadyExists {
		t.Errorf("creating again: %v", err)
	}
	if _, err := Open(t.Context(), l, Credentials{Password: "wrong"}, Options{}); StateOf(err) != WrongPassword {
		t.Errorf("wrong password: %v", err)
	}
	for _, bad := range []Location{{}, {Type: Filesystem, Path: "relative"}, {Type: S3}, {Type: SFTP}} {
		if _, err := Open(t.Context(), bad, Credentials{Password: password}, Options{}); StateOf(err) != Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	l := place(t)
	seal(t, create(t, l, Options{}), "one", map[string]files{"c": {"f": "x"}})
	r := reopen(t, l, Options{ReadOnly: true})
	if _, err := r.Begin(t.Context(), "two"); StateOf(err) != Forbidden {
		t.Errorf("begin: %v", err)
	}
	if err := r.DeleteSet(t.Context(), "one"); StateOf(err) != Forbidden {
		t.Errorf("delete: %v", err)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	l := place(t)
	r := create(t, l, Options{})
	seal(t, r, "one", map[string]files{"c": {"f": "x"}})
	if err := r.DeleteSet(t.Context(), "none"); StateOf(err) != NotFound {
		t.Errorf("delete nothing: %v", err)
	}
	if err := reopen(t, l, Options{AppendOnly: true}).DeleteSet(t.Context(), "one"); StateOf(err) != Forbidden {
		t.Errorf("append-only: %v", err)
	}
	if err := r.DeleteSet(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.OpenSet(t.Context(), "one"); StateOf(err) != NotFound {
		t.Errorf("open: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
