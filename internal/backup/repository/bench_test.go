package repository

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestAgainstKopia measures the same work as kopia's own program does it: 1 GiB of random data, text and many small files, stored first,
// stored again unchanged, and verified in full; in turns, with the same compression, each from opening to closing. KANRIN_BENCH=1 runs it,
// KANRIN_BENCH_ROUNDS says how often (5), KANRIN_BENCH_DIR where (memory).
func TestAgainstKopia(t *testing.T) {
	if os.Getenv("KANRIN_BENCH") != "1" {
		t.Skip("KANRIN_BENCH=1 runs it")
	}
	program := kopiaProgram(t)
	top := os.Getenv("KANRIN_BENCH_DIR")
	if top == "" {
		top = memory(t)
	}
	rounds, err := strconv.Atoi(os.Getenv("KANRIN_BENCH_ROUNDS"))
	if err != nil {
		rounds = 5
	}
	data := filepath.Join(top, "data")
	mixed(t, data)
	defer os.RemoveAll(data)
	times := map[string][]time.Duration{}
	for round := range rounds {
		ours := func() { measureOurs(t, filepath.Join(top, fmt.Sprintf("kanrin-%d", round)), data, times) }
		theirs := func() { measureKopia(t, program, filepath.Join(top, fmt.Sprintf("kopia-%d", round)), data, times) }
		if round%2 == 0 {
			ours()
			theirs()
		} else {
			theirs()
			ours()
		}
	}
	for _, step := range []string{"first run", "unchanged run", "full verify"} {
		a, b := times["kanrin "+step], times["kopia "+step]
		slices.Sort(a)
		slices.Sort(b)
		t.Logf("%-14s kanrin %6.2f s (%.2f-%.2f)   kopia %6.2f s (%.2f-%.2f)   %+.0f %%", step,
			a[len(a)/2].Seconds(), a[0].Seconds(), a[len(a)-1].Seconds(), b[len(b)/2].Seconds(), b[0].Seconds(), b[len(b)-1].Seconds(),
			100*(a[len(a)/2].Seconds()/b[len(b)/2].Seconds()-1))
	}
}

func measureOurs(t *testing.T, path, data string, times map[string][]time.Duration) {
	l := Location{Type: Filesystem, Path: path}
	defer os.RemoveAll(path)
	create(t, l, Options{})
	step := func(name string, fn func(r *Repository)) {
		began := time.Now()
		r, err := Open(t.Context(), l, Credentials{Password: password}, Options{Cluster: "prod"})
		if err != nil {
			t.Fatal(err)
		}
		fn(r)
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		times["kanrin "+name] = append(times["kanrin "+name], time.Since(began))
	}
	store := func(set string) func(*Repository) {
		return func(r *Repository) {
			s, err := r.Begin(t.Context(), set)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.PutDirectory(t.Context(), "data", data); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Seal(t.Context(), []byte("{}"), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	step("first run", store("one"))
	step("unchanged run", store("two"))
	step("full verify", func(r *Repository) {
		if report := verify(t, r, true, "two"); !report.OK() {
			t.Fatalf("report %+v", report)
		}
	})
}

func measureKopia(t *testing.T, program, path, data string, times map[string][]time.Duration) {
	k := kopiaCLI{program, path + "-home"}
	for _, dir := range []string{path, k.home} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
	}
	k.run(t, "repository", "create", "filesystem", "--path", path)
	k.run(t, "policy", "set", "--global", "--compression="+compressor)
	step := func(name string, arguments ...string) {
		began := time.Now()
		k.run(t, append(arguments, "--no-progress")...)
		times["kopia "+name] = append(times["kopia "+name], time.Since(began))
	}
	step("first run", "snapshot", "create", data, "--no-auto-maintenance")
	step("unchanged run", "snapshot", "create", data, "--no-auto-maintenance")
	step("full verify", "snapshot", "verify", "--verify-files-percent=100")
}

// mixed writes 1 GiB: 384 MiB of random data and 384 MiB of text in files of 32 MiB, and 16,384 files of 16 KiB, half of them text.
func mixed(t *testing.T, dir string) {
	t.Helper()
	source := rand.NewChaCha8([32]byte{7})
	r := rand.New(source)
	words := make([]string, 4000)
	for i := range words {
		words[i] = strconv.FormatUint(r.Uint64(), 36)[:2+r.IntN(8)]
	}
	text := func(n int) []byte {
		p := make([]byte, 0, n+16)
		for len(p) < n {
			p = append(append(p, words[r.IntN(len(words))]...), " \n"[r.IntN(12)/11])
		}
		return p[:n]
	}
	random := func(n int) []byte {
		p := make([]byte, n)
		_, _ = source.Read(p)
		return p
	}
	put := func(name string, content []byte) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 12 {
		put(fmt.Sprintf("random/%d", i), random(32<<20))
		put(fmt.Sprintf("text/%d", i), text(32<<20))
	}
	for i := range 16384 {
		content := random
		if i%2 == 0 {
			content = text
		}
		put(fmt.Sprintf("small/%d/%d", i/256, i), content(16<<10))
	}
}
