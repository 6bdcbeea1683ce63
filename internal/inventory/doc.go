// Package inventory answers the questions that people ask of clusters: rows of nodes, workloads and pods, sorted, filtered and
// paged; events and YAML asked live; what a cluster can carry; and the overview of all clusters.
//
// It reads the caches of internal/fleet and changes nothing but the registration of clusters. Shapes are those of
// api/inventory.
//
// Invariant: a page says by its revision what it was made from, and since when that is stale if it is; rows are made when they
// are asked for, so that what is watched is not kept twice.
package inventory
