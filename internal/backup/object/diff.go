package object

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// FieldChange is a difference between two objects at one place.
type FieldChange struct {
	// Path is written like spec.template.spec.containers[name=web].image, with names that are no words in quotes:
	// metadata.annotations["example.org/a"].
	Path string
	Type FieldChangeType
	// From and To are the values; one is nil when the field was added or removed, both when items only changed places.
	From, To any
}

// FieldChangeType says what happened to a field.
type FieldChangeType string

// What may have happened to a field.
const (
	FieldAdded     FieldChangeType = "Added"
	FieldRemoved   FieldChangeType = "Removed"
	FieldChanged   FieldChangeType = "Changed"
	FieldReordered FieldChangeType = "Reordered"
)

// Diff gives the differences between two objects in the order of their paths; none of them may be nil. Items of a list are
// matched by what names them, where they have a name.
func Diff(a, b *unstructured.Unstructured) []FieldChange {
	var d differ
	d.values("", a.Object, b.Object)
	return d
}

type differ []FieldChange

func (d *differ) add(path string, kind FieldChangeType, from, to any) {
	*d = append(*d, FieldChange{path, kind, from, to})
}

func (d *differ) values(path string, a, b any) {
	switch a := a.(type) {
	case map[string]any:
		if b, ok := b.(map[string]any); ok {
			d.maps(path, a, b)
			return
		}
	case []any:
		if b, ok := b.([]any); ok {
			d.lists(path, a, b)
			return
		}
	}
	if !reflect.DeepEqual(a, b) {
		d.add(path, FieldChanged, a, b)
	}
}

func (d *differ) maps(path string, a, b map[string]any) {
	names := slices.Collect(maps.Keys(a))
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		from, inA := a[name]
		to, inB := b[name]
		at := join(path, name)
		switch {
		case !inA:
			d.add(at, FieldAdded, nil, to)
		case !inB:
			d.add(at, FieldRemoved, from, nil)
		default:
			d.values(at, from, to)
		}
	}
}

var word = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

func join(path, name string) string {
	if !word.MatchString(name) {
		return path + "[" + strconv.Quote(name) + "]"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// itemNames are the fields that name the items of lists, the best first.
var itemNames = []string{"name", "key", "type", "mountPath", "containerPort", "port", "uid", "ip"}

func (d *differ) lists(path string, a, b []any) {
	for _, field := range itemNames {
		before, ok := itemsBy(field, a)
		if !ok {
			continue
		}
		after, ok := itemsBy(field, b)
		if !ok {
			continue
		}
		d.items(path, field, before, after)
		return
	}
	for i := range max(len(a), len(b)) {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case i >= len(a):
			d.add(at, FieldAdded, nil, b[i])
		case i >= len(b):
			d.add(at, FieldRemoved, a[i], nil)
		default:
			d.values(at, a[i], b[i])
		}
	}
}

type item struct {
	name  string
	value any
}

// itemsBy gives the items of a list by a field, when each has it and no two the same.
func itemsBy(field string, list []any) ([]item, bool) {
	items := make([]item, 0, len(list))
	seen := make(map[string]bool, len(list))
	for _, v := range list {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		var name string
		switch value := m[field].(type) {
		case string:
			name = value
		case int64:
			name = strconv.FormatInt(value, 10)
		default:
			return nil, false
		}
		if seen[name] {
			return nil, false
		}
		seen[name] = true
		items = append(items, item{name, v})
	}
	return items, true
}

func (d *differ) items(path, field string, a, b []item) {
	after := make(map[string]any, len(b))
	for _, i := range b {
		after[i.name] = i.value
	}
	before := make(map[string]bool, len(a))
	var stayedA, stayedB []string
	for _, i := range a {
		before[i.name] = true
		at := itemPath(path, field, i.name)
		to, ok := after[i.name]
		if !ok {
			d.add(at, FieldRemoved, i.value, nil)
			continue
		}
		stayedA = append(stayedA, i.name)
		d.values(at, i.value, to)
	}
	for _, i := range b {
		if before[i.name] {
			stayedB = append(stayedB, i.name)
		} else {
			d.add(itemPath(path, field, i.name), FieldAdded, nil, i.value)
		}
	}
	if !slices.Equal(stayedA, stayedB) {
		d.add(path, FieldReordered, nil, nil)
	}
}

func itemPath(path, field, name string) string {
	if strings.ContainsAny(name, `]"[ =`) {
		name = strconv.Quote(name)
	}
	return path + "[" + field + "=" + name + "]"
}
