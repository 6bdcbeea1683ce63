package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/lang"
)

var languages = []lang.Lang{lang.English, lang.Japanese}

func testApp(l lang.Lang) *app {
	return newApp(&cli.Streams{In: strings.NewReader(""), Out: &strings.Builder{}, Err: &strings.Builder{}}, l)
}

// missing finds a key that stands where its text should.
var missing = regexp.MustCompile(`\bcli\.[a-z]|\bup\.(flag|long|stage|why)`)

// walk visits every command of the tree.
func walk(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		walk(sub, visit)
	}
}

// TestEveryCommandHasTexts in both languages: a key that is missing would be shown as the key.
func TestEveryCommandHasTexts(t *testing.T) {
	for _, l := range languages {
		walk(testApp(l).root(), func(c *cobra.Command) {
			for what, text := range map[string]string{"short": c.Short, "long": c.Long, "usage": c.UsageString()} {
				if missing.MatchString(text) || what == "short" && text == "" {
					t.Errorf("%s, %s, %s: %q", l, c.CommandPath(), what, text)
				}
			}
			if strings.HasSuffix(c.Short, ".") || strings.HasSuffix(c.Short, "。") {
				t.Errorf("%s, %s: a short text is no sentence: %q", l, c.CommandPath(), c.Short)
			}
			c.Flags().VisitAll(func(f *pflag.Flag) {
				if f.Usage == "" || missing.MatchString(f.Usage) {
					t.Errorf("%s, %s --%s has no text: %q", l, c.CommandPath(), f.Name, f.Usage)
				}
			})
		})
	}
}

// TestEveryKeyIsThere: what the source names is in the catalogue.
func TestEveryKeyIsThere(t *testing.T) {
	for key := range sourceKeys(t) {
		for _, l := range languages {
			if !strings.HasSuffix(key, ".") && !l.Has(key) {
				t.Errorf("%s lacks %s", l, key)
			}
		}
	}
}

// TestNoKeyIsIdle: what is in the catalogue is named by the source, whole or by its beginning.
func TestNoKeyIsIdle(t *testing.T) {
	used := sourceKeys(t)
	catalogue := map[string]string{}
	for _, area := range []string{"cli", "cli_backups"} {
		data, err := os.ReadFile("../../internal/lang/catalog/en/" + area + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &catalogue); err != nil {
			t.Fatal(err)
		}
	}
	for key := range catalogue {
		if used[key] {
			continue
		}
		// cli.why.<x> and cli.next.<x> are named by x alone; others by a literal that ends in a dot.
		last := key[strings.LastIndexByte(key, '.')+1:]
		prefix := strings.TrimSuffix(key, last)
		if used[prefix] || used[strings.TrimSuffix(prefix, ".")+"."] || named(t, last) && (strings.HasPrefix(key, "cli.why.") || strings.HasPrefix(key, "cli.next.")) {
			continue
		}
		if strings.HasPrefix(key, "cli.cmd.") {
			continue // TestEveryCommandHasTexts
		}
		t.Errorf("nothing names %s", key)
	}
}

var literal = regexp.MustCompile(`"(cli\.[A-Za-z0-9.]+)(?:"|%)`)

func sourceKeys(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, text := range sources(t) {
		for _, m := range literal.FindAllStringSubmatch(text, -1) {
			out[m[1]] = true
		}
	}
	return out
}

func named(t *testing.T, word string) bool {
	for _, text := range sources(t) {
		if strings.Contains(text, `"`+word+`"`) {
			return true
		}
	}
	return false
}

var sourceTexts []string

func sources(t *testing.T) []string {
	t.Helper()
	if sourceTexts != nil {
		return sourceTexts
	}
	for _, pattern := range []string{"*.go", "../../internal/cli/*.go", "../../internal/cli/*/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sourceTexts = append(sourceTexts, string(data))
		}
	}
	return sourceTexts
}
