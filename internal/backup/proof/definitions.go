package proof

import (
	"context"
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

var (
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	apiServices = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}
)

// definition is what counts here of a CustomResourceDefinition.
type definition struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Group string `json:"group"`
		Names struct {
			Plural string `json:"plural"`
		} `json:"names"`
		Versions []struct {
			Name    string `json:"name"`
			Served  bool   `json:"served"`
			Storage bool   `json:"storage"`
		} `json:"versions"`
		Conversion *struct {
			Strategy string `json:"strategy"`
		} `json:"conversion"`
	} `json:"spec"`
}

// customResources adds what definitions define, in the version in which it is stored.
func (r *run) customResources(ctx context.Context, found map[schema.GroupResource]served) {
	for _, u := range r.all(ctx, definitions) {
		var d definition
		if !decode(u, &d) {
			continue // the list of definitions is compared like any other, which tells
		}
		s := served{custom: d.Metadata.Name, webhook: d.Spec.Conversion != nil && d.Spec.Conversion.Strategy == "Webhook"}
		version, stored := "", false
		for _, v := range d.Spec.Versions {
			if v.Served && !stored {
				version, stored = v.Name, v.Storage
			} else if v.Served && v.Storage {
				version, stored = v.Name, true
			}
		}
		if version == "" {
			continue
		}
		gr := schema.GroupResource{Group: d.Spec.Group, Resource: d.Spec.Names.Plural}
		s.GroupVersionResource = gr.WithVersion(version)
		found[gr] = s
	}
}

// aggregated returns the versions that another server answers, which is not there.
func (r *run) aggregated(ctx context.Context) map[schema.GroupVersion]bool {
	found := map[schema.GroupVersion]bool{}
	for _, u := range r.all(ctx, apiServices) {
		var a struct {
			Spec struct {
				Group   string    `json:"group"`
				Version string    `json:"version"`
				Service *struct{} `json:"service"`
			} `json:"spec"`
		}
		if decode(u, &a) && a.Spec.Service != nil {
			found[schema.GroupVersion{Group: a.Spec.Group, Version: a.Spec.Version}] = true
			r.excluded.add(ExcludedAggregated, u.GetName())
		}
	}
	return found
}

// all reads the objects of a resource: in pages, and where one of them keeps the rest from being listed, one by one as the
// index names them.
func (r *run) all(ctx context.Context, gvr schema.GroupVersionResource) []unstructured.Unstructured {
	var out []unstructured.Unstructured
	client := r.api.dynamic.Resource(gvr)
	for opts := (metav1.ListOptions{Limit: 50}); ; {
		list, err := client.List(ctx, opts)
		if err != nil {
			break
		}
		out = append(out, list.Items...)
		if opts.Continue = list.GetContinue(); opts.Continue == "" {
			return out
		}
	}
	out = nil
	for _, i := range r.wanted[gvr.GroupResource()] {
		if u, err := client.Get(ctx, i.name, metav1.GetOptions{}); err == nil {
			out = append(out, *u)
		}
	}
	return out
}

func decode(u unstructured.Unstructured, to any) bool {
	return runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, to) == nil
}

// withoutWebhook makes custom resources readable whose stored version only an absent webhook could convert: their definition,
// in scratch, is told that the versions differ in nothing.
func (r *run) withoutWebhook(ctx context.Context, name string) error {
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"conversion": map[string]any{"strategy": "None", "webhook": nil}}})
	if err != nil {
		return err
	}
	_, err = r.api.dynamic.Resource(definitions).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}
