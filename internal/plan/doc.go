// Package plan is the engine that carries operations out: plans as data, a durable journal, approval bound to a digest,
// pause, cancel, undo, locks, and fencing by epoch. It knows no operation: drains and all others are planners and step behaviours
// that register here.
//
// Life of an operation and who writes what: see docs/design/0002-plan-engine.md.
//
// Invariants:
//   - A step's start is durable before its first change, its end is durable before the next step begins.
//   - Every durable write is conditional on the version that was read and on the executor's epoch; an executor that has lost
//     its epoch, or cannot confirm it, makes no further change anywhere.
//   - Behaviours are idempotent: a resumed step asks Done first and then does what is left.
package plan
