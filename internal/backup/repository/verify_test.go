package repository

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// stored are the files of the repository's directory.
func stored(t testing.TB, l Location) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(l.Path, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			out = append(out, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func verify(t testing.TB, r *Repository, readData bool, set string) *Report {
	t.Helper()
	report, err := r.Verify(t.Context(), readData, set)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestVerify(t *testing.T) {
	t.Parallel()
	l := place(t)
	r := create(t, l, Options{})
	seal(t, r, "one", map[string]files{"etcd": {"snapshot.db": random(5<<20, 1)}, "keys": {"a": "b", "c": "d"}})
	seal(t, r, "two", map[string]files{"etcd": {"snapshot.db": random(5<<20, 2)}})
	for _, set := range []string{"one", "two", ""} {
		for _, readData := range []bool{false, true} {
			report := verify(t, r, readData, set)
			if !report.OK() || report.Unlisted != 0 || report.Objects == 0 || readData != (report.Contents > 0) {
				t.Errorf("verify %q, reading %v: %+v", set, readData, report)
			}
		}
	}
	if _, err := r.Verify(t.Context(), true, "none"); StateOf(err) != NotFound {
		t.Errorf("a set that is not there: %v", err)
	}
	whole := verify(t, reopen(t, l, Options{ReadOnly: true}), true, "")
	if !whole.OK() || whole.Bytes < 10<<20 || whole.Sets != 2 {
		t.Errorf("verified again: %+v", whole)
	}
}

// Every byte counts: those that kopia does not look at as well.
func TestEveryFlippedByteAndEveryTruncationIsSeen(t *testing.T) {
	t.Parallel()
	flips, cuts := 200, 50
	if os.Getenv("KANRIN_E2E") == "full" {
		flips, cuts = 1000, 100
	}
	l := place(t)
	r := create(t, l, Options{})
	seal(t, r, "one", map[string]files{"etcd": {"snapshot.db": random(40<<10, 1), "index.bin": "i"}, "keys": {"prod.tar.age": random(5000, 2)}})
	for _, set := range []string{"one", ""} {
		if report := verify(t, r, true, set); !report.OK() {
			t.Fatalf("before any damage: %+v", report)
		}
	}
	var names []string
	for _, name := range stored(t, l) {
		if base := filepath.Base(name); !strings.HasPrefix(base, "kopia.maintenance") {
			names = append(names, name)
		}
	}
	damage := func(change func([]byte) []byte) {
		name := names[rand.IntN(len(names))]
		good, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(good) == 0 {
			return
		}
		bad := change(slices.Clone(good))
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		report, err := r.Verify(t.Context(), true, "one")
		if err == nil && report.OK() || err != nil && StateOf(err) != Damaged {
			t.Errorf("%s: %d of %d bytes, damage not seen: %+v, %v", name, len(bad), len(good), report, err)
		}
		if err := os.WriteFile(name, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range flips {
		damage(func(b []byte) []byte {
			b[rand.IntN(len(b))] ^= byte(1 + rand.IntN(255))
			return b
		})
	}
	for range cuts {
		damage(func(b []byte) []byte { return b[:rand.IntN(len(b))] })
	}
	if report := verify(t, r, true, "one"); !report.OK() {
		t.Errorf("after all damage was repaired: %+v", report)
	}
}

// A server that starts on a damaged repository must see it too, not only one that knew it before.
func TestDamageIsSeenAfterOpening(t *testing.T) {
	t.Parallel()
	l := place(t)
	r := create(t, l, Options{})
	seal(t, r, "one", map[string]files{"etcd": {"snapshot.db": random(40<<10, 1)}})
	kinds := map[string]string{} // one file of each kind: opening takes its time
	for _, name := range stored(t, l) {
		rel, _ := filepath.Rel(l.Path, name)
		kinds[rel[:min(len(rel), 10)]] = name
		if rel[0] != 'k' {
			kinds[rel[:1]] = name
			delete(kinds, rel[:min(len(rel), 10)])
		}
	}
	for _, name := range kinds {
		good, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		bad := slices.Clone(good)
		bad[len(bad)/2] ^= 1
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := Open(t.Context(), l, Credentials{Password: password}, Options{Cluster: "prod", ReadOnly: true})
		if err == nil {
			report, err := again.Verify(t.Context(), true, "one")
			if err == nil && report.OK() {
				t.Errorf("%s: damage not seen", name)
			}
			_ = again.Close(t.Context())
		} else if s := StateOf(err); s != Damaged && s != WrongPassword && !strings.HasSuffix(name, ".shards") {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.WriteFile(name, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMissingBlobs(t *testing.T) {
	t.Parallel()
	l := place(t)
	r := create(t, l, Options{})
	seal(t, r, "one", map[string]files{"etcd": {"snapshot.db": random(40<<10, 1)}})
	for _, name := range stored(t, l) {
		if strings.Contains(name, "inventory") {
			continue // what it lists is checked by kopia's means then
		}
		if err := os.Rename(name, name+".away"); err != nil {
			t.Fatal(err)
		}
		for _, readData := range []bool{false, true} {
			report, err := r.Verify(t.Context(), readData, "one")
			if err == nil && report.OK() {
				// Not every index is one that the set needs; then it can be read without.
				set, err := r.OpenSet(t.Context(), "one")
				if err != nil || !strings.Contains(name, "/x/") || read(t, set, "etcd/snapshot.db") != random(40<<10, 1) {
					t.Errorf("%s is missing, reading %v: not seen, %v", name, readData, err)
				}
			}
		}
		if err := os.Rename(name+".away", name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestProblemsNameTheSets(t *testing.T) {
	t.Parallel()
	l := place(t)
	r := create(t, l, Options{})
	shared := random(300<<10, 1)
	seal(t, r, "one", map[string]files{"c": {"shared": shared}})
	before := stored(t, l)
	seal(t, r, "two", map[string]files{"c": {"shared": shared, "own": random(300<<10, 2)}})
	seal(t, r, "three", map[string]files{"c": {"f": random(300<<10, 3)}})
	for _, name := range before {
		if !strings.Contains(name, "/p/") {
			continue
		}
		if err := os.Truncate(name, 1000); err != nil {
			t.Fatal(err)
		}
	}
	report := verify(t, r, false, "")
	named := map[string]bool{}
	for _, p := range report.Problems {
		for _, set := range p.Sets {
			named[set] = true
		}
	}
	if report.OK() || report.Problems[0].Fault != Truncated || !named["one"] || !named["two"] || named["three"] {
		t.Errorf("problems %+v", report.Problems)
	}
	if report := verify(t, r, true, "three"); !report.OK() {
		t.Errorf("a set that does not rest on it: %+v", report)
	}
}

// A crash between writing blobs and listing them must not leave them unlisted for ever.
func TestWhatACrashLeftIsListedLater(t *testing.T) {
	t.Parallel()
	l := place(t)
	r := create(t, l, Options{})
	s, err := r.Begin(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "c", files{"f": random(300<<10, 1)}.put); err != nil {
		t.Fatal(err)
	}
	r = reopen(t, l, Options{})
	if s, err = r.Begin(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Seal(t.Context(), []byte("{}"), nil); err != nil {
		t.Fatal(err)
	}
	if report := verify(t, r, true, "one"); !report.OK() || report.Unlisted != 0 {
		t.Errorf("report %+v", report)
	}
	// A set without any inventory, as of a crash right after sealing: the first full check lists it.
	for _, name := range stored(t, l) {
		if strings.Contains(name, "inventory") {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	r = reopen(t, l, Options{})
	if report := verify(t, r, true, "one"); !report.OK() || report.Unlisted == 0 {
		t.Errorf("report %+v", report)
	}
	if report := verify(t, r, true, "one"); !report.OK() || report.Unlisted != 0 {
		t.Errorf("report %+v", report)
	}
}

func TestVerifyWithoutStorage(t *testing.T) {
	t.Parallel()
	l := place(t)
	r := create(t, l, Options{})
	seal(t, r, "one", map[string]files{"c": {"f": "x"}})
	if err := os.RemoveAll(l.Path); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Verify(t.Context(), true, "one"); StateOf(err) != Unreachable {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(l.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the directory came back")
	}
}
