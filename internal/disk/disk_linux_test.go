package disk

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inNamespace makes this test binary run one test on a small file system of its own.
const inNamespace = "KANRIN_TEST_DISK_SMALL"

// TestRealDisk fills a real file system.
func TestRealDisk(t *testing.T) {
	if dir := os.Getenv(inNamespace); dir != "" {
		fillSmallDisk(t, dir)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestRealDisk$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || strings.Contains(string(out), "cannot mount") {
		t.Skipf("this machine gives no file system of one's own: %v %s", err, out)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func fillSmallDisk(t *testing.T, dir string) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Fatalf("cannot mount: %v", err)
	}
	m, err := New(Configuration{Dir: dir, Threshold: Threshold{Bytes: 8 << 20}, Ballast: 16 << 20, Every: 10 * time.Millisecond}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer m.Stop(t.Context())
	told, cancel := m.Subscribe()
	defer cancel()
	if m.Full() {
		t.Fatalf("full at the start: %+v", m.State())
	}
	hog := filepath.Join(dir, "hog")
	f, err := os.Create(hog)
	if err != nil {
		t.Fatal(err)
	}

	if err := writeZeros(f, 44<<20); err != nil { // leaves 4 MiB beside the reserve
		t.Fatalf("filling the disk: %v", err)
	}
	<-told
	if s := m.State(); !s.Full {
		t.Errorf("on a full disk: %+v", s)
	}
	if err := os.WriteFile(filepath.Join(dir, "last words"), make([]byte, 15<<20), 0o600); err != nil {
		t.Errorf("the reserve is not there for others: %v", err)
	}
	f.Close()
	if err := os.Remove(hog); err != nil {
		t.Fatal(err)
	}
	<-told
	if s := m.State(); s.Full || !exists(t, filepath.Join(dir, BallastName)) {
		t.Errorf("with room again: %+v", s)
	}
}
