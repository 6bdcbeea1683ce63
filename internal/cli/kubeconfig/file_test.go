package kubeconfig

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestUpdate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, ".kube", "config")
	write := func(text string) func([]byte) ([]byte, error) {
		return func([]byte) ([]byte, error) { return []byte(text), nil }
	}
	if err := Update(t.Context(), path, write("one")); err != nil {
		t.Fatal(err)
	}
	assertFile(t, path, "one")

	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := Update(t.Context(), link, write("two")); err != nil {
		t.Fatal(err)
	}
	assertFile(t, path, "two")
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v %v", info, err)
	}

	broken := errors.New("cannot")
	if err := Update(t.Context(), path, func([]byte) ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	assertFile(t, path, "two")
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}

func TestUpdateIsExclusive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := Update(t.Context(), path, func(b []byte) ([]byte, error) { return append(b, 'x'), nil }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	assertFile(t, path, "xxxxxxxx")
}

func TestUpdateWaitsForOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path+".lock", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	never := func([]byte) ([]byte, error) { t.Error("changed a locked file"); return nil, nil }
	if err := Update(t.Context(), path, never); !errors.Is(err, ErrHeld) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Update(ctx, path, never); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(path + ".lock"); err != nil {
		t.Errorf("somebody else's lock was removed: %v", err)
	}
}

func TestReadIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, make([]byte, maxBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v", err)
	}
}

func TestFileFor(t *testing.T) {
	dir := t.TempDir()
	a, b, c := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")
	t.Setenv("KUBECONFIG", a+string(filepath.ListSeparator)+b+string(filepath.ListSeparator)+c)
	if got := FileFor("", "kanrin-ops"); got != c {
		t.Errorf("with no file: %s", got)
	}
	set, err := Set(nil, entry)
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{a: []byte(foreign), b: set} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := FileFor("", "kanrin-ops"); got != b {
		t.Errorf("the context is in b: %s", got)
	}
	if got := FileFor("", "other"); got != a {
		t.Errorf("a new one goes into the first file: %s", got)
	}
	if got := FileFor(c, "kanrin-ops"); got != c {
		t.Errorf("an explicit file wins: %s", got)
	}
	t.Setenv("KUBECONFIG", "")
	t.Setenv("HOME", dir)
	if got := FileFor("", "x"); got != filepath.Join(dir, ".kube", "config") {
		t.Errorf("the default: %s", got)
	}
}

func assertFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("content %q, %v; want %q", got, err, want)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}
