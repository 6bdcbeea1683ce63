package fleet

import (
	"iter"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"kanrin.dev/kanrin/internal/disruption"
)

// budgetView keeps the budgets by namespace, read once for each revision.
type budgetView struct {
	mu       sync.Mutex
	revision int64
	by       map[string][]disruption.Budget
}

// BudgetsOf returns the disruption budgets of a namespace. The slice is shared and read-only.
func (c *Connection) BudgetsOf(namespace string) []disruption.Budget {
	c.budgets.mu.Lock()
	defer c.budgets.mu.Unlock()
	// The revision is read before the list: a change in between makes the next call read again.
	if r := c.Revision(AreaBudgets); c.budgets.by == nil || c.budgets.revision != r {
		c.budgets.by, c.budgets.revision = map[string][]disruption.Budget{}, r
		all, _ := c.Budgets().List(labels.Everything()) // a lister over a cache does not fail
		for _, p := range all {
			c.budgets.by[p.Namespace] = append(c.budgets.by[p.Namespace], disruption.NewBudget(p))
		}
	}
	return c.budgets.by[namespace]
}

// BudgetsFor returns the disruption budgets that cover a pod, by name.
func (c *Connection) BudgetsFor(pod *corev1.Pod) []disruption.Budget {
	of := c.BudgetsOf(pod.Namespace)
	if len(of) == 0 {
		return nil
	}
	return disruption.Covering(pod, of)
}

// WorkloadOf returns the topmost controller of a pod as Kind/namespace/name: the Deployment of its ReplicaSet, the CronJob of
// its Job. It is empty for an unmanaged pod.
func (c *Connection) WorkloadOf(pod *corev1.Pod) string {
	owner := metav1.GetControllerOfNoCopy(pod)
	if owner == nil || owner.Kind == "Node" { // a static pod is the kubelet's own
		return ""
	}
	var above *metav1.OwnerReference
	switch owner.Kind {
	case "ReplicaSet":
		if rs, err := c.ReplicaSets().ReplicaSets(pod.Namespace).Get(owner.Name); err == nil && rs.UID == owner.UID {
			above = metav1.GetControllerOfNoCopy(rs)
		}
	case "Job":
		if job, err := c.Jobs().Jobs(pod.Namespace).Get(owner.Name); err == nil && job.UID == owner.UID {
			above = metav1.GetControllerOfNoCopy(job)
		}
	}
	if above != nil {
		owner = above
	}
	return owner.Kind + "/" + pod.Namespace + "/" + owner.Name
}

// Snapshot yields everything that the scheduler looks at. The objects are shared and read-only.
func (c *Connection) Snapshot() iter.Seq[runtime.Object] {
	kinds := []string{
		"namespaces", "priorityclasses", "storageclasses", "nodes", "csinodes", "persistentvolumes", "persistentvolumeclaims",
		"poddisruptionbudgets", "services", "replicationcontrollers", "replicasets", "statefulsets",
	}
	return func(yield func(runtime.Object) bool) {
		for _, kind := range kinds {
			for _, o := range c.stores[kind].List() {
				if o, ok := o.(runtime.Object); ok && !yield(o) {
					return
				}
			}
		}
		for _, p := range c.pods.Records() {
			if !yield(p.Object()) { // one at a time: nobody needs all of them at once
				return
			}
		}
	}
}

// Examined says that an examiner has found something new to say about the cluster.
func (c *Connection) Examined() { c.hub.changed(AreaState) }
