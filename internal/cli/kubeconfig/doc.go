// Package kubeconfig reads and changes kubeconfig files: which context leads to Kanrin, and the entries that signing in
// adds and signing out takes away.
//
// It makes no connection, and it does not judge the kubeconfigs of managed clusters (internal/fleet/kubeconfig does). Invariant: a change touches Kanrin's own three entries and the current context; everything else in the
// file, comments and unknown fields included, is there afterwards, and a file that cannot be read is never written.
package kubeconfig
