package hosts

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
)

// Error says why a machine cannot be used.
type Error struct {
	State v1alpha1.HostState
	// Host is the name of the Host, Address its address and port.
	Host, Address string
	// Params complete the sentences: host and address always, user, error and what State needs. "why" narrows the state down: the
	// sentence is hoststate.<State>.<why> if there is one, else hoststate.<State>.
	Params map[string]string
	// Err is what happened, for logs; it may be nil.
	Err error
}

// Error is the English sentence.
func (e *Error) Error() string { return e.Text(lang.English) }

func (e *Error) Unwrap() error { return e.Err }

// Text says what is the matter and what to do.
func (e *Error) Text(l lang.Lang) string { return StateText(l, e.State, e.Params) }

// StateText renders the state of a host with the params of its status or of an Error.
func StateText(l lang.Lang, state v1alpha1.HostState, params map[string]string) string {
	key := "hoststate." + string(cmp.Or(state, v1alpha1.HostUnknown))
	if why := params["why"]; why != "" && l.Has(key+"."+why) {
		key += "." + why
	}
	return l.Text(key, params)
}

// StateOf returns the state that err tells of: HostUnknown when it tells of none.
func StateOf(err error) v1alpha1.HostState {
	var e *Error
	switch {
	case err == nil:
		return v1alpha1.HostReachable
	case errors.As(err, &e):
		return e.State
	}
	return v1alpha1.HostUnknown
}

// fail makes an Error about the target.
func (t *target) fail(state v1alpha1.HostState, why string, err error, pairs ...any) *Error {
	params := lang.P(pairs...)
	params["host"], params["address"], params["user"] = t.host, t.address(), t.user
	if why != "" {
		params["why"] = why
	}
	if err != nil && params["error"] == "" {
		params["error"] = err.Error()
	}
	return &Error{State: state, Host: t.host, Address: t.address(), Params: params, Err: err}
}

// ExitError is a command that ran and failed.
type ExitError struct {
	Host    string
	Command string // the program's name, without its arguments
	Code    int    // 128 + signal when a signal ended it
	Stderr  string // its last lines
}

func (e *ExitError) Error() string {
	s := fmt.Sprintf("%s on %s ended with exit code %s", e.Command, e.Host, strconv.Itoa(e.Code))
	if e.Stderr != "" {
		s += ": " + e.Stderr
	}
	return s
}

// ErrTooLarge is a file or an answer beyond the limit of the call.
var ErrTooLarge = errors.New("larger than allowed")
