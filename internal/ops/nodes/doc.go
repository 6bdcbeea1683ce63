// Package nodes plans and carries out that machines join a cluster and leave it, the dead ones too.
//
// The way of a plan: gather (API, machine, etcd: the edges) → check (findings, pure) → compose (steps, pure). Where kubeadm does the
// job, kubeadm does it; this package does what kubeadm leaves to people: files before it, membership and cleaning after it, and taking
// back a join that fails.
//
// What was installed or changed on a machine is written down there (Record) before it is changed, and only that is taken back. Tokens
// and keys are made when a step runs; they go to the machine through stdin into files below /run that only root reads, and are deleted
// after.
//
// Invariant: no step takes away a member of etcd, or a machine that may still be writing, before the arithmetic and the proof that the
// plan showed have been looked at again.
package nodes
