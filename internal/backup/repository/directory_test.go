package repository

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func localDirectory(t testing.TB, f files) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range f {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch {
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(at, 0o755)
		case strings.HasPrefix(content, "→ "):
			err = os.Symlink(strings.TrimPrefix(content, "→ "), at)
		default:
			err = os.WriteFile(at, []byte(content), 0o640)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPutDirectory(t *testing.T) {
	t.Parallel()
	content := files{"a/file": "1", "a/b/big": random(9<<20, 3), "link": "→ a/file", "empty/": "", ".kopiaignore": "*", "none": ""}
	dir := localDirectory(t, content)
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := create(t, place(t), Options{})
	s, err := r.Begin(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.PutDirectory(t.Context(), "data", dir)
	if err != nil {
		t.Fatal(err)
	}
	if first.Files != 5 || first.Bytes != 9<<20+2 || first.Reused != 0 || len(first.Failed) != 0 {
		t.Errorf("item %+v", first)
	}
	// The digest does not tell how the files came into the set.
	byHand, err := s.Put(t.Context(), "by-hand", func(w *TreeWriter) error {
		for _, dir := range []string{"a", "a/b", "empty"} {
			if err := w.Dir(dir, Attr{Mode: 0o755}); err != nil {
				return err
			}
		}
		for name, c := range content {
			var err error
			switch {
			case strings.HasSuffix(name, "/"):
			case strings.HasPrefix(c, "→ "):
				err = w.Symlink(name, strings.TrimPrefix(c, "→ "), Attr{Mode: 0o777})
			default:
				_, err = w.File(name, Attr{Mode: 0o640}, strings.NewReader(c))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || byHand.Digest != first.Digest {
		t.Errorf("digests %s and %s, %v", first.Digest, byHand.Digest, err)
	}
	if _, err := s.Seal(t.Context(), []byte("{}"), nil); err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(filepath.Join(dir, "a/file"), []byte("2"), 0o640); err != nil {
		t.Fatal(err)
	}
	s, err = r.Begin(t.Context(), "two")
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.PutDirectory(t.Context(), "data", dir)
	if err != nil {
		t.Fatal(err)
	}
	if second.Reused != 4 || second.Digest == first.Digest || second.Files != first.Files {
		t.Errorf("item %+v", second)
	}
	if _, err := s.Seal(t.Context(), []byte("{}"), nil); err != nil {
		t.Fatal(err)
	}
	set, err := r.OpenSet(t.Context(), "two")
	if err != nil {
		t.Fatal(err)
	}
	if read(t, set, "data/a/file") != "2" || read(t, set, "data/a/b/big") != content["a/b/big"] {
		t.Error("not what was stored")
	}
	if target, err := set.Readlink(t.Context(), "data/link"); err != nil || target != "a/file" {
		t.Errorf("link %q, %v", target, err)
	}
	digests, err := set.Digests(t.Context(), "data")
	if err != nil || len(digests) != 5 || digests["a/b/big"] == "" {
		t.Errorf("digests %v, %v", digests, err)
	}
}

func TestPutDirectoryThatIsNotThere(t *testing.T) {
	t.Parallel()
	s, err := create(t, place(t), Options{}).Begin(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	if _, err := s.PutDirectory(t.Context(), "data", filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if _, err := s.PutDirectory(t.Context(), "data", "relative"); StateOf(err) != Invalid {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.PutDirectory(ctx, "data", localDirectory(t, files{"a": "b"})); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestUnreadableFileIsNamed(t *testing.T) {
	t.Parallel()
	// Root may read every file of a disk; the kernel has some that nobody may.
	const dir = "/proc/self/attr"
	if _, err := os.ReadFile(filepath.Join(dir, "current")); err == nil {
		t.Skip("everything can be read here")
	}
	s, err := create(t, place(t), Options{}).Begin(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	item, err := s.PutDirectory(t.Context(), "data", dir)
	if err != nil || len(item.Failed) == 0 || item.Failed[0].Path == "" || item.Failed[0].Error == "" {
		t.Errorf("item %+v, %v", item, err)
	}
}
