package repository

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kopia/kopia/repo/blob"
)

func TestMaintainFreesSpace(t *testing.T) {
	r := create(t, place(t), Options{})
	seal(t, r, "one", map[string]files{"c": {"big": random(8<<20, 1), "shared": random(1<<20, 3)}})
	seal(t, r, "two", map[string]files{"c": {"other": random(2<<20, 2), "shared": random(1<<20, 3)}})
	if err := r.DeleteSet(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	m, err := r.Maintain(t.Context(), MaintainOptions{})
	if err != nil || m.Bytes > 1<<20 {
		t.Fatalf("what is young is not freed while others may use it: %+v, %v", m, err)
	}
	if report := verify(t, r, true, ""); !report.OK() || report.Unlisted != 0 {
		t.Errorf("after maintenance: %+v", report)
	}
	m, err = r.Maintain(t.Context(), MaintainOptions{Alone: true})
	if err != nil || m.Bytes < 7<<20 {
		t.Fatalf("freed %+v, %v", m, err)
	}
	if report := verify(t, r, true, ""); !report.OK() || report.Unlisted != 0 {
		t.Errorf("after maintenance alone: %+v", report)
	}
	set, err := r.OpenSet(t.Context(), "two")
	if err != nil {
		t.Fatal(err)
	}
	if read(t, set, "c/shared") != random(1<<20, 3) || read(t, set, "c/other") != random(2<<20, 2) {
		t.Error("the set that stayed is not what it was")
	}
}

func TestMaintainAndLocks(t *testing.T) {
	l := place(t)
	r := create(t, l, Options{})
	if _, err := reopen(t, l, Options{AppendOnly: true}).Maintain(t.Context(), MaintainOptions{}); StateOf(err) != Forbidden {
		t.Errorf("append-only: %v", err)
	}
	s, err := r.Begin(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	other := reopen(t, l, Options{})
	if _, err := other.Maintain(t.Context(), MaintainOptions{Alone: true}); StateOf(err) != Locked || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("alone while a set is written: %v", err)
	}
	if _, err := other.Maintain(t.Context(), MaintainOptions{}); err != nil {
		t.Errorf("beside a set that is written: %v", err)
	}
	if _, err := s.Put(t.Context(), "c", files{"f": random(100_000, 1)}.put); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Seal(t.Context(), []byte("{}"), nil); err != nil {
		t.Fatal(err)
	}
	held, err := r.lock(t.Context(), lockMaintain)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Maintain(t.Context(), MaintainOptions{}); StateOf(err) != Locked {
		t.Errorf("twice at once: %v", err)
	}
	if err := held.release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if held, err = r.lock(t.Context(), lockAlone); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Begin(t.Context(), "two"); StateOf(err) != Locked {
		t.Errorf("a set while somebody is alone: %v", err)
	}
	if err := held.release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if locks, _ := blob.ListAllBlobs(t.Context(), r.store, lockPrefix); len(locks) != 0 {
		t.Errorf("locks left: %v", locks)
	}
}

func TestLocksOfTheDeadAndTheStale(t *testing.T) {
	t.Parallel()
	l := place(t)
	r := create(t, l, Options{})
	put := func(h holder) blob.ID {
		held, err := r.lock(t.Context(), lockWrite)
		if err != nil {
			t.Fatal(err)
		}
		held.stop()
		held.done.Wait()
		content := fmt.Sprintf(`{"kind":%q,"host":%q,"boot":%q,"space":%q,"pid":%d,"started":%q}`, h.Kind, h.Host, h.Boot, h.Space, h.PID, h.Started)
		if err := r.store.PutBlob(t.Context(), held.id, r.sealer.seal(held.id, []byte(content)), blob.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		return held.id
	}
	child := exec.Command("true")
	if err := child.Run(); err != nil {
		t.Fatal(err)
	}
	dead := r.me(lockAlone)
	dead.PID, dead.Started = child.ProcessState.Pid(), "1"
	put(dead)
	far := r.me(lockAlone)
	far.Boot = "another machine"
	id := put(far)
	if _, err := r.Begin(t.Context(), "one"); StateOf(err) != Locked {
		t.Errorf("a lock of another machine: %v", err)
	}
	// It was renewed last more than 20 minutes ago.
	old := time.Now().Add(-time.Hour)
	for _, name := range stored(t, l) {
		if strings.Contains(strings.ReplaceAll(name, "/", ""), strings.TrimPrefix(string(id), lockPrefix)[8:]) {
			if err := os.Chtimes(name, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	s, err := r.Begin(t.Context(), "one")
	if err != nil {
		t.Fatalf("after the lock went stale: %v", err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if locks, _ := blob.ListAllBlobs(t.Context(), r.store, lockPrefix); len(locks) != 0 {
		t.Errorf("locks left: %v", locks)
	}
}

func TestInventoryIsJoined(t *testing.T) {
	t.Parallel()
	r := create(t, place(t), Options{})
	seal(t, r, "one", map[string]files{"c": {"f": "x"}})
	for i := range inventoryParts + 1 {
		if _, err := r.putInventory(t.Context(), map[blob.ID]sealedBlob{blob.ID(fmt.Sprintf("pgone%d", i)): {Size: 1}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Maintain(t.Context(), MaintainOptions{}); err != nil {
		t.Fatal(err)
	}
	entries, parts, bad, err := r.loadInventory(t.Context())
	if err != nil || len(parts) != 1 || len(bad) != 0 {
		t.Fatalf("%d parts, %d bad, %v", len(parts), len(bad), err)
	}
	for id := range entries {
		if strings.HasPrefix(string(id), "pgone") {
			t.Errorf("%s is still listed", id)
		}
	}
	if report := verify(t, r, true, ""); !report.OK() || report.Unlisted != 0 {
		t.Errorf("report %+v", report)
	}
}

func TestUnfinishedSetsAreGivenUp(t *testing.T) {
	t.Parallel()
	l := place(t)
	r := create(t, l, Options{})
	r.clock.after(time.Now()) // so that the part's time can be set back
	s, err := r.Begin(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "c", files{"f": "x"}.put); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m, err := r.Maintain(t.Context(), MaintainOptions{}); err != nil || m.Unfinished != 0 {
		t.Errorf("a young part: %+v, %v", m, err)
	}
	r.clock.after(time.Now().Add(unfinishedAge + time.Hour))
	if n, err := r.prepare(t.Context()); err != nil || n != 1 {
		t.Errorf("an old part: %d, %v", n, err)
	}
}

// A clock that was put back must not bring a deleted set back.
func TestDeletingAfterTheClockWasPutBack(t *testing.T) {
	t.Parallel()
	l := place(t)
	r := create(t, l, Options{})
	r.clock.after(time.Now().Add(3 * time.Hour))
	seal(t, r, "one", map[string]files{"c": {"f": "x"}})
	r = reopen(t, l, Options{}) // with the present time again
	if err := r.DeleteSet(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	sets, err := reopen(t, l, Options{}).Sets(t.Context())
	if err != nil || len(sets) != 0 {
		t.Errorf("sets %+v, %v", sets, err)
	}
}

func TestCopySet(t *testing.T) {
	t.Parallel()
	from, to := create(t, place(t), Options{}), create(t, place(t), Options{})
	content := map[string]files{
		"etcd": {"snapshot.db": random(6<<20, 1)}, "dir": {"a/": "", "a/f": "x", "l": "→ a/f", "empty/": ""},
	}
	want := seal(t, from, "one", content)
	got, err := from.CopySet(t.Context(), to, "one")
	if err != nil {
		t.Fatal(err)
	}
	if !got.Start.Equal(want.Start) || got.Tags["revision"] != "42" || got.Bytes != want.Bytes || got.Files != want.Files {
		t.Errorf("copied %+v, of %+v", got, want)
	}
	for component := range content {
		a, _ := from.OpenSet(t.Context(), "one")
		b, _ := to.OpenSet(t.Context(), "one")
		if x, y := read(t, a, "digests/"+component), read(t, b, "digests/"+component); x != y || x == "" {
			t.Errorf("listings of %s: %q and %q", component, x, y)
		}
	}
	if _, err := from.CopySet(t.Context(), to, "one"); StateOf(err) != AlreadyExists {
		t.Errorf("copying again: %v", err)
	}
	if _, err := from.CopySet(t.Context(), to, "none"); StateOf(err) != NotFound {
		t.Errorf("copying nothing: %v", err)
	}
	seal(t, from, "two", content)
	before, _ := to.Usage(t.Context())
	if _, err := from.CopySet(t.Context(), to, "two"); err != nil {
		t.Fatal(err)
	}
	if after, _ := to.Usage(t.Context()); after.Bytes-before.Bytes > 1<<20 {
		t.Errorf("the same set again took %d bytes", after.Bytes-before.Bytes)
	}
	if report := verify(t, to, true, ""); !report.OK() || report.Unlisted != 0 {
		t.Errorf("report %+v", report)
	}
}

func TestHalfWrittenFilesAreSwept(t *testing.T) {
	t.Parallel()
	l := place(t)
	r := create(t, l, Options{})
	old, young := filepath.Join(l.Path, "p", "x.tmp.OLD"), filepath.Join(l.Path, "q.tmp.YOUNG")
	_ = os.MkdirAll(filepath.Dir(old), 0o700)
	for _, name := range []string{old, young} {
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(old, time.Now(), time.Now().Add(-48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	r.sweep()
	if _, err := os.Stat(old); err == nil {
		t.Error("the old file is still there")
	}
	if _, err := os.Stat(young); err != nil {
		t.Error("the young file is gone: somebody may be writing it")
	}
}
