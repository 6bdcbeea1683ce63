package object

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each file of testdata/clean holds an object as it is served, and after the line "---" its clean form.
func TestClean(t *testing.T) {
	paths, err := filepath.Glob("testdata/clean/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		served, want, ok := strings.Cut(string(content), "\n---\n")
		if !ok {
			t.Fatalf("%s has no clean form", path)
		}
		u := parse(t, served)
		before := u.DeepCopy()
		got := Clean(u)
		if diff := UnifiedDiff(parse(t, want), got, "want", "got"); diff != "" {
			t.Errorf("%s:\n%s", path, diff)
		}
		if len(Diff(before, u)) != 0 {
			t.Errorf("%s: the object itself was changed", path)
		}
		if again := Clean(got); len(Diff(got, again)) != 0 {
			t.Errorf("%s: cleaning twice gives %v", path, Diff(got, again))
		}
	}
}
