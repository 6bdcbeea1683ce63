package render

import (
	"strings"

	"kanrin.dev/kanrin/internal/cli/cells"
)

// Unified is a unified diff: coloured, and with nothing that a terminal would obey, when it goes to a terminal with colours.
func Unified(text string, o Options) string {
	if !o.Colour {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		end := ""
		if strings.HasSuffix(line, "\n") {
			line, end = line[:len(line)-1], "\n"
		}
		b.WriteString(o.paint(diffInk(line), cells.Clean(line)) + end)
	}
	return b.String()
}

func diffInk(line string) ink {
	switch {
	case strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
		return bold
	case strings.HasPrefix(line, "@@"):
		return cyan
	case strings.HasPrefix(line, "+"):
		return green
	case strings.HasPrefix(line, "-"):
		return red
	}
	return plain
}
