// Package simulate rehearses evictions: it runs the real kube-scheduler, with
// its default plugins, on a snapshot of a cluster read from a file, and says
// where every replacement pod would go, or why it would stay pending.
//
// It is not an emulation of the scheduler: filtering, scoring, spreading,
// volumes and preemption are the upstream code, run against an API held in
// memory. What is simulated is the little around it: a controller that
// recreates pods, a kubelet that runs what was bound, a volume controller that
// binds what the scheduler chose. Nothing is provisioned, no network is opened,
// no file is written.
//
// The invariant: every scenario starts from the same snapshot. Objects of the
// snapshot are shared between scenarios and never changed in place; a scenario
// replaces an object by a changed copy.
package simulate
