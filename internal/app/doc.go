// Package app puts Kanrin's components together: `kanrin up` as one component, started in order and stopped in reverse.
//
// All wiring is here, by hand, and nothing else is: what a component does is its own package's business. Invariant: whatever
// Start has begun when it fails or is cut short is stopped again before it returns, and one data directory is never used by
// two processes at once.
package app
