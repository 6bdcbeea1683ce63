package plan

import (
	"kanrin.dev/kanrin/api/v1alpha1"
)

// Disruptive operations need the cluster's lock: one of them at a time in a cluster.
func Disruptive(t v1alpha1.OperationType) bool {
	switch t {
	case v1alpha1.OperationCordon, v1alpha1.OperationUncordon, v1alpha1.OperationBackup, v1alpha1.OperationProve, v1alpha1.OperationCheckBackups,
		v1alpha1.OperationPrune, v1alpha1.OperationRestoreObjects:
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
//   - a stop, a start or a restore of a cluster has all of its cluster; what works on stored sets alone may go on beside it;
//   - one backup at a time, and nothing else with the sets while a prune deletes some.
func Interlock(op *v1alpha1.Operation, others []v1alpha1.Operation) (*v1alpha1.Operation, string) {
	for i := range others {
		o := &others[i]
		if o.Name == op.Name || !AtWork(o.Status.Phase) {
			continue
		}
		if Disruptive(op.Spec.Type) && Disruptive(o.Spec.Type) {
			return o, op.Namespace
		}
		if all(op) && !apart(o) || all(o) && !apart(op) {
			return o, op.Namespace
		}
		if contend(op, o) || contend(o, op) {
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
	switch op.Spec.Type {
	case v1alpha1.OperationStop, v1alpha1.OperationStart, v1alpha1.OperationRestoreCluster:
		return true
	}
	return false
}

// apart reports whether an operation asks nothing of the cluster: it works on stored sets alone.
func apart(op *v1alpha1.Operation) bool {
	switch op.Spec.Type {
	case v1alpha1.OperationProve, v1alpha1.OperationCheckBackups, v1alpha1.OperationPrune:
		return true
	}
	return false
}

// contend reports whether a must not run beside b because of the sets that both work with.
func contend(a, b *v1alpha1.Operation) bool {
	switch a.Spec.Type {
	case v1alpha1.OperationBackup:
		return b.Spec.Type == v1alpha1.OperationBackup
	case v1alpha1.OperationPrune:
		switch b.Spec.Type {
		case v1alpha1.OperationBackup, v1alpha1.OperationProve, v1alpha1.OperationCheckBackups, v1alpha1.OperationPrune,
			v1alpha1.OperationRestoreObjects, v1alpha1.OperationRestoreCluster:
			return true
		}
	}
	return false
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
