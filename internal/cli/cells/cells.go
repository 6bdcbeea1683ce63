// Package cells measures and shapes text by the cells it fills on a terminal: a kanji fills two, a combining accent none.
//
// It knows nothing of tables or plans. Invariant: Width(Pad(s, n)) is n whenever s fits into n cells.
package cells

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Width is the number of terminal cells that s fills; s holds no escape sequences.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case r < 0x20 || r == 0x7f:
		return 0
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Clean replaces what a terminal would obey (escape sequences and other control characters) in text that comes from a cluster; line ends
// and tabs stay.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// Pad fills s with spaces on the right up to n cells.
func Pad(s string, n int) string {
	if missing := n - Width(s); missing > 0 {
		return s + strings.Repeat(" ", missing)
	}
	return s
}

// Clip shortens s to at most n cells, with "…" as its last when something was cut off.
func Clip(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	if n < 1 {
		return ""
	}
	used := 0
	for i, r := range s {
		w := runeWidth(r)
		if used+w > n-1 {
			return s[:i] + "…"
		}
		used += w
	}
	return s
}

// Wrap breaks s into lines of at most n cells, at spaces, or between kana and kanji, which may be broken anywhere. A word
// that is longer than a line keeps a line of its own: names are never broken, so that they can be copied.
func Wrap(s string, n int) []string {
	var lines []string
	line, lineWidth := "", 0
	for _, token := range tokens(s) {
		w := Width(token)
		visible := Width(strings.TrimRight(token, " "))
		if lineWidth > 0 && lineWidth+visible > n && !sticks(token) {
			lines = append(lines, strings.TrimRight(line, " "))
			line, lineWidth = "", 0
		}
		line += token
		lineWidth += w
	}
	if line = strings.TrimRight(line, " "); line != "" || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}

// unstarting are characters that may not begin a line (the commonest of JIS X 4051).
const unstarting = "、。」』)】:;・ーっゃゅょぁぃぅぇぉッャュョァィゥェォ%"

// sticks reports whether a token may not begin a line.
func sticks(token string) bool {
	r, _ := utf8.DecodeRuneInString(token)
	return strings.ContainsRune(unstarting, r)
}

// tokens splits s where a line may end: after runs of spaces and around wide characters.
func tokens(s string) []string {
	var out []string
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			out = append(out, b.String())
			b.Reset()
		}
	}
	space := false
	for _, r := range s {
		wide := runeWidth(r) == 2
		switch {
		case r == ' ':
			space = true
		case space || wide:
			flush()
			space = false
		}
		b.WriteRune(r)
		if wide && r != '「' && r != '(' {
			flush()
		}
	}
	flush()
	return out
}
