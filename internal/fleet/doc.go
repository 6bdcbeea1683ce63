// Package fleet keeps one live connection to every managed cluster: its objects in a trimmed cache, its API behind one
// rate limit, and the truth about whether what the cache says is still so. It registers and removes clusters and
// publishes what it sees as the status of Cluster objects.
//
// It does not change managed clusters and makes no rows for people (internal/inventory does).
//
// Invariant: data is never handed out as fresh when the cluster was not heard: State says since when it is stale. What the
// caches hand out is shared and read-only.
package fleet
