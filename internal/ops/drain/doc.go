// Package drain plans and carries out the emptying of nodes, and their cordon and uncordon.
//
// The way of a plan: Gather (facts from a cluster's cache) → Schedule (rounds, pure) → rehearsal (the real scheduler) → Compose (steps,
// findings, forecast, pure). The way of a drain: surge → cordon → evict, round by round → verify → settle → unsurge.
//
// Invariant: what a step changes in the cluster is marked with the operation's name and the former value (marks.go), and only what
// carries that mark is ever undone.
package drain
