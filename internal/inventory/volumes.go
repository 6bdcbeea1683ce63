package inventory

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/fleet"
)

// volumeOf describes a claim of a pod, and where its volume can be mounted.
func volumeOf(conn *fleet.Connection, namespace, claim string) inventory.Volume {
	v := inventory.Volume{Claim: claim}
	pvc, err := conn.Claims().PersistentVolumeClaims(namespace).Get(claim)
	if err != nil {
		return v // does not exist (yet): not bound
	}
	if pvc.Spec.StorageClassName != nil {
		v.Class = *pvc.Spec.StorageClassName
	}
	size := pvc.Status.Capacity[corev1.ResourceStorage]
	if size.IsZero() {
		size = pvc.Spec.Resources.Requests[corev1.ResourceStorage]
	}
	v.Bytes = size.Value()
	if pvc.Spec.VolumeName == "" {
		return v
	}
	v.Bound = pvc.Status.Phase == corev1.ClaimBound
	if pv, err := conn.Volumes().Get(pvc.Spec.VolumeName); err == nil {
		v.Zones, v.Nodes = placesOf(pv)
	}
	return v
}

// placesOf reads from a volume's node affinity in which zones, or on which nodes, it can be mounted. Terms are alternatives;
// a term without a zone or node leaves the place open.
func placesOf(pv *corev1.PersistentVolume) (zones, nodes []string) {
	if pv.Spec.NodeAffinity == nil || pv.Spec.NodeAffinity.Required == nil {
		return nil, nil
	}
	for _, term := range pv.Spec.NodeAffinity.Required.NodeSelectorTerms {
		bound := false
		for _, e := range term.MatchExpressions {
			if e.Operator != corev1.NodeSelectorOpIn {
				continue
			}
			switch {
			case e.Key == corev1.LabelHostname:
				nodes, bound = append(nodes, e.Values...), true
			case e.Key == corev1.LabelTopologyZone || strings.HasSuffix(e.Key, "/zone"):
				zones, bound = append(zones, e.Values...), true
			}
		}
		for _, f := range term.MatchFields {
			if f.Key == "metadata.name" && f.Operator == corev1.NodeSelectorOpIn {
				nodes, bound = append(nodes, f.Values...), true
			}
		}
		if !bound {
			return nil, nil
		}
	}
	return sortedUnique(zones), sortedUnique(nodes)
}

func sortedUnique(in []string) []string {
	slices.Sort(in)
	return slices.Compact(in)
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
