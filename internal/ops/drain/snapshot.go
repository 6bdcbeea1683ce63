package drain

import (
	"k8s.io/apimachinery/pkg/runtime"

	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/rehearse"
)

// Snapshot yields everything that the scheduler looks at, from the cluster's cache.
func Snapshot(c *fleet.Connection) rehearse.Snapshot {
	return func(yield func(runtime.Object) bool) {
		_ = each(c.Namespaces().List(everything))(yield) &&
			each(c.PriorityClasses().List(everything))(yield) &&
			each(c.StorageClasses().List(everything))(yield) &&
			each(c.Nodes().List(everything))(yield) &&
			each(c.CSINodes().List(everything))(yield) &&
			each(c.Volumes().List(everything))(yield) &&
			each(c.Claims().List(everything))(yield) &&
			each(c.Budgets().List(everything))(yield) &&
			each(c.Services().List(everything))(yield) &&
			each(c.ReplicaSets().List(everything))(yield) &&
			each(c.StatefulSets().List(everything))(yield) &&
			each(c.Pods().List(), nil)(yield)
	}
}

// each yields a list; it reports whether the consumer wants more. Listers over memory do not fail.
func each[T runtime.Object](list []T, err error) func(yield func(runtime.Object) bool) bool {
	return func(yield func(runtime.Object) bool) bool {
		if err != nil {
			return true
		}
		for _, o := range list {
			if !yield(o) {
				return false
			}
		}
		return true
	}
}
