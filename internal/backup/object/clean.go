package object

import (
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// generatedMetadata are fields of metadata that only the API server writes, or that mean nothing elsewhere.
var generatedMetadata = []string{
	"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields", "ownerReferences",
	"resourceVersion", "selfLink", "uid",
}

// generatedAnnotations are written by kubectl and controllers. Those that end with a slash are prefixes.
var generatedAnnotations = []string{
	lastApplied,
	"autoscaling.alpha.kubernetes.io/",
	"batch.kubernetes.io/job-tracking",
	"cni.projectcalico.org/",
	"control-plane.alpha.kubernetes.io/leader",
	"deployment.kubernetes.io/",
	"deprecated.daemonset.template.generation",
	"endpoints.kubernetes.io/last-change-trigger-time",
	"kubernetes.io/config.",
	"kubernetes.io/service-account.uid",
	"pv.kubernetes.io/bind-completed",
	"pv.kubernetes.io/bound-by-controller",
	"volume.beta.kubernetes.io/storage-provisioner",
	"volume.kubernetes.io/selected-node",
	"volume.kubernetes.io/storage-provisioner",
}

// generatedFinalizers are set by the API server and controllers, which set them again.
var generatedFinalizers = []string{
	"batch.kubernetes.io/job-tracking", "foregroundDeletion", "kubernetes", "kubernetes.io/pv-protection",
	"kubernetes.io/pvc-protection", "orphan", "service.kubernetes.io/load-balancer-cleanup",
}

// Clean gives what a person would put into Git: without status, and without what the API server and the controllers filled
// in. The object given stays as it is. Node ports are kept, because what is outside the cluster may rely on them.
func Clean(u *unstructured.Unstructured) *unstructured.Unstructured {
	c := u.DeepCopy()
	delete(c.Object, "status")
	if !isMap(c.Object["metadata"]) {
		return c
	}
	boundByController := c.GetAnnotations()["pv.kubernetes.io/bound-by-controller"] == "yes"
	cleanMetadata(c.Object["metadata"].(map[string]any))
	spec, _ := c.Object["spec"].(map[string]any)
	switch c.GroupVersionKind().Kind + "." + c.GroupVersionKind().Group {
	case "Pod.":
		cleanPod(spec)
	case "Service.":
		cleanService(spec)
	case "PersistentVolumeClaim.":
		if boundByController {
			delete(spec, "volumeName")
		}
	case "PersistentVolume.":
		for _, field := range []string{"uid", "resourceVersion"} {
			unstructured.RemoveNestedField(c.Object, "spec", "claimRef", field)
		}
	case "Namespace.":
		unstructured.RemoveNestedField(c.Object, "metadata", "labels", "kubernetes.io/metadata.name")
		dropIfEmpty(c.Object["metadata"].(map[string]any), "labels")
		delete(spec, "finalizers")
	case "ServiceAccount.":
		cleanServiceAccount(c)
	case "Job.batch":
		cleanJob(spec)
	case "CustomResourceDefinition.apiextensions.k8s.io":
		if conversion, ok := spec["conversion"].(map[string]any); ok && conversion["strategy"] == "None" {
			delete(spec, "conversion")
		}
	}
	dropIfEmpty(c.Object, "spec")
	dropNull(c.Object)
	return c
}

func isMap(v any) bool { _, ok := v.(map[string]any); return ok }

func dropIfEmpty(m map[string]any, field string) {
	switch v := m[field].(type) {
	case map[string]any:
		if len(v) == 0 {
			delete(m, field)
		}
	case []any:
		if len(v) == 0 {
			delete(m, field)
		}
	}
}

func cleanMetadata(meta map[string]any) {
	for _, field := range generatedMetadata {
		delete(meta, field)
	}
	if name, _ := meta["name"].(string); name != "" {
		delete(meta, "generateName")
	}
	if annotations, ok := meta["annotations"].(map[string]any); ok {
		for name := range annotations {
			if slices.ContainsFunc(generatedAnnotations, func(g string) bool {
				return name == g || (strings.HasSuffix(g, "/") || strings.HasSuffix(g, ".")) && strings.HasPrefix(name, g)
			}) {
				delete(annotations, name)
			}
		}
	}
	if finalizers, ok := meta["finalizers"].([]any); ok {
		meta["finalizers"] = slices.DeleteFunc(finalizers, func(f any) bool {
			name, _ := f.(string)
			return slices.Contains(generatedFinalizers, name)
		})
	}
	dropIfEmpty(meta, "annotations")
	dropIfEmpty(meta, "finalizers")
	dropIfEmpty(meta, "labels")
}

// dropNull removes fields without a value, such as the creation time in a pod template.
func dropNull(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if value == nil {
				delete(v, name)
			} else {
				dropNull(value)
			}
		}
	case []any:
		for _, value := range v {
			dropNull(value)
		}
	}
}

