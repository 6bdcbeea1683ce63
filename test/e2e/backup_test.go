package e2e

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// TestBackups: from a policy to a proven set, objects out of it, damage that is never green, kills in the middle, and nothing in clear.
func TestBackups(t *testing.T) {
	s := newServer(t, "--demo").start()
	running(t, s)
	repo := filepath.Join(t.TempDir(), "repository")
	s.must(0, "backup", "policy", "set", "default", "--repository", repo, "--cluster", "demo")
	secret(t, s)

	first := made(t, s)
	t.Run("proven", func(t *testing.T) { proven(t, s, first) })
	t.Run("objects come back", func(t *testing.T) { objects(t, s, first) })
	t.Run("killed", func(t *testing.T) { killedBackups(t, s) })
	t.Run("nothing in clear", func(t *testing.T) {
		noneInClear(t, repo)
		noneInClear(t, filepath.Join(s.dir, "backup"))
		noneInClear(t, filepath.Join(s.dir, "logs"))
	})
	t.Run("known again", func(t *testing.T) { rescanned(t, s, repo) })
	t.Run("damage", func(t *testing.T) { damaged(t, s, repo) })
}

const clearText = "correct-horse-battery-staple"

// demoKubectl calls the demo cluster itself.
func (s *server) demoKubectl(args ...string) result {
	s.t.Helper()
	return s.kubectl(filepath.Join(s.dir, "demo", "kubeconfig"), args...)
}

func secret(t *testing.T, s *server) {
	t.Helper()
	if r := s.demoKubectl("-n", "shop", "create", "secret", "generic", "db", "--from-literal=password="+clearText); r.code != 0 {
		t.Fatal(r.err)
	}
}

func backups(t *testing.T, s *server) []v1alpha1.Backup {
	t.Helper()
	var list struct{ Items []v1alpha1.Backup }
	r := s.must(0, "get", "backups", "--cluster", "demo", "-o", "json")
	if err := json.Unmarshal([]byte(r.out), &list); err != nil {
		t.Fatalf("%v in %s", err, r.out)
	}
	slices.SortFunc(list.Items, func(a, b v1alpha1.Backup) int { return strings.Compare(b.Name, a.Name) })
	return list.Items
}

// made makes a set and returns it.
func made(t *testing.T, s *server) v1alpha1.Backup {
	t.Helper()
	s.must(0, "backup", "create", "cluster/demo")
	b := backups(t, s)[0]
	if b.Status.Phase != v1alpha1.BackupCaptured || b.Status.Revision == 0 || b.Status.Objects < 100 {
		t.Fatalf("the set: %+v", b.Status)
	}
	return b
}

func proven(t *testing.T, s *server, b v1alpha1.Backup) {
	s.must(0, "backup", "prove", b.Name, "--cluster", "demo")
	got := backups(t, s)[0]
	if got.Status.Phase != v1alpha1.BackupProven || got.Status.Proof == nil || !got.Status.Proof.Passed {
		t.Fatalf("after its proof: %+v", got.Status)
	}
	r := s.must(0, "describe", "drill", got.Status.Proof.Drill, "--cluster", "demo")
	if !strings.Contains(r.out, "valid") {
		t.Errorf("the drill does not say whether its signature is valid:\n%s", r.out)
	}
	s.must(0, "backup", "check", "--cluster", "demo", "--read-data")
}

// objects reads, compares and restores single objects.
func objects(t *testing.T, s *server, b v1alpha1.Backup) {
	r := s.must(0, "snapshot", "get", "deploy/web", "-n", "shop", "--at", b.Name, "--cluster", "demo")
	if !strings.Contains(r.out, "kind: Deployment") || strings.Contains(r.out, "resourceVersion") {
		t.Errorf("deploy/web:\n%s", r.out)
	}
	r = s.must(0, "snapshot", "get", "secret/db", "-n", "shop", "--at", b.Name, "--cluster", "demo")
	if strings.Contains(r.out, clearText) || strings.Contains(r.out, "Y29ycmVjd") {
		t.Errorf("the Secret is shown:\n%s", r.out)
	}
	s.demoKubectl("-n", "shop", "scale", "deploy/web", "--replicas=1")
	s.demoKubectl("-n", "shop", "delete", "secret", "db")
	r = s.must(0, "snapshot", "diff", "deploy/web", "-n", "shop", "--from", b.Name, "--cluster", "demo")
	if !strings.Contains(r.out, "-  replicas: 3") || !strings.Contains(r.out, "+  replicas: 1") {
		t.Errorf("the difference:\n%s", r.out)
	}
	s.must(0, "snapshot", "restore", "deploy/web", "secret/db", "-n", "shop", "--at", b.Name, "--cluster", "demo", "--yes")
	if r := s.demoKubectl("-n", "shop", "get", "deploy", "web", "-o", "jsonpath={.spec.replicas}"); r.out != "3" {
		t.Errorf("replicas after the restore: %s %s", r.out, r.err)
	}
	if r := s.demoKubectl("-n", "shop", "get", "secret", "db", "-o", "jsonpath={.data.password}"); r.out != "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZQ==" {
		t.Errorf("the Secret after the restore: %s %s", r.out, r.err)
	}
}

