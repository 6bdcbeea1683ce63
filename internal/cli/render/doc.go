// Package render writes operations for people: the plan, its findings and steps, the state of a running one, the report.
//
// Its functions are pure: an operation and options in, text out; they read neither clock nor terminal. Invariant: what is shown is what
// the operation's status says; nothing is computed that the server has not said, but ages and elapsed times.
package render

import (
	"time"

	"kanrin.dev/kanrin/internal/lang"
)

// Options say for whom and for what medium text is made.
type Options struct {
	Lang   lang.Lang
	Width  int
	Colour bool
	Now    time.Time
}
