// Package disruption knows what may be taken away from a cluster and what may not: how a drain sees a pod, and what a
// PodDisruptionBudget allows, now and at best.
//
// It is pure: objects in, answers with reasons out. Sources: policy/v1 (Kubernetes documentation "Specifying a Disruption Budget for
// your Application" and "API-initiated Eviction"), and the eviction handler's own rules.
package disruption
