// Package backup knows the sets of a cluster: what stands in one (Manifest), where they are kept (Store), and how to read from them
// without booting anything (Set).
//
// It makes no set and restores none: that is work for operations (internal/ops/backup, internal/ops/restore). The storage is package
// repository's, the etcd snapshot package snapshot's.
//
// Invariant: what can hold a Secret leaves the repository only into memory or into a spool file, whose key dies with the process.
package backup
