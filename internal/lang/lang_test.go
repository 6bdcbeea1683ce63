package lang

import (
	"encoding/json"
	"os"
	"sort"
	"strings"
	"testing"
)

// Both languages say the same things about the same parameters.
func TestLanguagesAreComplete(t *testing.T) {
	all := load()
	for key, en := range all[English] {
		ja, ok := all[Japanese][key]
		if !ok {
			t.Errorf("%s is missing in Japanese", key)
			continue
		}
		if a, b := names(en), names(ja); a != b {
			t.Errorf("%s: parameters are %s in English and %s in Japanese", key, a, b)
		}
	}
	for key := range all[Japanese] {
		if _, ok := all[English][key]; !ok {
			t.Errorf("%s is missing in English", key)
		}
	}
}

func names(s string) string {
	set := map[string]bool{}
	for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
		set[m[1]] = true
	}
	out := make([]string, 0, len(set))
	for n := range set {
		out = append(out, n)
	}
	sort.Strings(out)
	return strings.Join(out, ",")
}

func TestRender(t *testing.T) {
	for _, c := range []struct {
		lang Lang
		in   string
		with map[string]string
		want string
	}{
		{English, "{n} {n|pod|pods}", P("n", 1), "1 pod"},
		{English, "{n} {n|pod|pods}", P("n", 2), "2 pods"},
		{English, "took {s:duration}", P("s", 204), "took 3 min 24 s"},
		{Japanese, "{s:duration}で完了", P("s", 204), "3 分 24 秒で完了"},
		{English, "{b:bytes} free", P("b", 1610612736), "1.5 GiB free"},
		{English, "{missing} stays", nil, "{missing} stays"},
		{English, "{s:duration}", P("s", "soon"), "soon"},
		{English, "{a}{b}", P("a", "{b}", "b", "x"), "{b}x"}, // parameters are not rendered again
	} {
		if got := c.lang.render(c.in, c.with); got != c.want {
			t.Errorf("render(%q, %v) = %q, want %q", c.in, c.with, got, c.want)
		}
	}
}

// The console renders the same table (web/src/lang.test.ts).
func TestSharedCases(t *testing.T) {
	data, err := os.ReadFile("testdata/cases.json")
	if os.IsNotExist(err) {
		t.Skip("no shared cases yet")
	}
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Lang     Lang              `json:"lang"`
		Template string            `json:"template"`
		Params   map[string]string `json:"params"`
		Want     string            `json:"want"`
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if got := c.Lang.render(c.Template, c.Params); got != c.Want {
			t.Errorf("%s %q %v = %q, want %q", c.Lang, c.Template, c.Params, got, c.Want)
		}
	}
}
