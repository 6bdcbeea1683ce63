// Package snapshot reads snapshots of etcd's key space without an etcd: it checks the whole file, indexes the keys that
// are alive in it, and finds Kubernetes objects by name, in the storage formats of etcd 3.4 and later.
//
// It gives values as the API server wrote them; decrypting and decoding them is the business of package object. It knows
// the file only through an io.ReaderAt, which may be a file in a repository or an encrypted scratch file.
//
// Invariant: an Index is made only of a file that was read and checked from its first byte to its last, and a value is
// handed out only when it has the digest that the index holds. No foreign byte leads to a panic or to memory out of
// proportion to the file.
package snapshot
