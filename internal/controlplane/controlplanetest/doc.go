// Package controlplanetest gives tests a real Kubernetes API: etcd and kube-apiserver of their own, and on request
// controller-manager, scheduler and simulated nodes.
//
// It is for tests only. Starting takes a few seconds, so tests of one package should share one API, through Main, and keep
// apart by namespaces. Invariant: nothing is left running and nothing is left on disk when the test has ended, however it ends.
package controlplanetest
