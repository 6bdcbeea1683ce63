// Package restore plans and carries out that the state of a cluster is put back: every etcd member from one snapshot of a set, or one
// broken member from the others.
//
// The way of a plan: gather (Backup, API, machines, etcd: the edges) → check (findings, pure) → compose (steps, pure). Whatever takes long
// (reading the set, saving the present state, bringing the snapshot to the machines and unpacking it there) comes while the cluster
// still serves. Then the API servers are fenced, and only renames are left until they serve again.
//
// Revisions never go back: the restored ones are raised beyond anything that a watcher or a cache may have seen, and what was before is
// marked as compacted, so that each of them reads everything anew.
//
// It decides nothing about sets (package backup does), and nothing of what a set holds is written anywhere but into the data directory
// of etcd on its own hosts.
//
// Invariant: while an API server may be running anywhere, no data of etcd is exchanged; and the data that was found is never deleted.
package restore
