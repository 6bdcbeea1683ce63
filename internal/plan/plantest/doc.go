// Package plantest proves that an operation survives being killed. It runs the whole controller against a real management API and kills
// it before and after every durable write it makes; the next one, in a new epoch, has to bring the operation to its end.
//
// "Killed" means what it means for a process: from that moment on nothing more of it reaches the management API, and its right to act
// is gone. Calls that were already under way may still arrive, as in reality.
package plantest
