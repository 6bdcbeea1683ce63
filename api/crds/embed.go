// Package crds holds the CustomResourceDefinitions of Kanrin's kinds, generated from api/v1alpha1.
package crds

import "embed"

// Files are the definitions, one YAML document in each file.
//
//go:embed *.yaml
var Files embed.FS
