package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"kanrin.dev/kanrin/internal/cli/cells"
	"kanrin.dev/kanrin/internal/lang"
)

// Code is the exit code of a command. The numbers are part of the interface: scripts decide on them.
type Code int

const (
	Done        Code = 0   // done, or nothing to do
	Failed      Code = 1   // failed
	Usage       Code = 2   // usage or bad input
	Partly      Code = 3   // partly done, resumable
	Blocked     Code = 4   // blocked by a named finding
	Refused     Code = 5   // stale, foreign or used plan
	Locked      Code = 6   // locked by another operation
	NotFound    Code = 7   // a named object does not exist
	NotAllowed  Code = 8   // not signed in, or not allowed
	Interrupted Code = 130 // broken off by the person at the terminal
)

// Codes lists the exit codes in order, for the manual.
var Codes = []Code{Done, Failed, Usage, Partly, Blocked, Refused, Locked, NotFound, NotAllowed, Interrupted}

// Error is an error as an operator reads it: what failed and on which object, why, and what to do next, a line each.
type Error struct {
	Code Code
	What string
	Why  string
	Next string
	// Cause is shown with -v only.
	Cause error
}

func (e *Error) Error() string {
	if e.Why == "" {
		return e.What
	}
	return e.What + ": " + e.Why
}

func (e *Error) Unwrap() error { return e.Cause }

// quiet ends a command with a code when everything has been said already.
type quiet struct{ code Code }

func (q quiet) Error() string { return fmt.Sprintf("exit %d", int(q.code)) }

// Exit ends a command with code and says nothing more.
func Exit(code Code) error {
	if code == Done {
		return nil
	}
	return quiet{code}
}

// CodeOf is the exit code that err stands for.
func CodeOf(err error) Code {
	if err == nil {
		return Done
	}
	var q quiet
	if errors.As(err, &q) {
		return q.code
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	if errors.Is(err, context.Canceled) {
		return Interrupted
	}
	return Failed
}

// PrintError writes err the way every command does: one line what and which object, one why, one what to do. With verbose the chain of
// causes follows.
func PrintError(w io.Writer, l lang.Lang, err error, verbose bool) {
	var q quiet
	if err == nil || errors.As(err, &q) {
		return
	}
	var e *Error
	if !errors.As(err, &e) {
		if errors.Is(err, context.Canceled) {
			fmt.Fprintln(w, l.T("cli.interrupted"))
			return
		}
		e = &Error{What: err.Error()}
	}
	fmt.Fprintln(w, l.T("cli.error.what", "text", cells.Clean(e.What)))
	if e.Why != "" {
		fmt.Fprintln(w, l.T("cli.error.why", "text", cells.Clean(e.Why)))
	}
	if e.Next != "" {
		fmt.Fprintln(w, l.T("cli.error.next", "text", cells.Clean(e.Next)))
	}
	if !verbose {
		return
	}
	for cause := e.Cause; cause != nil; cause = errors.Unwrap(cause) {
		fmt.Fprintln(w, l.T("cli.error.cause", "text", cells.Clean(cause.Error())))
	}
}
