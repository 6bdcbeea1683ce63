package object

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	contextLines = 3
	// maxEdits bounds the search for the shortest difference; beyond it, all that lies between the first and the last
	// difference is shown as replaced.
	maxEdits = 1000
)

// UnifiedDiff compares two objects as YAML, line by line, in the format of diff -u, and gives "" when they are the same.
// A nil object is an empty file.
func UnifiedDiff(a, b *unstructured.Unstructured, nameA, nameB string) string {
	from, to := lines(a), lines(b)
	edits := editsOf(from, to)
	if !slices.ContainsFunc(edits, func(e edit) bool { return e.op != ' ' }) {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", nameA, nameB)
	for _, h := range hunks(edits) {
		h.write(&out)
	}
	return out.String()
}

func lines(u *unstructured.Unstructured) []string {
	if u == nil {
		return nil
	}
	b, err := YAML(u)
	if err != nil {
		return []string{"# " + err.Error()}
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

// edit is a line that stays (' '), goes ('-') or comes ('+').
type edit struct {
	op   byte
	line string
}

func editsOf(a, b []string) []edit {
	var edits []edit
	add := func(op byte, lines []string) {
		for _, l := range lines {
			edits = append(edits, edit{op, l})
		}
	}
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	add(' ', a[:head])
	middleA, middleB := a[head:len(a)-tail], b[head:len(b)-tail]
	if middle, ok := shortest(middleA, middleB); ok {
		edits = append(edits, middle...)
	} else {
		add('-', middleA)
		add('+', middleB)
	}
	add(' ', a[len(a)-tail:])
	return edits
}

// shortest is the algorithm of Myers (An O(ND) difference algorithm and its variations, 1986): reach[k] is how far in a
// the furthest path on diagonal k gets with d edits; the states before each d are kept to find the way back.
func shortest(a, b []string) ([]edit, bool) {
	limit := min(len(a)+len(b), maxEdits)
	reach := make([]int32, 2*limit+3)
	zero := limit + 1
	var states [][]int32
	for d := 0; d <= limit; d++ {
		states = append(states, slices.Clone(reach[zero-d:zero+d+1]))
		for k := -d; k <= d; k += 2 {
			x := int(reach[zero+k-1]) + 1
			if k == -d || k != d && reach[zero+k-1] < reach[zero+k+1] {
				x = int(reach[zero+k+1])
			}
			for x < len(a) && x-k < len(b) && x-k >= 0 && a[x] == b[x-k] {
				x++
			}
			reach[zero+k] = int32(x)
			if x >= len(a) && x-k >= len(b) {
				return wayBack(a, b, states), true
			}
		}
	}
	return nil, false
}

func wayBack(a, b []string, states [][]int32) []edit {
	var edits []edit
	x, y := len(a), len(b)
	for d := len(states) - 1; d > 0; d-- {
		reach := func(k int) int { // with d-1 edits
			if k < -d || k > d {
				return -1
			}
			return int(states[d][k+d])
		}
		k := x - y
		before := k - 1
		if k == -d || k != d && reach(k-1) < reach(k+1) {
			before = k + 1
		}
		beforeX := reach(before)
		beforeY := beforeX - before
		for x > beforeX && y > beforeY {
			x, y = x-1, y-1
			edits = append(edits, edit{' ', a[x]})
		}
		if x > beforeX {
			x--
			edits = append(edits, edit{'-', a[x]})
		} else {
			y--
			edits = append(edits, edit{'+', b[y]})
		}
	}
	for x > 0 {
		x--
		edits = append(edits, edit{' ', a[x]})
	}
	slices.Reverse(edits)
	return edits
}

// hunk is a part of the difference with the lines around it; its begins are counted from 0.
type hunk struct {
	fromA, fromB int
	edits        []edit
}

func hunks(edits []edit) []hunk {
	var all []hunk
	lineA, lineB, quiet := 0, 0, contextLines+1 // lines since the last change
	var open *hunk
	for i, e := range edits {
		if e.op != ' ' {
			if open == nil {
				back := min(i, contextLines)
				all = append(all, hunk{lineA - back, lineB - back, slices.Clone(edits[i-back : i])})
				open = &all[len(all)-1]
			}
			quiet = 0
		} else {
			quiet++
		}
		if open != nil {
			open.edits = append(open.edits, e)
			if quiet > 2*contextLines {
				open.edits = open.edits[:len(open.edits)-quiet+contextLines]
				open = nil
			}
		}
		if e.op != '+' {
			lineA++
		}
		if e.op != '-' {
			lineB++
		}
	}
	if open != nil && quiet > contextLines {
		open.edits = open.edits[:len(open.edits)-quiet+contextLines]
	}
	return all
}

func (h hunk) write(out *strings.Builder) {
	countA, countB := 0, 0
	for _, e := range h.edits {
		if e.op != '+' {
			countA++
		}
		if e.op != '-' {
			countB++
		}
	}
	fmt.Fprintf(out, "@@ -%s +%s @@\n", place(h.fromA, countA), place(h.fromB, countB))
	for _, e := range h.edits {
		out.WriteByte(e.op)
		out.WriteString(e.line)
		out.WriteByte('\n')
	}
}

func place(from, count int) string {
	switch count {
	case 0:
		return fmt.Sprintf("%d,0", from)
	case 1:
		return fmt.Sprint(from + 1)
	}
	return fmt.Sprintf("%d,%d", from+1, count)
}
