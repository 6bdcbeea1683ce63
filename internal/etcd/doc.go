// Package etcd speaks to the etcd of a managed cluster as kubeadm sets it up: through the SSH connection of a control plane, with the
// certificates that are there. It lists members and judges their quorum, changes membership, and streams snapshots.
//
// It is not about the etcd of Kanrin's own management API, and it decides nothing: which member is removed, and when, is the business
// of operations.
//
// Invariant: certificates are read into memory and nothing of them is written or logged.
package etcd
