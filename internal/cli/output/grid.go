package output

import (
	"io"
	"strings"

	"kanrin.dev/kanrin/internal/cli/cells"
)

// gap is the number of spaces between columns, as in kubectl.
const gap = 3

// oneRow keeps a cell in its row.
var oneRow = strings.NewReplacer("\n", " ", "\t", " ")

// Grid is a table of text, aligned by terminal cells.
type Grid struct {
	Headers   []string
	Rows      [][]string
	NoHeaders bool
	// widths only grow, so that the rows of a watch stay under their headers.
	widths []int
}

// Write prints the grid and empties its rows; what is written next has no headers and keeps the columns.
func (g *Grid) Write(w io.Writer) error {
	lines := g.Rows
	if !g.NoHeaders {
		lines = append([][]string{g.Headers}, lines...)
	}
	if g.widths == nil {
		g.widths = make([]int, len(g.Headers))
	}
	for _, line := range lines {
		for i, text := range line {
			line[i] = oneRow.Replace(cells.Clean(text))
			g.widths[i] = max(g.widths[i], cells.Width(line[i]))
		}
	}
	var b strings.Builder
	for _, line := range lines {
		var row strings.Builder
		for i, text := range line {
			row.WriteString(cells.Pad(text, g.widths[i]+gap))
		}
		b.WriteString(strings.TrimRight(row.String(), " "))
		b.WriteByte('\n')
	}
	g.Rows, g.NoHeaders = nil, true
	_, err := io.WriteString(w, b.String())
	return err
}
