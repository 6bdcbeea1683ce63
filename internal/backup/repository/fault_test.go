package repository

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	kopiafs "github.com/kopia/kopia/fs"
	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/snapshot"
)

const writerEnv = "KANRIN_TEST_REPOSITORY"

// TestMain lets the test's own program be the one that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(writerEnv); path != "" {
		if err := write(path); err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// write makes sets for ever, and says what it has done.
func write(path string) error {
	ctx := context.Background()
	r, err := Open(ctx, Location{Type: Filesystem, Path: path}, Credentials{Password: password}, Options{Cluster: "prod"})
	if err != nil {
		return err
	}
	fmt.Println("open")
	for i := 0; ; i++ {
		set := fmt.Sprintf("%d-%d", os.Getpid(), i)
		s, err := r.Begin(ctx, set)
		if err != nil {
			return err
		}
		for c := range 3 {
			name := fmt.Sprintf("c%d", c)
			if _, err := s.Put(ctx, name, files{"f": random(rand.IntN(3<<20), byte(rand.IntN(256))), "g/h": set}.put); err != nil {
				return err
			}
			fmt.Println("put", set, name)
		}
		if _, err := s.Seal(ctx, []byte(set), nil); err != nil {
			return err
		}
		fmt.Println("sealed", set)
		if i%3 == 2 {
			if err := r.DeleteSet(ctx, set); err != nil {
				return err
			}
			fmt.Println("deleted", set)
			if _, err := r.Maintain(ctx, MaintainOptions{Alone: i%2 == 0}); err != nil {
				return err
			}
		}
	}
}

func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	times := 5
	if os.Getenv("KANRIN_E2E") == "full" {
		times = 40
	}
	l := place(t)
	create(t, l, Options{})
	for range times {
		said := kill(t, l.Path)
		r := reopen(t, l, Options{})
		report := verify(t, r, true, "")
		if !report.OK() {
			t.Fatalf("after %q: %+v", said, report.Problems)
		}
		var set string
		var parts int
		sealed, deleted := map[string]bool{}, map[string]bool{}
		for _, line := range said {
			f := strings.Fields(line)
			switch f[0] {
			case "put":
				if set != f[1] {
					set, parts = f[1], 0
				}
				parts++
			case "sealed":
				sealed[f[1]] = true
			case "deleted":
				deleted[f[1]] = true
			case "failed":
				t.Fatal(line)
			}
		}
		for name := range sealed {
			s, err := r.OpenSet(t.Context(), name)
			if deleted[name] {
				if StateOf(err) != NotFound {
					t.Errorf("deleted set %s: %v", name, err)
				}
				continue
			}
			if err != nil {
				// It may have been deleted in the moment in which the writer was killed.
				if StateOf(err) != NotFound || name != set {
					t.Errorf("sealed set %s: %v", name, err)
				}
				continue
			}
			if read(t, s, "manifest.json") != name || read(t, s, "c1/g/h") != name {
				t.Errorf("sealed set %s is not what was put", name)
			}
		}
		if set == "" || sealed[set] {
			continue
		}
		s, err := r.Begin(t.Context(), set)
		if StateOf(err) == AlreadyExists {
			continue // sealed in the moment in which the writer was killed
		}
		if err != nil {
			t.Fatal(err)
		}
		if items := s.Items(); len(items) < parts {
			t.Errorf("%d parts of %s were put, %d are left", parts, set, len(items))
		}
		if _, err := s.Seal(t.Context(), []byte(set), nil); err != nil {
			t.Fatal(err)
		}
		if report := verify(t, r, true, set); !report.OK() || report.Unlisted != 0 {
			t.Errorf("sealed after the crash: %+v", report)
		}
		_ = r.Close(t.Context())
	}
}

// kill runs a writer and kills it some time after it has opened the repository. It returns what the writer said.
func kill(t *testing.T, path string) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	writer := exec.Command(self)
	writer.Env = append(os.Environ(), writerEnv+"="+path, "TMPDIR="+memory(t))
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said = append(said, lines.Text())
		if len(said) == 1 {
			time.AfterFunc(time.Duration(rand.IntN(1500))*time.Millisecond, func() { _ = writer.Process.Kill() })
		}
	}
	_ = writer.Wait() // it was killed
	return said
}

// limited is a storage with so much room.
type limited struct {
	blob.Storage
	left *atomic.Int64
}

func (l limited) PutBlob(ctx context.Context, id blob.ID, data blob.Bytes, o blob.PutOptions) error {
	if l.left.Add(-int64(data.Length())) < 0 {
		return fmt.Errorf("writing: %w", syscall.ENOSPC)
	}
	return l.Storage.PutBlob(ctx, id, data, o)
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	l := place(t)
	var left atomic.Int64
	left.Store(1 << 40)
	r := create(t, l, Options{wrap: func(s blob.Storage) blob.Storage { return limited{s, &left} }})
	seal(t, r, "one", map[string]files{"c": {"f": random(1<<20, 1)}})
	s, err := r.Begin(t.Context(), "two")
	if err != nil {
		t.Fatal(err)
	}
	left.Store(10 << 20)
	if _, err := s.Put(t.Context(), "big", files{"f": random(50<<20, 2)}.put); StateOf(err) != NoSpace {
		t.Errorf("put: %v", err)
	}
	left.Store(0)
	if _, err := s.Seal(t.Context(), []byte("{}"), nil); StateOf(err) != NoSpace {
		t.Errorf("seal: %v", err)
	}
	if report := verify(t, reopen(t, l, Options{ReadOnly: true}), true, ""); !report.OK() {
		t.Errorf("while the disk is full: %+v", report)
	}
	left.Store(1 << 40)
	if _, err := s.Put(t.Context(), "small", files{"f": "x"}.put); err != nil {
		t.Errorf("put when there is room again: %v", err)
	}
	if _, err := s.Seal(t.Context(), []byte("{}"), nil); err != nil {
		t.Fatal(err)
	}
	if report := verify(t, r, true, ""); !report.OK() {
		t.Errorf("after it: %+v", report)
	}
}

