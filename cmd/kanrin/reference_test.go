package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"kanrin.dev/kanrin/internal/cli/manual"
	"kanrin.dev/kanrin/internal/lang"
)

var update = flag.Bool("update", false, "write docs/cli anew")

// TestReference: docs/cli says what --help says.
func TestReference(t *testing.T) {
	nowhere(t)
	for _, l := range languages {
		dir := "../../docs/cli"
		if l == lang.Japanese {
			dir += "/ja"
		}
		fresh := dir
		if !*update {
			fresh = t.TempDir()
		}
		n, err := manual.Tree(testApp(l).root(), fresh, l, manual.Markdown)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := filepath.Glob(dir + "/*.md")
		if err != nil || len(kept) != n {
			t.Errorf("%s has %d pages, want %d (%v)", dir, len(kept), n, err)
		}
		for _, page := range kept {
			want, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(filepath.Join(fresh, filepath.Base(page))); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s is not what --help says (%v); write it anew with: go test ./cmd/kanrin -run TestReference -update", page, err)
			}
		}
	}
}
