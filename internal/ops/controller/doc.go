// Package controller moves operations from phase to phase: it has them planned, checks approvals, takes the cluster's lock, lets the engine
// carry them out, and clears away what is over. It runs only while this process leads, and stops touching anything when it does not.
//
// It knows no kind of operation: planners and behaviours are in the registry. See docs/design/0002-plan-engine.md for the states and
// their owners.
//
// Invariant: an operation is carried out by at most one goroutine of one process, the one that holds its epoch.
package controller
