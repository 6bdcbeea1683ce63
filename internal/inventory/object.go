package inventory

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"sigs.k8s.io/yaml"

	"kanrin.dev/kanrin/internal/fleet"
)

// kindPath is where objects of a kind are found: the API's path and the resource.
type kindPath struct {
	prefix, resource string
	namespaced       bool
}

// objectKinds can be shown as YAML. Secrets are not among them, on purpose.
var objectKinds = map[string]kindPath{
	"Node":                  {"/api/v1", "nodes", false},
	"Namespace":             {"/api/v1", "namespaces", false},
	"PersistentVolume":      {"/api/v1", "persistentvolumes", false},
	"Pod":                   {"/api/v1", "pods", true},
	"Service":               {"/api/v1", "services", true},
	"ConfigMap":             {"/api/v1", "configmaps", true},
	"ServiceAccount":        {"/api/v1", "serviceaccounts", true},
	"PersistentVolumeClaim": {"/api/v1", "persistentvolumeclaims", true},
	"ReplicationController": {"/api/v1", "replicationcontrollers", true},
	"Deployment":            {"/apis/apps/v1", "deployments", true},
	"ReplicaSet":            {"/apis/apps/v1", "replicasets", true},
	"StatefulSet":           {"/apis/apps/v1", "statefulsets", true},
	"DaemonSet":             {"/apis/apps/v1", "daemonsets", true},
	"Job":                   {"/apis/batch/v1", "jobs", true},
	"CronJob":               {"/apis/batch/v1", "cronjobs", true},
	"PodDisruptionBudget":   {"/apis/policy/v1", "poddisruptionbudgets", true},
	"StorageClass":          {"/apis/storage.k8s.io/v1", "storageclasses", false},
	"PriorityClass":         {"/apis/scheduling.k8s.io/v1", "priorityclasses", false},
	"Ingress":               {"/apis/networking.k8s.io/v1", "ingresses", true},
	"NetworkPolicy":         {"/apis/networking.k8s.io/v1", "networkpolicies", true},
}

// objectYAML reads one object from the cluster.
func objectYAML(ctx context.Context, conn *fleet.Connection, values url.Values) ([]byte, error) {
	kind, namespace, name := values.Get("kind"), values.Get("namespace"), values.Get("name")
	if strings.EqualFold(kind, "Secret") || strings.EqualFold(kind, "Secrets") {
		return nil, badInput("SecretRefused")
	}
	k, ok := objectKinds[kind]
	if !ok {
		return nil, badInput("KindUnknown", "kind", short(kind), "known", strings.Join(sortedKeys(objectKinds), ", "))
	}
	if name == "" || len(content.IsPathSegmentName(name)) > 0 || k.namespaced && (namespace == "" || len(content.IsPathSegmentName(namespace)) > 0) {
		return nil, badInput("ObjectInvalid", "kind", kind, "namespace", short(namespace), "name", short(name))
	}
	segments := []string{k.prefix}
	if k.namespaced {
		segments = append(segments, "namespaces", namespace)
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	raw, err := conn.Client.CoreV1().RESTClient().Get().AbsPath(append(segments, k.resource, name)...).
		SetHeader("Accept", "application/json").DoRaw(ctx)
	if err != nil {
		return nil, asked(conn, kind+" "+name, err)
	}
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, asked(conn, kind+" "+name, err)
	}
	if meta, ok := object["metadata"].(map[string]any); ok {
		delete(meta, "managedFields")
	}
	return yaml.Marshal(object)
}
