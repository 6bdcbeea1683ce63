package follow

import (
	"fmt"
	"io"
	"strings"
	"time"

	"kanrin.dev/kanrin/internal/cli/cells"
)

// screen is where lines go: some stay, some are true for the moment only.
type screen interface {
	// keep writes lines that stay.
	keep(text string)
	// show replaces the lines of the moment. key changes when they tell something new.
	show(now time.Time, key string, lines []string)
	// clear takes the lines of the moment away.
	clear()
}

// plain is a screen that only grows: a file, a pipe, a log. Lines of the moment are written when they are news, and when nothing
// was written for a Beat.
type plain struct {
	w         io.Writer
	key       string
	now, last time.Time
}

func (p *plain) keep(text string) {
	fmt.Fprint(p.w, text)
	p.last = p.now
}

func (p *plain) show(now time.Time, key string, lines []string) {
	if p.last.IsZero() {
		p.last = now
	}
	p.now = now
	news := key != "" && key != p.key
	p.key = key
	if len(lines) == 0 || !news && now.Sub(p.last) < Beat {
		return
	}
	p.last = now
	for _, l := range lines {
		fmt.Fprintln(p.w, l)
	}
}

func (p *plain) clear() {}

// maxLive is how many lines of the moment a terminal shows: fewer than the smallest has.
const maxLive = 12

// live is a terminal: the lines of the moment stand at the bottom and are rewritten in place.
type live struct {
	w     io.Writer
	width func() int
	lines int
	shown string
}

func (l *live) keep(text string) {
	l.clear()
	fmt.Fprint(l.w, text)
}

func (l *live) show(_ time.Time, _ string, lines []string) {
	if len(lines) > maxLive {
		lines = append(lines[:maxLive-1:maxLive-1], fmt.Sprintf("  … +%d", len(lines)-maxLive+1))
	}
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(clip(line, l.width()-1))
		b.WriteByte('\n')
	}
	if b.String() == l.shown {
		return
	}
	l.clear()
	fmt.Fprint(l.w, b.String())
	l.lines, l.shown = len(lines), b.String()
}

// clear moves the cursor up over the lines of the moment and erases from there (ECMA-48 CPL and ED).
func (l *live) clear() {
	if l.lines > 0 {
		fmt.Fprintf(l.w, "\x1b[%dF\x1b[J", l.lines)
	}
	l.lines, l.shown = 0, ""
}

// clip shortens a line that may hold colours, so that it never takes two rows.
func clip(line string, n int) string {
	if !strings.Contains(line, "\x1b") {
		return cells.Clip(line, n)
	}
	var b strings.Builder
	used := 0
	for line != "" {
		if strings.HasPrefix(line, "\x1b[") {
			end := strings.IndexByte(line, 'm')
			if end < 0 {
				break
			}
			b.WriteString(line[:end+1])
			line = line[end+1:]
			continue
		}
		part := line
		if next := strings.Index(line, "\x1b["); next >= 0 {
			part = line[:next]
		}
		line = line[len(part):]
		cut := cells.Clip(part, n-used)
		used += cells.Width(cut)
		b.WriteString(cut)
		if cut != part {
			b.WriteString("\x1b[0m")
			break
		}
	}
	return b.String()
}
