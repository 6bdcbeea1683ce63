// Package opref reads the ways in which an operation may be named on a command line: drain-x7k2p, operation/drain-x7k2p,
// op/drain-x7k2p, and any of them with the cluster in front, demo/drain-x7k2p or demo/operation/drain-x7k2p.
//
// It looks nothing up. Invariant: Parse(ref.String()) gives ref back.
package opref

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Ref names an operation; Cluster is empty when the argument did not say.
type Ref struct {
	Cluster string
	Name    string
}

// String is the form that every command takes.
func (r Ref) String() string {
	if r.Cluster == "" {
		return "operation/" + r.Name
	}
	return r.Cluster + "/operation/" + r.Name
}

// ErrForm is returned for an argument that names no operation.
var ErrForm = errors.New("not the name of an operation")

var kinds = map[string]bool{
	"operation": true, "operations": true, "op": true, "ops": true,
	"operation.kanrin.dev": true, "operations.kanrin.dev": true,
	"operation.v1alpha1.kanrin.dev": true, "operations.v1alpha1.kanrin.dev": true,
}

// Parse reads an argument. With two parts, the words for the kind (operation, op …) win over a cluster of that name; three parts
// are always cluster/operation/name.
func Parse(arg string) (Ref, error) {
	parts := strings.Split(arg, "/")
	var r Ref
	switch {
	case len(parts) == 1:
		r.Name = parts[0]
	case len(parts) == 2 && kinds[strings.ToLower(parts[0])]:
		r.Name = parts[1]
	case len(parts) == 2 && parts[0] != "":
		r.Cluster, r.Name = parts[0], parts[1]
	case len(parts) == 3 && kinds[strings.ToLower(parts[1])]:
		r.Cluster, r.Name = parts[0], parts[2]
	default:
		return Ref{}, fmt.Errorf("%q: %w", arg, ErrForm)
	}
	if problems := validation.IsDNS1123Subdomain(r.Name); len(problems) > 0 {
		return Ref{}, fmt.Errorf("%q: %w: %s", arg, ErrForm, problems[0])
	}
	if r.Cluster != "" || len(parts) == 3 {
		if problems := validation.IsDNS1123Label(r.Cluster); len(problems) > 0 {
			return Ref{}, fmt.Errorf("%q: cluster: %w: %s", arg, ErrForm, problems[0])
		}
	}
	return r, nil
}
