package main

import (
	"strings"

	"kanrin.dev/kanrin/internal/cli/cells"
)

// inventoryVersion is the apiVersion of what only Kanrin's views know.
const inventoryVersion = "inventory.kanrin.dev/v1alpha1"

// facts writes label and value, a line each, aligned. Facts without a value are left out; further lines of a value stand under its first.
func facts(pairs [][2]string) string {
	width := 0
	for _, p := range pairs {
		if p[1] != "" {
			width = max(width, cells.Width(p[0]))
		}
	}
	var b strings.Builder
	for _, p := range pairs {
		if p[1] == "" {
			continue
		}
		for i, line := range strings.Split(cells.Clean(p[1]), "\n") {
			label := ""
			if i == 0 {
				label = p[0]
			}
			b.WriteString(strings.TrimRight(cells.Pad(label, width+2)+line, " ") + "\n")
		}
	}
	return b.String()
}
