// Package kubeconfig reads and changes kubeconfig files: which context leads to Kanrin, the entries that signing in adds and
// signing out takes away, and one context of a foreign file with everything inlined, to be handed to the server.
//
// It makes no connection. Invariant: a change touches Kanrin's own three entries and the current context; everything else in the
// file, comments and unknown fields included, is there afterwards, and a file that cannot be read is never written.
package kubeconfig
