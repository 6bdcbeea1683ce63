package repository

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// kopiaProgram is kopia's own program: the one that KANRIN_KOPIA names, or one built from the module that Kanrin uses. A first build takes
// minutes, so that without KANRIN_KOPIA only the long tests have it.
func kopiaProgram(t testing.TB) string {
	t.Helper()
	if program := os.Getenv("KANRIN_KOPIA"); program != "" {
		return program
	}
	if os.Getenv("KANRIN_E2E") != "full" {
		t.Skip("name kopia's program in KANRIN_KOPIA (go build -o kopia github.com/kopia/kopia), or run the long tests with KANRIN_E2E=full")
	}
	program := filepath.Join(t.TempDir(), "kopia")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/kopia/kopia").CombinedOutput(); err != nil {
		t.Fatalf("building kopia: %v: %s", err, out)
	}
	return program
}

type kopiaCLI struct {
	program, home string
}

func (k kopiaCLI) command(arguments ...string) *exec.Cmd {
	c := exec.Command(k.program, arguments...)
	c.Env = append(
		os.Environ(), "KOPIA_PASSWORD="+password, "KOPIA_CONFIG_PATH="+filepath.Join(k.home, "config"), "KOPIA_CHECK_FOR_UPDATES=false",
		"KOPIA_LOG_DIR="+filepath.Join(k.home, "log"), "KOPIA_CACHE_DIRECTORY="+filepath.Join(k.home, "cache"), "HOME="+k.home,
		"KOPIA_PERSIST_CREDENTIALS_ON_CONNECT=true", "KOPIA_USE_KEYRING=false",
	)
	return c
}

func (k kopiaCLI) run(t testing.TB, arguments ...string) string {
	t.Helper()
	c := k.command(arguments...)
	var out, problems bytes.Buffer
	c.Stdout, c.Stderr = &out, &problems
	if err := c.Run(); err != nil {
		t.Fatalf("kopia %s: %v\n%s%s", strings.Join(arguments, " "), err, out.String(), problems.String())
	}
	return out.String()
}

// Everything can be got out without Kanrin, and kopia's own program and Kanrin do each other no harm.
func TestRestoreWithKopiaAlone(t *testing.T) {
	t.Parallel()
	k := kopiaCLI{kopiaProgram(t), memory(t)}
	l := place(t)
	r := create(t, l, Options{})
	content := map[string]files{
		"etcd": {"snapshot.db": random(22<<20, 1), "index.bin": "index"},
		"dir":  {"a/": "", "a/b/c.yaml": "content", "a/link": "→ b/c.yaml", "empty": ""},
	}
	seal(t, r, "one", content)
	seal(t, r, "two", content)
	s, err := r.Begin(t.Context(), "unfinished")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "c", files{"f": "x"}.put); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	k.run(t, "repository", "connect", "filesystem", "--path", l.Path, "--override-hostname", "elsewhere", "--override-username", "somebody")
	var listed []struct {
		ID     string                                `json:"id"`
		Source struct{ Host, UserName, Path string } `json:"source"`
		Tags   map[string]string                     `json:"tags"`
	}
	if err := json.Unmarshal([]byte(k.run(t, "snapshot", "list", "--all", "--json")), &listed); err != nil {
		t.Fatal(err)
	}
	// Parts of what was never sealed are there too, marked as incomplete.
	if len(listed) != 3 || listed[2].Source.Path != unfinishedPath || listed[0].Tags["tag:set"] != "one" || listed[0].Source.Host != "prod" || listed[0].Source.UserName != "kanrin" {
		t.Fatalf("kopia lists %+v", listed)
	}
	target := filepath.Join(memory(t), "restored")
	k.run(t, "snapshot", "restore", listed[0].ID, target, "--no-ignore-permission-errors")
	for component, f := range content {
		for name, want := range f {
			at := filepath.Join(target, component, name)
			if strings.HasPrefix(want, "→ ") {
				if got, err := os.Readlink(at); err != nil || got != strings.TrimPrefix(want, "→ ") {
					t.Errorf("%s: link to %q, %v", at, got, err)
				}
				continue
			}
			info, err := os.Stat(at)
			if err != nil {
				t.Error(err)
				continue
			}
			if strings.HasSuffix(name, "/") {
				if info.Mode().Perm() != 0o750 {
					t.Errorf("%s: mode %v", at, info.Mode())
				}
				continue
			}
			if got, err := os.ReadFile(at); err != nil || string(got) != want || info.Mode().Perm() != 0o640 || !info.ModTime().Equal(when) {
				t.Errorf("%s: %d bytes, want %d, mode %v, time %v, %v", at, len(got), len(want), info.Mode(), info.ModTime(), err)
			}
		}
	}
	if got, _ := os.ReadFile(filepath.Join(target, "manifest.json")); string(got) != `{"set":"one"}` {
		t.Errorf("manifest %s", got)
	}
	k.run(t, "snapshot", "verify", "--verify-files-percent=100")
	k.run(t, "content", "verify", "--full")

	// A set of kopia's own beside Kanrin's, and kopia's maintenance over both.
	k.run(t, "snapshot", "create", filepath.Join(target, "dir"))
	k.run(t, "maintenance", "set", "--owner=me")
	k.run(t, "maintenance", "run", "--full")
	if report := verify(t, r, true, ""); !report.OK() || report.Unlisted == 0 {
		t.Errorf("after kopia: %+v", report)
	}
	if _, err := r.Maintain(t.Context(), MaintainOptions{}); StateOf(err) != Locked || !strings.Contains(err.Error(), "somebody@elsewhere") {
		t.Errorf("maintained by another: %v", err)
	}
	k.run(t, "maintenance", "set", "--owner="+owner)
	if err := r.DeleteSet(t.Context(), "two"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Maintain(context.Background(), MaintainOptions{Alone: true}); err != nil {
		t.Fatal(err)
	}
	k.run(t, "snapshot", "verify", "--verify-files-percent=100")
	if got := k.run(t, "snapshot", "list", "--all", "--json"); strings.Count(got, `"rootEntry"`) != 3 {
		t.Errorf("kopia lists %s", got)
	}
	if report := verify(t, r, true, ""); !report.OK() {
		t.Errorf("after both: %+v", report)
	}
}
