package object

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Restorable is what of an object can be written into a cluster again: Clean, with its owner references.
func Restorable(u *unstructured.Unstructured) *unstructured.Unstructured {
	c := Clean(u)
	if owners := u.GetOwnerReferences(); len(owners) > 0 {
		c.SetOwnerReferences(owners)
	}
	return c
}

// Replacement is the live object with all that a person may set as wanted says it. What the API server and controllers have filled in
// (the address of a Service, the volume of a claim, the status) stays as it is now.
func Replacement(live, wanted *unstructured.Unstructured) *unstructured.Unstructured {
	owners := wanted.GetOwnerReferences()
	out := &unstructured.Unstructured{Object: replace(live.DeepCopy().Object, Clean(live).Object, Clean(wanted).Object)}
	out.SetAPIVersion(wanted.GetAPIVersion())
	if len(owners) > 0 {
		out.SetOwnerReferences(owners)
	}
	return out
}

// replace takes from live what clean does not have, and everything else from wanted.
func replace(live, clean, wanted map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range live {
		if _, own := clean[k]; !own {
			out[k] = v // filled in
		}
	}
	for k, w := range wanted {
		l, isMap := live[k].(map[string]any)
		wm, wantsMap := w.(map[string]any)
		if !isMap || !wantsMap {
			out[k] = w
			continue
		}
		cm, _ := clean[k].(map[string]any)
		out[k] = replace(l, cm, wm)
	}
	return out
}
