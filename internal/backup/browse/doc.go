// Package browse serves what is in sets: their objects, one object at a time, what changed between two of them and over all of them, and
// policies with their secrets.
//
// It writes nothing into clusters: restoring is for operations. Invariant: values of Secrets leave it only for those who may get
// snapshotsecrets; everybody else sees fingerprints, by which equal values can be told from changed ones.
package browse
