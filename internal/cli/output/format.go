// Package output prints data on stdout in the formats that kubectl's users know: aligned tables, wide ones, JSON, YAML, names,
// JSONPath and custom columns.
//
// It knows no kinds: callers give it values and say which columns a table has. Invariant: what is printed in a machine format is
// the whole answer and nothing but the answer.
package output

import (
	"errors"
	"fmt"
	"strings"
)

// Kind of an output format.
type Kind string

const (
	Table         Kind = ""
	Wide          Kind = "wide"
	JSON          Kind = "json"
	YAML          Kind = "yaml"
	Name          Kind = "name"
	JSONPath      Kind = "jsonpath"
	CustomColumns Kind = "custom-columns"
)

// Kinds are all values that -o takes, for completion; those that need an expression end in "=".
var Kinds = []string{"wide", "json", "yaml", "name", "jsonpath=", "custom-columns="}

// Format is a parsed -o.
type Format struct {
	Kind Kind
	// Expression is the template of JSONPath or the specification of CustomColumns.
	Expression string
}

// ErrFormat is returned for an -o that cannot be used.
var ErrFormat = errors.New("not an output format")

// Parse reads the value of -o.
func Parse(s string) (Format, error) {
	name, expression, given := strings.Cut(s, "=")
	switch k := Kind(name); k {
	case Table, Wide, JSON, YAML, Name:
		if given {
			return Format{}, fmt.Errorf("%q: %w: %s takes no expression", s, ErrFormat, name)
		}
		return Format{Kind: k}, nil
	case JSONPath, CustomColumns:
		if expression == "" {
			return Format{}, fmt.Errorf("%q: %w: an expression must follow, such as %s", s, ErrFormat, examples[k])
		}
		f := Format{Kind: k, Expression: expression}
		if err := f.check(); err != nil {
			return Format{}, fmt.Errorf("%q: %w: %v", s, ErrFormat, err)
		}
		return f, nil
	}
	return Format{}, fmt.Errorf("%q: %w", s, ErrFormat)
}

var examples = map[Kind]string{
	JSONPath:      "jsonpath='{.items[*].name}'",
	CustomColumns: "custom-columns=NAME:.name,ZONE:.zone",
}

func (f Format) check() error {
	if f.Kind == JSONPath {
		_, err := template(f.Expression)
		return err
	}
	_, err := customColumns(f.Expression)
	return err
}

// Human reports whether the format is for people: a table, wide or not.
func (f Format) Human() bool { return f.Kind == Table || f.Kind == Wide }
