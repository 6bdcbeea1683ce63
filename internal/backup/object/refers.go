package object

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Reference is an object of the same namespace that another one cannot do without.
type Reference struct{ Group, Resource, Name string }

// Refers lists the ConfigMaps, Secrets, service accounts and claims that the pods of an object use, and the Secrets of an Ingress. Those
// that are marked as optional are listed too. The result is sorted; nil for no object.
func Refers(u *unstructured.Unstructured) []Reference {
	if u == nil {
		return nil
	}
	found := map[Reference]bool{}
	add := func(resource string, name any) {
		if s, ok := name.(string); ok && s != "" {
			found[Reference{Resource: resource, Name: s}] = true
		}
	}
	if spec := podSpec(u); spec != nil {
		podRefers(spec, add)
	}
	if u.GetKind() == "Ingress" {
		for _, t := range list(u.Object, "spec", "tls") {
			add("secrets", t["secretName"])
		}
	}
	out := make([]Reference, 0, len(found))
	for r := range found {
		if r.Resource == "serviceaccounts" && r.Name == "default" {
			continue // comes with the namespace
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Reference) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// podSpec is that of a pod, or of the template of what makes pods.
func podSpec(u *unstructured.Unstructured) map[string]any {
	for _, path := range [][]string{
		{"spec", "jobTemplate", "spec", "template", "spec"}, {"spec", "template", "spec"},
	} {
		if m, found, err := unstructured.NestedMap(u.Object, path...); found && err == nil {
			return m
		}
	}
	if u.GetKind() == "Pod" {
		m, _, _ := unstructured.NestedMap(u.Object, "spec")
		return m
	}
	return nil
}

// list gives the maps in a list; nothing else is in it that could be meant.
func list(o map[string]any, path ...string) []map[string]any {
	items, _, _ := unstructured.NestedSlice(o, path...)
	var out []map[string]any
	for _, i := range items {
		if m, ok := i.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func field(o map[string]any, path ...string) any {
	v, _, _ := unstructured.NestedFieldNoCopy(o, path...)
	return v
}

func podRefers(spec map[string]any, add func(string, any)) {
	add("serviceaccounts", spec["serviceAccountName"])
	for _, s := range list(spec, "imagePullSecrets") {
		add("secrets", s["name"])
	}
	for _, v := range list(spec, "volumes") {
		add("configmaps", field(v, "configMap", "name"))
		add("secrets", field(v, "secret", "secretName"))
		add("persistentvolumeclaims", field(v, "persistentVolumeClaim", "claimName"))
		for _, s := range list(v, "projected", "sources") {
			add("configmaps", field(s, "configMap", "name"))
			add("secrets", field(s, "secret", "name"))
		}
	}
	for _, kind := range []string{"containers", "initContainers"} {
		for _, c := range list(spec, kind) {
			for _, e := range list(c, "envFrom") {
				add("configmaps", field(e, "configMapRef", "name"))
				add("secrets", field(e, "secretRef", "name"))
			}
			for _, e := range list(c, "env") {
				add("configmaps", field(e, "valueFrom", "configMapKeyRef", "name"))
				add("secrets", field(e, "valueFrom", "secretKeyRef", "name"))
			}
		}
	}
}
