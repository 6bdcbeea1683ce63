// Package boltfile reads bbolt database files, such as etcd's, without trusting them.
//
// It reads through an io.ReaderAt, so that a file may lie in a repository or in an encrypted scratch file, and it is for
// reading only: bbolt itself maps a file into memory and faults on a damaged one. It knows buckets, keys and values; what
// they mean to etcd is the business of package snapshot.
//
// Invariant: no byte of a file leads to a panic, to a read outside the file, to a loop, or to more memory than a few
// bytes per page plus the largest single page allowed. What is not as bbolt writes it is a *DamageError.
package boltfile
