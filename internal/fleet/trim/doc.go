// Package trim makes Kubernetes objects small enough to keep ten thousand of them in memory: it drops what neither the
// scheduler nor an operator looks at, and lets objects that are alike share what they have in common. The pods of one
// ReplicaSet share one copy of their containers, affinity, tolerations, labels and owner.
//
// It is not a cache and keeps nothing alive: what is shared is held by the objects that share it and goes with the last
// of them.
//
// Invariant: a trimmed object is never changed. Its maps and slices belong to other objects too.
package trim
