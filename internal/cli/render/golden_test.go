package render

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/cells"
	"kanrin.dev/kanrin/internal/lang"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden renders every operation in testdata in both languages, and in two widths.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no operations to render: %v", err)
	}
	for _, file := range files {
		op := load(t, file)
		for _, l := range []lang.Lang{lang.English, lang.Japanese} {
			for _, size := range []struct {
				name  string
				width int
			}{{"", 100}, {".narrow", 64}} {
				golden := strings.TrimSuffix(file, ".yaml") + "." + string(l) + size.name + ".txt"
				t.Run(filepath.Base(golden), func(t *testing.T) {
					compare(t, golden, everything(op, options(l, size.width)))
				})
			}
		}
	}
}

func load(t *testing.T, file string) *v1alpha1.Operation {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var op v1alpha1.Operation
	if err := yaml.UnmarshalStrict(data, &op); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return &op
}

func options(l lang.Lang, width int) Options {
	return Options{Lang: l, Width: width, Now: time.Date(2026, 11, 21, 5, 1, 30, 0, time.UTC)}
}

func everything(op *v1alpha1.Operation, o Options) string {
	text := Plan(op, o) + "\n" + Journal(op, o)
	if op.Status.Waiting != nil {
		text += "       " + WaitLine(op, o) + "\n       " + WayOut(op, "operation/"+op.Name, o) + "\n"
	}
	return text + "\n" + Outcome(op, o) + Report(op, o)
}

func compare(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatalf("%v; write it with: go test ./internal/cli/render -update", err)
	}
	if got != string(want) {
		t.Errorf("%s differs; it is now:\n%s", golden, got)
	}
}

// TestNothingIsTooWide holds for all text but names, which are never broken.
func TestNothingIsTooWide(t *testing.T) {
	op := load(t, "testdata/drain-blocked.yaml")
	for _, l := range []lang.Lang{lang.English, lang.Japanese} {
		for _, line := range strings.Split(Plan(op, options(l, 100)), "\n") {
			if cells.Width(line) > 102 { // a closing character of Japanese may hang over
				t.Errorf("%d cells: %s", cells.Width(line), line)
			}
		}
	}
}

// TestColourOnlyColours: without its colours, coloured text is the plain one.
func TestColourOnlyColours(t *testing.T) {
	op := load(t, "testdata/drain-blocked.yaml")
	o := options(lang.English, 100)
	plainText := everything(op, o)
	o.Colour = true
	coloured := everything(op, o)
	if coloured == plainText {
		t.Error("nothing is coloured")
	}
	for _, code := range []ink{bold, dim, red, green, yellow, cyan} {
		coloured = strings.ReplaceAll(coloured, "\x1b["+string(code)+"m", "")
	}
	if coloured = strings.ReplaceAll(coloured, "\x1b[0m", ""); coloured != plainText {
		t.Errorf("colours change the text:\n%q\n%q", coloured, plainText)
	}
}
