package cells

import (
	"reflect"
	"strings"
	"testing"
)

func TestWidth(t *testing.T) {
	for s, want := range map[string]int{
		"": 0, "w3": 2, "ノード": 6, "ﾉｰﾄﾞ": 4, "→": 1, "✗": 1, "e\u0301": 1, "管理 w3": 7, "\u200b": 0,
	} {
		if got := Width(s); got != want {
			t.Errorf("Width(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestPadAndClip(t *testing.T) {
	if got := Pad("管理", 6); got != "管理  " {
		t.Errorf("Pad: %q", got)
	}
	for _, tc := range []struct {
		s    string
		n    int
		want string
	}{
		{"abcdef", 6, "abcdef"}, {"abcdef", 5, "abcd…"}, {"管理画面", 5, "管理…"}, {"管理画面", 4, "管…"}, {"ab", 1, "…"}, {"ab", 0, ""},
	} {
		if got := Clip(tc.s, tc.n); got != tc.want {
			t.Errorf("Clip(%q, %d) = %q, want %q", tc.s, tc.n, got, tc.want)
		}
	}
}

func TestClean(t *testing.T) {
	for s, want := range map[string]string{
		"plain 管理\n\tx": "plain 管理\n\tx", "\x1b[31mred": "\ufffd[31mred", "a\rb\x07": "a\ufffdb\ufffd", "\u009b31m": "\ufffd31m",
	} {
		if got := Clean(s); got != want {
			t.Errorf("Clean(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, tc := range []struct {
		s    string
		n    int
		want []string
	}{
		{"", 10, []string{""}},
		{"one two three", 7, []string{"one two", "three"}},
		{"payments/ledger-0-very-long stays", 10, []string{"payments/ledger-0-very-long", "stays"}},
		{"ノード w3 を隔離する。", 12, []string{"ノード w3 を", "隔離する。"}},
		{"あいうえ。", 8, []string{"あいうえ。"}},
	} {
		if got := Wrap(tc.s, tc.n); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("Wrap(%q, %d) = %q, want %q", tc.s, tc.n, got, tc.want)
		}
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("ノード w3 を隔離する。", 12)
	f.Add("a  b", 1)
	f.Fuzz(func(t *testing.T, s string, n int) {
		squeeze := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		s = strings.ToValidUTF8(s, "?")
		if got := squeeze(strings.Join(Wrap(s, n), "")); got != squeeze(s) {
			t.Fatalf("Wrap(%q, %d) lost text: %q", s, n, got)
		}
		if n > 0 && Width(Clip(s, n)) > n {
			t.Fatalf("Clip(%q, %d) = %q is too wide", s, n, Clip(s, n))
		}
	})
}