func TestRealDiskFull(t *testing.T) {
	dir := memory(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	l := Location{Type: Filesystem, Path: filepath.Join(dir, "repository")}
	r := create(t, l, Options{})
	s, err := r.Begin(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "c", files{"f": random(6<<20, 1)}.put); StateOf(err) != NoSpace {
		t.Errorf("put: %v", err)
	}
	_ = s.Close(t.Context())
	for _, name := range stored(t, l) {
		if strings.Contains(name, ".tmp.") {
			t.Errorf("%s was left", name)
		}
	}
	if report := verify(t, reopen(t, l, Options{ReadOnly: true}), true, ""); !report.OK() {
		t.Errorf("report %+v", report)
	}
}

// vanishing removes the repository while a file is being read.
type vanishing struct {
	io.Reader
	path string
}

func (v vanishing) Read(p []byte) (int, error) {
	n, err := v.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		_ = os.RemoveAll(v.path)
	}
	return n, err
}

func TestStorageGoneHalfWay(t *testing.T) {
	t.Parallel()
	l := place(t)
	r := create(t, l, Options{})
	s, err := r.Begin(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Put(t.Context(), "c", func(w *TreeWriter) error {
		_, err := w.File("f", attr, vanishing{bytes.NewReader([]byte(random(1<<20, 1))), l.Path})
		return err
	})
	if StateOf(err) != Unreachable {
		t.Errorf("put: %v", err)
	}
	if _, err := s.Seal(t.Context(), []byte("{}"), nil); StateOf(err) != Unreachable {
		t.Errorf("seal: %v", err)
	}
	_ = s.Close(t.Context())
	if _, err := os.Stat(l.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the directory came back: it may be one below which nothing is mounted")
	}
}

func TestNewerSet(t *testing.T) {
	t.Parallel()
	r := create(t, place(t), Options{})
	seal(t, r, "one", map[string]files{"c": {"f": "x"}})
	sets, err := r.Sets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := *sets[0].manifest
	m.Tags = map[string]string{tagSet: "future", tagFormat: "2"}
	m.StartTime = kopiafs.UTCTimestampFromTime(time.Now())
	err = repo.WriteSession(t.Context(), r.kopia, repo.WriteSessionOptions{}, func(ctx context.Context, w repo.RepositoryWriter) error {
		_, err := snapshot.SaveSnapshot(ctx, w, &m)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.OpenSet(t.Context(), "future"); StateOf(err) != Newer {
		t.Errorf("open: %v", err)
	}
	id := blob.ID(inventoryPrefix + "f")
	if err := r.store.PutBlob(t.Context(), id, r.sealer.seal(id, future(t)), blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Verify(t.Context(), true, "one"); StateOf(err) != Newer {
		t.Errorf("an inventory of a newer version: %v", err)
	}
}

// future is an inventory of the next version.
func future(t *testing.T) []byte {
	t.Helper()
	return compressed(t, []byte{inventoryVersion + 1, 0})
}

// Two servers write and a third one deletes and frees, all on one storage.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	l := place(t)
	create(t, l, Options{})
	shared := random(1<<20, 9)
	var writers, pruning sync.WaitGroup
	for n := range 2 {
		r := reopen(t, l, Options{Cluster: fmt.Sprintf("cluster-%d", n)})
		writers.Go(func() {
			for i := range 4 {
				if err := writeSet(t, r, fmt.Sprintf("%d-%d", n, i), shared); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	pruner := reopen(t, l, Options{Cluster: "cluster-0"})
	pruning.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			if err := pruner.DeleteSet(t.Context(), "0-0"); err != nil && StateOf(err) != NotFound {
				t.Error(err)
			}
			if _, err := pruner.Maintain(t.Context(), MaintainOptions{Alone: i%2 == 0}); err != nil && StateOf(err) != Locked {
				t.Error(err)
			}
		}
	})
	writers.Wait()
	close(done)
	pruning.Wait()
	r, err := Open(t.Context(), l, Credentials{Password: password}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(context.Background())
	if report := verify(t, r, true, ""); !report.OK() {
		t.Fatalf("report %+v", report)
	}
	sets, err := r.Sets(t.Context())
	if err != nil || len(sets) < 7 {
		t.Fatalf("%d sets, %v", len(sets), err)
	}
	for _, info := range sets {
		s, err := r.OpenSet(t.Context(), info.Name)
		if err != nil {
			t.Fatal(err)
		}
		if read(t, s, "c/shared") != shared || read(t, s, "c/own") != info.Name {
			t.Errorf("set %s is not what was put", info.Name)
		}
	}
}

func writeSet(t *testing.T, r *Repository, name, shared string) error {
	var s *Session
	for {
		var err error
		if s, err = r.Begin(t.Context(), name); err == nil {
			break
		}
		if StateOf(err) != Locked {
			return err
		}
		time.Sleep(20 * time.Millisecond) // whoever is alone will be done
	}
	if _, err := s.Put(t.Context(), "c", files{"shared": shared, "own": name}.put); err != nil {
		return errors.Join(err, s.Close(t.Context()))
	}
	_, err := s.Seal(t.Context(), []byte("{}"), nil)
	return err
}
