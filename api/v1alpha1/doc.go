// Package v1alpha1 holds Kanrin's kinds: Cluster, Host, Operation and OperationLog of the API group kanrin.dev.
//
// It is data only: types, validation markers, condition and reason names. It imports nothing of Kanrin, so that
// every other package (and every client) may import it.
//
// Invariant: whatever is stored in the management API is described here, and nowhere else.
//
// +kubebuilder:object:generate=true
// +groupName=kanrin.dev
package v1alpha1
