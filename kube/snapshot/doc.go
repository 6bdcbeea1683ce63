// Package snapshot reads the input of a rehearsal: a header with the scenarios,
// and the objects of a cluster, one JSON document per line.
//
// It knows which kinds have a say in scheduling, and nothing of the scheduler.
//
// The invariant: what Read returns is complete and consistent with itself.
// Every object has a name and a UID and is there once, every scenario names only
// what is there. A fault of the input is an error that names its line.
package snapshot
