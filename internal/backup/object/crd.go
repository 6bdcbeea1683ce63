package object

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

const apiextensions = "apiextensions.k8s.io/"

// hoisted are the fields that v1beta1 keeps for all versions at once, when they are the same, by their name there.
var hoisted = map[string]string{
	"validation": "schema", "subresources": "subresources", "additionalPrinterColumns": "additionalPrinterColumns",
	"selectableFields": "selectableFields",
}

// modernize turns a CustomResourceDefinition v1beta1 into v1. API servers still store the former, and since Kubernetes 1.22
// none serves it, so that it could not be written back.
func modernize(u *unstructured.Unstructured) {
	if u.GetAPIVersion() != apiextensions+"v1beta1" || u.GetKind() != "CustomResourceDefinition" {
		return
	}
	spec, ok := u.Object["spec"].(map[string]any)
	if !ok {
		return
	}
	u.SetAPIVersion(apiextensions + "v1")
	versions, _ := spec["versions"].([]any)
	if name, ok := spec["version"].(string); ok && len(versions) == 0 {
		versions = []any{map[string]any{"name": name, "served": true, "storage": true}}
		spec["versions"] = versions
	}
	delete(spec, "version")
	for old, field := range hoisted {
		value, ok := spec[old]
		if !ok {
			continue
		}
		delete(spec, old)
		for _, v := range versions {
			if v, ok := v.(map[string]any); ok {
				v[field] = runtime.DeepCopyJSONValue(value)
			}
		}
	}
	for _, v := range versions {
		v, _ := v.(map[string]any)
		columns, _ := v["additionalPrinterColumns"].([]any)
		for _, c := range columns {
			if c, ok := c.(map[string]any); ok {
				rename(c, "JSONPath", c, "jsonPath")
			}
		}
	}
	if spec["preserveUnknownFields"] == false { // the default of v1, and not that of v1beta1
		delete(spec, "preserveUnknownFields")
	}
	if conversion, ok := spec["conversion"].(map[string]any); ok {
		webhook := map[string]any{}
		rename(conversion, "webhookClientConfig", webhook, "clientConfig")
		rename(conversion, "conversionReviewVersions", webhook, "conversionReviewVersions")
		if len(webhook) > 0 {
			conversion["webhook"] = webhook
		}
	}
}

func rename(from map[string]any, old string, to map[string]any, name string) {
	if value, ok := from[old]; ok {
		delete(from, old)
		to[name] = value
	}
}
