// Package reach says whether a cluster's API server can be used with given credentials, and if not, why: in terms that tell
// an operator what to do next.
//
// It keeps no connection (internal/fleet does). Invariant: the class of a failure is decided on types and codes, never on
// message text.
package reach
