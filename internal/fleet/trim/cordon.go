package trim

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// cordonEntry returns the managed-fields entry of the newest writer of spec.unschedulable, without its fields.
func cordonEntry(n *corev1.Node) []metav1.ManagedFieldsEntry {
	if !n.Spec.Unschedulable {
		return nil
	}
	var newest *metav1.ManagedFieldsEntry
	for i := range n.ManagedFields {
		e := &n.ManagedFields[i]
		// A node already trimmed has one entry, whose fields are gone.
		owns := e.FieldsV1 == nil || strings.Contains(e.FieldsV1.GetRawString(), `"f:unschedulable"`)
		if owns && (newest == nil || newest.Time.Before(e.Time)) {
			newest = e
		}
	}
	if newest == nil {
		return nil
	}
	return []metav1.ManagedFieldsEntry{{Manager: newest.Manager, Operation: newest.Operation, Time: newest.Time}}
}

// CordonedBy tells which client (its field manager, such as "kubectl-cordon") made a trimmed node unschedulable, and when.
// Both are empty when the node is schedulable or the API server does not say. The time is that of the manager's last
// change of the node, which is the cordon itself for a client that changes nothing else.
func CordonedBy(n *corev1.Node) (manager string, at time.Time) {
	if !n.Spec.Unschedulable || len(n.ManagedFields) == 0 {
		return "", time.Time{}
	}
	e := n.ManagedFields[0]
	if e.Time != nil {
		at = e.Time.Time
	}
	return e.Manager, at
}
