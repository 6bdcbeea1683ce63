// Package console is Kanrin's HTTPS server: the web console, sign-in, the routes that other packages bring, the stream of changes, and
// the management API for kubectl, passed on in the name of the signed-in user.
//
// It knows nothing of clusters or operations; what it serves of them comes as []httpapi.Route. Who may do what is decided by
// internal/access and, for what is passed on, by the management API itself.
//
// Invariant: no handler of a route that is not public runs before the request's session and right have been checked, and nothing that
// a client says about who it is reaches the management API.
package console
