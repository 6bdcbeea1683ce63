// Package rehearse plays plans through on a copy of a cluster's live state, with the real kube-scheduler: it streams a snapshot to
// `kanrin-kube simulate` and reads back where every pod would land.
//
// It decides nothing and changes nothing. Invariant: nothing but the snapshot given to it enters a rehearsal; it has no connection to
// any cluster.
package rehearse
