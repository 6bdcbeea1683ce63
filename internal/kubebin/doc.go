// Package kubebin finds kanrin-kube, the multi-call binary that holds upstream Kubernetes, etcd and kwok.
//
// It only finds the file; running it is the business of internal/controlplane and internal/rehearse. Invariant: a path that
// is returned is absolute and names a regular file that the caller may execute.
package kubebin
