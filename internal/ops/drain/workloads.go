package drain

import (
	"sort"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/fleet"
)

// workloadOf names the topmost controller of a pod, Kind/namespace/name: a Deployment rather than its ReplicaSet. Empty when it has none.
func workloadOf(c *fleet.Connection, pod *corev1.Pod) string {
	o := metav1.GetControllerOfNoCopy(pod)
	if o == nil {
		return ""
	}
	if o.Kind == "ReplicaSet" {
		if rs, err := c.ReplicaSets().ReplicaSets(pod.Namespace).Get(o.Name); err == nil {
			if d := metav1.GetControllerOfNoCopy(rs); d != nil && d.Kind == "Deployment" {
				return "Deployment/" + pod.Namespace + "/" + d.Name
			}
		}
	}
	return o.Kind + "/" + pod.Namespace + "/" + o.Name
}

// scalable is the part of a workload that a surge works on.
type scalable struct {
	replicas    int32
	annotations map[string]string
	uids        []types.UID // of the direct controllers of its pods
}

// findScalable reads a workload from the cache; false when it is none that can be scaled, or is gone.
func findScalable(c *fleet.Connection, key string) (scalable, bool) {
	ns, name := namespaceOf(key), workloadName(key)[len(namespaceOf(key))+1:]
	switch kindOf(key) {
	case "Deployment":
		d, err := c.Deployments().Deployments(ns).Get(name)
		if err != nil {
			return scalable{}, false
		}
		return scalable{ptr.Deref(d.Spec.Replicas, 1), d.Annotations, replicaSetsOf(c, d)}, true
	case "StatefulSet":
		s, err := c.StatefulSets().StatefulSets(ns).Get(name)
		if err != nil {
			return scalable{}, false
		}
		return scalable{ptr.Deref(s.Spec.Replicas, 1), s.Annotations, []types.UID{s.UID}}, true
	case "ReplicaSet":
		r, err := c.ReplicaSets().ReplicaSets(ns).Get(name)
		if err != nil {
			return scalable{}, false
		}
		return scalable{ptr.Deref(r.Spec.Replicas, 1), r.Annotations, []types.UID{r.UID}}, true
	}
	return scalable{}, false
}

func replicaSetsOf(c *fleet.Connection, d *appsv1.Deployment) []types.UID {
	all, err := c.ReplicaSets().ReplicaSets(d.Namespace).List(everything)
	if err != nil {
		return nil // a lister over memory does not fail
	}
	var out []types.UID
	for _, rs := range all {
		if o := metav1.GetControllerOfNoCopy(rs); o != nil && o.UID == d.UID {
			out = append(out, rs.UID)
		}
	}
	return out
}

// readyOf counts the pods of a workload that are ready and not on their way out.
func readyOf(c *fleet.Connection, w scalable) int32 {
	n := int32(0)
	for _, uid := range w.uids {
		for _, p := range c.Pods().ByOwner(uid) {
			if p.DeletionTimestamp == nil && disruption.Ready(p) {
				n++
			}
		}
	}
	return n
}

// startMillis is the median time from creation to ready over the pods, 0 when it cannot be told.
func startMillis(pods []*corev1.Pod) int64 {
	var all []int64
	for _, p := range pods {
		for _, cond := range p.Status.Conditions {
			if cond.Type == corev1.PodReady && cond.Status == corev1.ConditionTrue {
				// A pod that became ready again much later tells of that, not of its start.
				if ms := cond.LastTransitionTime.Sub(p.CreationTimestamp.Time).Milliseconds(); ms >= 0 && ms < 15*60*1000 {
					all = append(all, max(ms, 500)) // API times are whole seconds
				}
			}
		}
	}
	return median(all)
}

func median(v []int64) int64 {
	if len(v) == 0 {
		return 0
	}
	sort.Slice(v, func(i, j int) bool { return v[i] < v[j] })
	return v[len(v)/2]
}

// zonesOf reads where a volume can be mounted from its node affinity.
func zonesOf(pv *corev1.PersistentVolume) (zones, nodes []string) {
	if pv == nil || pv.Spec.NodeAffinity == nil || pv.Spec.NodeAffinity.Required == nil {
		return nil, nil
	}
	for _, term := range pv.Spec.NodeAffinity.Required.NodeSelectorTerms {
		for _, e := range term.MatchExpressions {
			if e.Operator != corev1.NodeSelectorOpIn {
				continue
			}
			switch {
			case e.Key == corev1.LabelHostname:
				nodes = append(nodes, e.Values...)
			case e.Key == corev1.LabelTopologyZone || strings.HasSuffix(e.Key, "/zone"):
				zones = append(zones, e.Values...)
			}
		}
	}
	sort.Strings(zones)
	sort.Strings(nodes)
	return zones, nodes
}
