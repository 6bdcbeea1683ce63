// Package proof shows that a backup can be restored by restoring it: etcd from the snapshot, an API server on it with the
// set's own encryption keys, every key and every object compared with the set's index; and a database dump in a scratch server.
//
// It only reads the set and says what it found; what a green proof means, who signs it and where it is kept is the caller's
// business. A result with a Problem is a set that is not proven; an error means that nothing can be said about the set.
//
// Invariant: everything happens in one scratch directory that is in memory and in processes that listen there or on loopback
// and connect to nothing else. When Run or Database returns, for whatever reason, both are gone; after a kill of Kanrin the
// kernel ends the processes and Sweep removes the directory.
package proof
