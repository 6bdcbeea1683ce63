package reach

import (
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
)

// ReasonNotServing: the API server answers, and refuses to serve (429, 5xx, or it is not a Kubernetes API server).
const ReasonNotServing = "NotServing"

// Error says why a cluster cannot be used.
type Error struct {
	// Reason is one of the v1alpha1.Reason… of condition Reachable, or ReasonNotServing.
	Reason string
	// Why narrows the reason down: key cluster.<Reason>.why.<Why> of the catalogue.
	Why string
	// Params complete the sentences: cluster is the name, server the URL, and what Why needs.
	Params map[string]string
	// Err is what happened, for logs.
	Err error
}

// Error is the English of What and Why.
func (e *Error) Error() string {
	return e.What(lang.English) + " " + e.Because(lang.English)
}

func (e *Error) Unwrap() error { return e.Err }

// What says what is the matter, in one sentence.
func (e *Error) What(l lang.Lang) string { return l.Text("cluster."+e.Reason, e.Params) }

// Because says why.
func (e *Error) Because(l lang.Lang) string {
	return l.Text("cluster."+e.Reason+".why."+e.Why, e.Params)
}

// Next says what to do about it.
func (e *Error) Next(l lang.Lang) string { return l.Text("cluster."+e.Reason+".next", e.Params) }

// Message is what is kept in a status: what, why and what to do next, in English.
func (e *Error) Message() string { return e.Error() + " " + e.Next(lang.English) }

// Gone reports whether the server was not heard at all, as opposed to heard and refused.
func (e *Error) Gone() bool { return e.Reason == v1alpha1.ReasonUnreachable }
