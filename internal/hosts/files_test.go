package hosts_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/hosts/hoststest"
)

func TestFiles(t *testing.T) {
	m := on(t, hoststest.Start(t, hoststest.Options{}), hosts.Limits{})
	dir := t.TempDir()
	random := make([]byte, 3<<20)
	_, err := rand.Read(random)
	must(t, err)
	for name, content := range map[string][]byte{
		"empty": {}, "it's a $(name)": []byte("x"), "-n": []byte("dash\n"), "new/er/parents": bytes.Repeat([]byte("0123456789abcdef"), 4), "random": random,
	} {
		path := filepath.Join(dir, name)
		must(t, m.WriteFile(t.Context(), path, 0o640, bytes.NewReader(content)))
		info, err := os.Stat(path)
		must(t, err)
		got, err := m.ReadFile(t.Context(), path, int64(len(content)))
		must(t, err)
		if !bytes.Equal(got, content) || info.Mode().Perm() != 0o640 {
			t.Errorf("%s: %d bytes of mode %v came back", name, len(got), info.Mode())
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "new/er")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("a new parent: %v, %v", info, err)
	}
	if _, err := m.ReadFile(t.Context(), filepath.Join(dir, "none"), 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
	if _, err := m.ReadFile(t.Context(), filepath.Join(dir, "random"), 10); !errors.Is(err, hosts.ErrTooLarge) {
		t.Errorf("a large file gives %v", err)
	}
	if _, err := m.ReadFile(t.Context(), dir, 10); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory gives %v", err)
	}
	if err := m.WriteFile(t.Context(), dir, 0o600, strings.NewReader("x")); err == nil {
		t.Error("a directory was replaced by a file")
	}
	for _, bad := range []string{"", "relative", "/", dir + "/"} {
		if err := m.WriteFile(t.Context(), bad, 0o600, strings.NewReader("x")); err == nil {
			t.Errorf("path %q was written", bad)
		}
	}
	noRemains(t, dir)
}

// noRemains: no temporary file was left.
func noRemains(t *testing.T, dir string) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		left, err := filepath.Glob(filepath.Join(dir, ".kanrin-*"))
		must(t, err)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind: %v", left)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// slow yields some content, calls f, and goes on for a while.
type slow struct {
	n    int
	f    func()
	fail error
}

func (s *slow) Read(p []byte) (int, error) {
	s.n++
	switch {
	case s.n == 20:
		s.f()
	case s.n > 20 && s.fail != nil:
		return 0, s.fail
	case s.n > 2000:
		return 0, io.EOF
	}
	return copy(p, "new content "), nil
}

func TestWriteFileKilledHalfWay(t *testing.T) {
	s := hoststest.Start(t, hoststest.Options{})
	m := on(t, s, hosts.Limits{})
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	errBroken := errors.New("the source broke")
	for name, source := range map[string]*slow{"connection": {f: s.Drop}, "source": {f: func() {}, fail: errBroken}} {
		must(t, os.WriteFile(path, []byte("old"), 0o600))
		err := m.WriteFile(t.Context(), path, 0o600, source)
		if err == nil || source.fail != nil && !errors.Is(err, errBroken) {
			t.Errorf("%s: error %v", name, err)
		}
		noRemains(t, dir)
		if content, err := os.ReadFile(path); err != nil || string(content) != "old" {
			t.Errorf("%s: the file holds %q, %v", name, content, err)
		}
	}
}

func TestWriteFileDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mounting a small file system: %v", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(dir, 0)) })
	m := on(t, hoststest.Start(t, hoststest.Options{}), hosts.Limits{})
	path := filepath.Join(dir, "file")
	must(t, m.WriteFile(t.Context(), path, 0o600, strings.NewReader("old")))
	err := m.WriteFile(t.Context(), path, 0o600, bytes.NewReader(make([]byte, 10<<20)))
	var exit *hosts.ExitError
	if !errors.As(err, &exit) || !strings.Contains(exit.Stderr, "No space left") {
		t.Errorf("a full disk gives %v", err)
	}
	noRemains(t, dir)
	if content, err := os.ReadFile(path); err != nil || string(content) != "old" {
		t.Errorf("the file holds %q, %v", content, err)
	}
}
