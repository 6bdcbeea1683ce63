package proof

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kanrin.dev/kanrin/internal/backup/snapshot"
	"kanrin.dev/kanrin/internal/kubebin"
)

// killedDir makes this test binary prove the set in the directory, until it is killed.
const killedDir = "KANRIN_TEST_PROOF_DIR"

func proveUntilKilled(dir string) {
	err := func() error {
		binary, err := kubebin.Find("", "")
		if err != nil {
			return err
		}
		conf := Configuration{Binary: binary, Scratch: dir}
		progress := func(s Stage) { fmt.Println(s.Name, s.Done) }
		if sql, err := os.ReadFile(filepath.Join(dir, PostgreSQL)); err == nil {
			_, err = Database(context.Background(), conf, Dump{Kind: PostgreSQL, SQL: bytes.NewReader(sql), Size: int64(len(sql))}, progress)
			return err
		}
		var s set
		if s.data, err = os.ReadFile(filepath.Join(dir, "snapshot")); err != nil {
			return err
		}
		if s.index, _, err = snapshot.Build(context.Background(), bytes.NewReader(s.data), int64(len(s.data)), snapshot.Options{}); err != nil {
			return err
		}
		_, err = Run(context.Background(), conf, s.input(), progress)
		return err
	}()
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// scratchDir is a directory of the test's own, in memory.
func scratchDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(DefaultScratch, "kanrin-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil { // for the accounts of databases
		t.Fatal(err)
	}
	return dir
}

// processesIn lists the processes that were started with a path below dir, or work there.
func processesIn(t testing.TB, dir string) []string {
	t.Helper()
	var found []string
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if cwd, err := os.Readlink(filepath.Join(filepath.Dir(path), "cwd")); err == nil && strings.HasPrefix(cwd, dir+"/") {
			found = append(found, string(data))
			continue
		}
		if line := strings.ReplaceAll(string(data), "\x00", " "); err == nil && strings.Contains(line, dir+"/") {
			found = append(found, line)
		}
	}
	return found
}

func nothingLeft(t testing.TB, dir string) {
	t.Helper()
	for _, p := range processesIn(t, dir) {
		t.Errorf("still runs: %.200s", p)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("still there: %s", e.Name())
	}
}

// TestCancel ends proofs in each stage, once its program runs.
func TestCancel(t *testing.T) {
	t.Parallel()
	s := takeSet(t)
	for stage, program := range map[string]string{
		StageSnapshot: "", StageRestore: "", StageEtcd: " etcd ", StageKeys: "", StageAPI: " kube-apiserver ", StageObjects: "",
	} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			conf := configuration(t)
			conf.Scratch = scratchDir(t)
			enough := errors.New("enough")
			watched := make(chan struct{})
			_, err := Run(ctx, conf, s.input(), func(st Stage) {
				if st.Name != stage || st.Done {
					return
				}
				go func() {
					defer close(watched)
					defer cancel(enough)
					if program != "" {
						eventually(t, program, func() bool { return strings.Contains(fmt.Sprint(processesIn(t, conf.Scratch)), program) })
					}
				}()
				if program == "" {
					<-watched
				}
			})
			<-watched
			if !errors.Is(err, enough) {
				t.Error(err)
			}
			nothingLeft(t, conf.Scratch)
		})
	}
}

// TestKilled: nothing outlives a Kanrin that had no chance to clean up, and the next one removes what it has written.
func TestKilled(t *testing.T) {
	t.Parallel()
	t.Run("cluster", func(t *testing.T) {
		killWhile(t, "snapshot", takeSet(t).data, StageAPI, " kube-apiserver ")
	})
	t.Run("database", func(t *testing.T) {
		_, err := findPostgres()
		skipWithout(t, err)
		killWhile(t, PostgreSQL, []byte("SELECT pg_sleep(3600);\n"), StageLoad, "SELECT")
	})
}

// killWhile kills a Kanrin that proves what is in the file when it has begun a stage and a process of it runs.
func killWhile(t *testing.T, name string, data []byte, stage, process string) {
	t.Helper()
	dir := scratchDir(t)
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	killed := exec.Command(os.Args[0])
	killed.Env = append(os.Environ(), killedDir+"="+dir)
	killed.Stderr = os.Stderr
	out, err := killed.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != stage+" false"; {
	}
	eventually(t, process, func() bool { return strings.Contains(fmt.Sprint(processesIn(t, dir)), process) })
	sweep(t, dir, 0) // it runs
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait() // it was killed
	eventually(t, "end of the children", func() bool { return len(processesIn(t, dir)) == 0 })
	sweep(t, dir, 1)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, dir)
}

func sweep(t *testing.T, dir string, want int) {
	t.Helper()
	if n, err := Sweep(t.Context(), dir, nil); n != want || err != nil {
		t.Errorf("swept %d, %v; want %d", n, err, want)
	}
}
