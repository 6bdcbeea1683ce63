package install

import (
	"encoding/json"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

func patch(t *testing.T, client dynamic.ResourceInterface, name string, spec map[string]any) (*unstructured.Unstructured, error) {
	t.Helper()
	data, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": map[string]any{"touched": "yes"}}, "spec": spec})
	if err != nil {
		t.Fatal(err)
	}
	return client.Patch(t.Context(), name, types.MergePatchType, data, metav1.PatchOptions{})
}
