package install

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sort"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"kanrin.dev/kanrin/api/crds"
)

//go:embed manifests
var manifests embed.FS

// Definitions returns the CustomResourceDefinitions of Kanrin's kinds.
func Definitions() ([]*unstructured.Unstructured, error) { return read(crds.Files, ".") }

// Others returns everything else: the namespace first, then roles and admission policies.
func Others() ([]*unstructured.Unstructured, error) {
	all, err := read(manifests, "manifests")
	sort.SliceStable(all, func(i, j int) bool { return all[i].GetKind() == "Namespace" && all[j].GetKind() != "Namespace" })
	return all, err
}

func read(files fs.FS, dir string) ([]*unstructured.Unstructured, error) {
	names, err := fs.Glob(files, dir+"/*.yaml")
	if dir == "." {
		names, err = fs.Glob(files, "*.yaml")
	}
	if err != nil {
		return nil, fmt.Errorf("listing built-in manifests: %w", err)
	}
	var out []*unstructured.Unstructured
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("reading built-in manifest: %w", err)
		}
		documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
		for {
			obj := &unstructured.Unstructured{}
			if err := documents.Decode(obj); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("reading built-in manifest %s: %w", name, err)
			}
			if len(obj.Object) > 0 {
				out = append(out, obj)
			}
		}
	}
	return out, nil
}
