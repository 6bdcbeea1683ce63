package output

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

type node struct {
	Name string         `json:"name"`
	CPU  float64        `json:"cpu"`
	Pods int64          `json:"pods"`
	Tags []string       `json:"tags,omitempty"`
	Zone map[string]any `json:"zone,omitempty"`
}

var nodes = []node{
	{Name: "w10", CPU: 0.5, Pods: 12000000, Tags: []string{"a", "b"}},
	{Name: "w2", CPU: 0.75, Pods: 7, Zone: map[string]any{"name": "c"}},
	{Name: "w1", CPU: 0.5, Pods: 30},
}

func document() Document {
	d := Document{}
	values := []any{}
	for _, n := range nodes {
		values = append(values, n)
		d.Items = append(d.Items, Item{Name: "node/" + n.Name, Value: n})
	}
	d.Value = map[string]any{"kind": "NodeList", "items": values}
	return d
}

func TestWrite(t *testing.T) {
	for _, tc := range []struct{ format, want string }{
		{"name", "node/w10\nnode/w2\nnode/w1\n"},
		{"jsonpath={.items[*].name}", "w10 w2 w1"},
		{"jsonpath={.items[0].pods}", "12000000"},
		{"jsonpath=.items[1].zone.name", "c"},
		{"jsonpath=kind", "NodeList"},
		{"jsonpath={.items[0].absent}", ""},
		{`jsonpath={range .items[*]}{.name}{"\n"}{end}`, "w10\nw2\nw1\n"},
		{"custom-columns=NAME:.name,ZONE:.zone.name,TAGS:.tags[*],PODS:.pods", "NAME   ZONE     TAGS     PODS\nw10    <none>   a,b      12000000\nw2     c        <none>   7\nw1     <none>   <none>   30\n"},
	} {
		f, err := Parse(tc.format)
		if err != nil {
			t.Errorf("%s: %v", tc.format, err)
			continue
		}
		var b strings.Builder
		if err := f.Write(&b, document()); err != nil || b.String() != tc.want {
			t.Errorf("-o %s: %v\n%s\nwant\n%s", tc.format, err, b.String(), tc.want)
		}
	}
	for format, want := range map[string]string{"json": `"kind": "NodeList"`, "yaml": "kind: NodeList"} {
		f, err := Parse(format)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := f.Write(&b, document()); err != nil || !strings.Contains(b.String(), want) || !strings.HasSuffix(b.String(), "\n") {
			t.Errorf("-o %s: %v\n%s", format, err, b.String())
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{"xml", "json=x", "jsonpath", "jsonpath=", "jsonpath={.a", "custom-columns", "custom-columns=NAME", "custom-columns=NAME:", "custom-columns=N:{.a", "wide=1", "JSON"} {
		if f, err := Parse(s); !errors.Is(err, ErrFormat) {
			t.Errorf("Parse(%q) = %+v, %v", s, f, err)
		}
	}
	for _, s := range []string{"", "wide"} {
		if f, err := Parse(s); err != nil || !f.Human() {
			t.Errorf("Parse(%q) = %+v, %v", s, f, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"json", "jsonpath={.items[*].name}", "custom-columns=A:.a,B:.b", "jsonpath={range .items[*]}{end}", "jsonpath={.items[?(@.pods>3)].name}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		format, err := Parse(s)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("Parse(%q): %v is not ErrFormat", s, err)
			}
			return
		}
		if !format.Human() {
			var b strings.Builder
			_ = format.Write(&b, document()) // an expression may fail on the data, but must not panic
		}
	})
}

func TestGridAlignsByCells(t *testing.T) {
	g := &Grid{Headers: []string{"NAME", "WHY"}, Rows: [][]string{{"管理", "x"}, {"w10", "yy"}}}
	var b strings.Builder
	if err := g.Write(&b); err != nil {
		t.Fatal(err)
	}
	g.Rows = [][]string{{"w2", "later"}}
	if err := g.Write(&b); err != nil {
		t.Fatal(err)
	}
	if want := "NAME   WHY\n管理   x\nw10    yy\nw2     later\n"; b.String() != want {
		t.Errorf("grid:\n%s\nwant\n%s", b.String(), want)
	}
}

func TestSort(t *testing.T) {
	columns := []Column[node]{
		{Header: "NAME", Text: func(n node) string { return n.Name }},
		{Header: "CPU", Text: func(n node) string { return fmt.Sprintf("%.0f%%", n.CPU*100) }, Number: func(n node) float64 { return n.CPU }},
		{Header: "PODS", Wide: true, Text: func(n node) string { return "many" }, Number: func(n node) float64 { return float64(n.Pods) }},
	}
	for _, tc := range []struct{ by, want string }{
		{"", "w10 w2 w1"},
		{"name", "w1 w2 w10"},
		{"-name", "w10 w2 w1"},
		{"NAME", "w1 w2 w10"},
		{"cpu", "w10 w1 w2"},
		{"-cpu", "w2 w10 w1"},
		{"pods", "w2 w1 w10"},
		{".pods", "w2 w1 w10"},
		{"{.pods}", "w2 w1 w10"},
		{"-.pods", "w10 w1 w2"},
	} {
		rows := append([]node{}, nodes...)
		if err := Sort(rows, tc.by, columns, func(n node) any { return n }); err != nil {
			t.Errorf("by %q: %v", tc.by, err)
		}
		var names []string
		for _, n := range rows {
			names = append(names, n.Name)
		}
		if got := strings.Join(names, " "); got != tc.want {
			t.Errorf("by %q: %s, want %s", tc.by, got, tc.want)
		}
	}
	for _, by := range []string{"colour", "{.a", "-"} {
		if err := Sort(nodes, by, columns, func(n node) any { return n }); !errors.Is(err, ErrSort) {
			t.Errorf("by %q: %v", by, err)
		}
	}
	if got := Headers(Visible(columns, Format{})); len(got) != 2 {
		t.Errorf("columns of a plain table: %v", got)
	}
	if got := Row(columns[:1], node{}); got[0] != "<none>" {
		t.Errorf("an empty cell: %q", got[0])
	}
}

func TestAge(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		-time.Minute: "0s", 0: "0s", 119 * time.Second: "119s", 2 * time.Minute: "2m", 192 * time.Second: "3m12s", 50 * time.Minute: "50m",
		5 * time.Hour: "5h", 5*time.Hour + 30*time.Minute: "5h30m", 30 * time.Hour: "30h", 3 * 24 * time.Hour: "3d", 75 * time.Hour: "3d3h", 400 * 24 * time.Hour: "400d", 800 * 24 * time.Hour: "2y70d",
	} {
		if got := Age(now.Add(-d), now); got != want {
			t.Errorf("Age(%v) = %s, want %s", d, got, want)
		}
	}
	if got := Age(time.Time{}, now); got != "<unknown>" {
		t.Errorf("no time: %s", got)
	}
}
