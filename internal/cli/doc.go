// Package cli is what all of Kanrin's commands share: the three streams, the exit codes, the shape of an error, and questions
// to the person at the terminal. The packages below it hold one idea each (kubeconfig, client, output, render, follow, opref,
// trust, manual); the commands themselves are in cmd/kanrin.
//
// It decides nothing about clusters: whatever a command shows or does comes from the server.
//
// Invariant: stdout carries data and nothing else; everything said to a person goes to stderr, and every way out of a command
// has one of the exit codes of this package.
package cli
