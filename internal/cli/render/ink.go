package render

import (
	"strings"

	"kanrin.dev/kanrin/internal/cli/cells"
)

// ink is a colour or weight as its SGR code (ECMA-48, 8.3.117); only the eight colours that every terminal theme chooses itself.
type ink string

const (
	plain  ink = ""
	bold   ink = "1"
	dim    ink = "2"
	red    ink = "31"
	green  ink = "32"
	yellow ink = "33"
	cyan   ink = "36"
)

func (o Options) paint(i ink, s string) string {
	if !o.Colour || i == plain || s == "" {
		return s
	}
	return "\x1b[" + string(i) + "m" + s + "\x1b[0m"
}

// hang wraps text after a prefix that is printed once; the following lines are indented under it.
func (o Options) hang(prefix string, prefixWidth int, text string) string {
	room := max(o.Width-prefixWidth, 24)
	var b strings.Builder
	for i, line := range cells.Wrap(text, room) {
		if i == 0 {
			b.WriteString(prefix)
		} else {
			b.WriteString(strings.Repeat(" ", prefixWidth))
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.String()
}
