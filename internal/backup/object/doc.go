// Package object turns the values that an API server keeps in etcd into objects, without an API server: it decrypts them
// with the keys of an encryption configuration, decodes them, and shows, cleans, compares and redacts them.
//
// Where values come from is the business of package snapshot; writing objects to a cluster is nobody's here.
//
// Invariant: neither errors nor anything but the decrypted value and the object itself hold a key or what was encrypted.
package object
