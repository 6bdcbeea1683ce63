package plan

import (
	"kanrin.dev/kanrin/api/v1alpha1"
)

// Disruptive operations need the cluster's lock: one of them at a time in a cluster.
func Disruptive(t v1alpha1.OperationType) bool {
	switch t {
	case v1alpha1.OperationCordon, v1alpha1.OperationUncordon:
		return false
	}
	return true
}

// Interlock is the one place where the rules between operations stand. It returns the operation that stands in the way of op, and the
// object they both want, or nil. others are the operations of the same cluster.
//
// Rules so far:
//   - a disruptive operation waits for every other one (held by Lock, which this rule only explains);
//   - cordon and uncordon leave the nodes of an operation at work alone;
//   - a stop or a start has every node of its cluster.
func Interlock(op *v1alpha1.Operation, others []v1alpha1.Operation) (*v1alpha1.Operation, string) {
	for i := range others {
		o := &others[i]
		if o.Name == op.Name || !AtWork(o.Status.Phase) {
			continue
		}
		if Disruptive(op.Spec.Type) && Disruptive(o.Spec.Type) {
			return o, op.Namespace
		}
		if all(op) || all(o) {
			return o, op.Namespace
		}
		if node := shared(Nodes(op), Nodes(o)); node != "" {
			return o, node
		}
	}
	return nil, ""
}

// AtWork reports whether an operation in this phase may be changing things, or will go on to.
func AtWork(p v1alpha1.Phase) bool {
	return p == v1alpha1.PhaseRunning || p == v1alpha1.PhasePaused || p == v1alpha1.PhaseCancelling
}

// Nodes are those that an operation asks for.
func Nodes(op *v1alpha1.Operation) []string { return op.Spec.Subjects() }

// all reports whether an operation is about every node of its cluster.
func all(op *v1alpha1.Operation) bool {
	return op.Spec.Type == v1alpha1.OperationStop || op.Spec.Type == v1alpha1.OperationStart
}

func shared(a, b []string) string {
	in := make(map[string]bool, len(a))
	for _, n := range a {
		in[n] = true
	}
	for _, n := range b {
		if in[n] {
			return n
		}
	}
	return ""
}
