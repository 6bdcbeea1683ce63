// Package leader decides which of several Kanrin processes on one management API may carry out operations, and lets it find
// out by itself that it no longer may.
//
// Leadership rests on a Lease and client-go's election. Election alone lets a process that was paused, or cut off, wake up and
// believe that it still leads; so a Term is bound to the moment at which its last successful renewal was sent: nobody else can
// hold the lease before LeaseDuration after that moment, and Check refuses a margin earlier, on clocks that go on while the
// machine sleeps. What is written is fenced besides, by the term's epoch (see internal/plan).
//
// It does not know what leaders do. Invariants: at no moment do the Terms of two processes both pass Check; epochs grow with
// every term, even when the Lease was deleted in between.
package leader
