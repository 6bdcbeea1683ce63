package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// With a full disk no operation begins, running ones pause and say so; when there is room again they go on by themselves. The data directory is a
// small file system of its own, in a mount namespace that ends with the server.
func TestDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	const pods = 60
	api := small(t, pods)
	s := newServer(t, "--min-free-disk", "200Mi")
	s.wrap = []string{"unshare", "--mount", "--propagation", "private", "sh", "-c", `mount -t tmpfs -o size=900m tmpfs "$0" && exec "$@"`, s.dir}
	s.spawn()
	inside := func(path string) string { return fmt.Sprintf("/proc/%d/root%s", s.cmd.Process.Pid, path) }
	eventually(t, 2*time.Minute, "the server is ready", func() bool {
		data, err := os.ReadFile(inside(s.kubeconfig()))
		return err == nil && s.healthy() && os.WriteFile(filepath.Join(t.TempDir(), "k"), data, 0o600) == nil
	})
	data, err := os.ReadFile(inside(s.kubeconfig()))
	if err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(outside, data, 0o600); err != nil {
		t.Fatal(err)
	}
	k := func(args ...string) result { return s.as(outside, args...) }
	path := filepath.Join(t.TempDir(), "small")
	if err := os.WriteFile(path, api.Kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := k("cluster", "add", "small", "--kubeconfig", path); r.code != 0 {
		t.Fatalf("cluster add: %s", r.err)
	}
	s.slowly("small", outside)
	var op *v1alpha1.Operation
	eventually(t, time.Minute, "a plan", func() bool {
		r := k("drain", "n1", "--cluster", "small", "--plan-only", "-o", "json")
		if r.code == 0 {
			op = s.operation(r)
		}
		return r.code == 0
	})
	if r := k("approve", "operation/"+op.Name, "--cluster", "small", "--plan", op.Status.Plan.Digest); r.code != 0 {
		t.Fatalf("approve: %s", r.err)
	}
	eventually(t, time.Minute, "evictions have begun", func() bool { return len(api.Evictions(t, "default")) > 0 })

	full := inside(filepath.Join(s.dir, "full"))
	fill(t, full)
	read := func() *v1alpha1.Operation {
		r := k("get", "operations", op.Name, "--cluster", "small", "-o", "json")
		if r.code != 0 {
			return op
		}
		return s.operation(r)
	}
	eventually(t, time.Minute, "the drain pauses because of the disk", func() bool {
		got := read()
		return got.Status.Phase == v1alpha1.PhasePaused && got.Status.Reason == v1alpha1.ReasonDiskFull
	})
	// A new one is planned, and does not begin.
	if r := k("cordon", "n2", "--cluster", "small", "--plan-only", "-o", "json"); r.code == 0 {
		next := s.operation(r)
		patch := fmt.Sprintf(`{"spec":{"approvedPlan":%q}}`, next.Status.Plan.Digest)
		if r := s.kubectl(outside, "patch", "operations.kanrin.dev", next.Name, "-n", "small", "--type=merge", "-p", patch); r.code != 0 {
			t.Errorf("approving with kubectl: %s", r.err)
		}
		eventually(t, 30*time.Second, "the approved cordon says that it is held back", func() bool {
			r := k("get", "operations", next.Name, "--cluster", "small", "-o", "json")
			return r.code == 0 && s.operation(r).Status.Reason == v1alpha1.ReasonDiskFull
		})
		if n, err := api.Client.CoreV1().Nodes().Get(t.Context(), "n2", metav1.GetOptions{}); err != nil || n.Spec.Unschedulable {
			t.Errorf("an operation began on a full disk: %v", err)
		}
		k("cancel", "operation/"+next.Name, "--cluster", "small", "--yes")
	}
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	eventually(t, 2*time.Minute, "the drain goes on by itself", func() bool { return read().Status.Phase == v1alpha1.PhaseSucceeded })
	once(t, api, pods)
}

// fill takes all the space there is.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := []byte(strings.Repeat("x", 1<<20))
	for {
		if _, err := f.Write(block); err != nil {
			var st syscall.Statfs_t
			_ = syscall.Statfs(filepath.Dir(path), &st)
			return
		}
	}
}