// killedBackups kills the whole program in the middle of sets and proofs; every one of them comes to its end.
func killedBackups(t *testing.T, s *server) {
	times := 2
	if full {
		times = 10
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 7))
	for i := range times {
		args := []string{"backup", "create", "cluster/demo", "--detach", "-o", "json"}
		if i%2 == 1 {
			args = []string{"backup", "prove", backups(t, s)[0].Name, "--cluster", "demo", "--detach", "-o", "json"}
		}
		op := s.operation(s.must(0, args...))
		time.Sleep(time.Duration(random.Int64N(int64(3 * time.Second)))) // any moment
		s.kill()
		eventually(t, 10*time.Second, "the children of a killed server are gone", func() bool { return len(processes(s.dir)) == 0 })
		s.start()
		eventually(t, 3*time.Minute, "the operation is over after a kill", func() bool {
			r := s.kanrin("get", "operations", op.Name, "-o", "json", "--cluster", "demo")
			return r.code == 0 && s.operation(r).Status.Phase.Terminal()
		})
		if got := s.get(op.Name); got.Status.Phase != v1alpha1.PhaseSucceeded {
			t.Fatalf("kill %d: %s, %s", i, got.Status.Phase, got.Status.Message)
		}
	}
	s.must(0, "backup", "check", "--cluster", "demo", "--read-data")
	left, _ := filepath.Glob("/dev/shm/kanrin-*")
	for _, dir := range left {
		if processesIn(dir) > 0 {
			t.Errorf("a proof runs on in %s", dir)
		}
	}
}

func processesIn(dir string) int { return len(processes(dir)) }

// noneInClear looks for the Secret's value in every file below a directory.
func noneInClear(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.Contains(data, []byte(clearText)) || bytes.Contains(data, []byte("Y29ycmVjdC1ob3JzZS1i")) {
			t.Errorf("%s holds the Secret in clear", path)
		}
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
}

// rescanned forgets all Backups and finds the sets again in the repository.
func rescanned(t *testing.T, s *server, _ string) {
	before := backups(t, s)
	for _, b := range before {
		if r := s.kubectl(s.kubeconfig(), "-n", "demo", "delete", "backup", b.Name); r.code != 0 {
			t.Fatal(r.err)
		}
	}
	s.must(0, "backup", "policy", "rescan", "default", "--cluster", "demo")
	after := backups(t, s)
	if len(after) != len(before) {
		t.Fatalf("%d sets are known again, there were %d", len(after), len(before))
	}
	for i := range after {
		if after[i].Status.Digest != before[i].Status.Digest || after[i].Status.Revision != before[i].Status.Revision {
			t.Errorf("%s is not the set that it was", after[i].Name)
		}
	}
}

// damaged flips one byte of every pack in the repository: nothing of it is ever green again, and nothing is restored from it.
func damaged(t *testing.T, s *server, repo string) {
	s.stop() // nothing is read from memory
	n := 0
	err := filepath.WalkDir(repo, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || !strings.HasPrefix(e.Name(), "p") && !strings.Contains(path, "/p") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || len(data) < 100 {
			return err
		}
		data[len(data)/2] ^= 1
		n++
		return os.WriteFile(path, data, 0o600)
	})
	if err != nil || n == 0 {
		t.Fatalf("%d packs damaged: %v", n, err)
	}
	s.start()
	b := backups(t, s)[0]
	if r := s.kanrin("backup", "check", "--cluster", "demo", "--read-data"); r.code == 0 {
		t.Errorf("the check finds nothing wrong:\n%s", r.out)
	}
	if r := s.kanrin("backup", "prove", b.Name, "--cluster", "demo"); r.code == 0 {
		t.Errorf("a damaged set is proven:\n%s", r.out)
	}
	for _, b := range backups(t, s) {
		if b.Name == backups(t, s)[0].Name && b.Status.Phase == v1alpha1.BackupProven {
			t.Errorf("damaged set %s is green", b.Name)
		}
	}
}
