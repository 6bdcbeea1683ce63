// Package client talks to a Kanrin console: operations and clusters through the kube-style API, views and sign-in through
// /kanrin/v1.
//
// It prints nothing and decides nothing. Invariant: every call has a deadline or a context that somebody can end, and every error
// says which request failed.
package client