func cleanService(spec map[string]any) {
	if spec["clusterIP"] != "None" { // a headless service is meant to be one
		delete(spec, "clusterIP")
	}
	delete(spec, "clusterIPs")
	delete(spec, "ipFamilies")
	for field, usual := range map[string]string{
		"internalTrafficPolicy": "Cluster", "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None",
	} {
		if spec[field] == usual {
			delete(spec, field)
		}
	}
}

var tokenVolume = regexp.MustCompile(`^kube-api-access-[a-z0-9]{5}$`)

// cleanPod removes what admission and the scheduler wrote.
func cleanPod(spec map[string]any) {
	for _, field := range []string{"nodeName", "serviceAccount", "priority", "preemptionPolicy", "ephemeralContainers"} {
		delete(spec, field)
	}
	if spec["enableServiceLinks"] == true {
		delete(spec, "enableServiceLinks")
	}
	without(spec, "volumes", func(v map[string]any) bool { return named(v, tokenVolume) })
	without(spec, "tolerations", func(v map[string]any) bool {
		key := v["key"]
		return (key == "node.kubernetes.io/not-ready" || key == "node.kubernetes.io/unreachable") && v["operator"] == "Exists" &&
			v["effect"] == "NoExecute" && v["tolerationSeconds"] == int64(300)
	})
	for _, list := range []string{"containers", "initContainers"} {
		containers, _ := spec[list].([]any)
		for _, c := range containers {
			if c, ok := c.(map[string]any); ok {
				without(c, "volumeMounts", func(v map[string]any) bool { return named(v, tokenVolume) })
			}
		}
	}
}

func named(v map[string]any, name *regexp.Regexp) bool {
	s, _ := v["name"].(string)
	return name.MatchString(s)
}

// without removes the items of a list that match.
func without(m map[string]any, field string, match func(map[string]any) bool) {
	list, ok := m[field].([]any)
	if !ok {
		return
	}
	m[field] = slices.DeleteFunc(list, func(item any) bool {
		v, ok := item.(map[string]any)
		return ok && match(v)
	})
	dropIfEmpty(m, field)
}

// cleanServiceAccount removes the tokens that were made for the account.
func cleanServiceAccount(c *unstructured.Unstructured) {
	prefix := c.GetName() + "-token-"
	without(c.Object, "secrets", func(v map[string]any) bool {
		name, _ := v["name"].(string)
		return strings.HasPrefix(name, prefix)
	})
}

// cleanJob removes the selector and the labels that tie a job to its pods, unless a person chose them.
func cleanJob(spec map[string]any) {
	if spec["manualSelector"] == true {
		return
	}
	delete(spec, "selector")
	template, _ := spec["template"].(map[string]any)
	meta, _ := template["metadata"].(map[string]any)
	labels, _ := meta["labels"].(map[string]any)
	for _, label := range []string{
		"batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name",
	} {
		delete(labels, label)
	}
	dropIfEmpty(meta, "labels")
	dropIfEmpty(template, "metadata")
}
