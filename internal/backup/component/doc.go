// Package component captures the components of a set: it reads from etcd, hosts, pods and the API, checks what it has read, and writes
// it into the set.
//
// It knows neither when nor why a set is made, and keeps nothing. What was expected and cannot be had is a Missing, not a failure: the
// rest of the set is still worth having, but the set is then not complete.
//
// Invariant: a component is captured only when its source said that it has given everything: the exit code of a command, the last line
// of a dump, the hash at the end of a snapshot.
package component
