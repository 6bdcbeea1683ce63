// Package spool is scratch space on a disk that nobody else can read: a file encrypted under a key that lives in memory only.
//
// It keeps what is too large for memory and may hold Secrets (an etcd snapshot, a dump) between receiving it and storing it. It is not
// storage: the file has no name from the moment it is made, and is gone with the process. Invariant: no byte given to Write reaches the
// disk in clear, and no byte comes back from ReadAt that differs from what was written.
package spool
