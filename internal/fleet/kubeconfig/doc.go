// Package kubeconfig reads kubeconfigs that come from outside. Such a file may name programs to run and files to read; the
// server that reads it runs and reads nothing of the kind, and trusts neither its size nor its shape.
//
// It opens no connection (internal/fleet/reach does) and, but for Flatten on the user's own machine, no file.
//
// Invariant: credentials returned by Parse refer to nothing outside themselves and name one server whose identity is
// checked.
package kubeconfig
