package plan

import (
	"errors"
	"fmt"

	"kanrin.dev/kanrin/internal/lang"
)

// Reasons to stop between two changes. None of them is a failure.
var (
	// ErrFenced: this executor no longer holds, or cannot confirm, its epoch.
	ErrFenced = errors.New("the right to act is lost or cannot be confirmed")
	// ErrPaused: the operation's spec asks for a pause.
	ErrPaused = errors.New("the operation is paused")
	// ErrCancelled: the operation's spec asks for the end.
	ErrCancelled = errors.New("the operation is cancelled")
	// ErrHeld: Kanrin itself holds operations back, such as with a full disk.
	ErrHeld = errors.New("operations are held back")
)

// Interrupted reports whether err only says that the executor has to stop for now.
func Interrupted(err error) bool {
	return errors.Is(err, ErrFenced) || errors.Is(err, ErrPaused) || errors.Is(err, ErrCancelled) || errors.Is(err, ErrHeld)
}

// Failure is an error that an operator reads: a catalogue key (fail.<Code>), the object and the parameters. It is returned by
// planners (the request cannot be planned) and by behaviours (the step gave up).
type Failure struct {
	// Reason is the phase reason it leads to, such as v1alpha1.ReasonNotFound; empty for failed steps.
	Reason string
	Code   string
	Object string
	Params map[string]string
	// Err is the cause, for logs and -v; may be nil.
	Err error
}

// Fail makes a Failure; pairs are parameters name, value, …; the object becomes parameter "object".
func Fail(code, object string, err error, pairs ...any) *Failure {
	params := lang.P(pairs...)
	params["object"] = object
	if err != nil {
		params["error"] = err.Error()
	}
	return &Failure{Code: code, Object: object, Params: params, Err: err}
}

// Refuse makes a Failure of a request: reason is a v1alpha1 phase reason.
func Refuse(reason, code, object string, pairs ...any) *Failure {
	f := Fail(code, object, nil, pairs...)
	f.Reason = reason
	return f
}

// Error is the English sentence.
func (f *Failure) Error() string { return lang.English.Text("fail."+f.Code, f.Params) }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// asFailure makes a Failure of any error.
func asFailure(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return Fail("Unexpected", "", err)
}

// wrapf keeps the sentinel errors visible.
func wrapf(err error, format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, err)...)
}
