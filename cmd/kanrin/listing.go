package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/output"
)

// row is one object of a list and the cluster it belongs to.
type row[T any] struct {
	Cluster string
	Object  T
}

// listing is what `get` has to know of a resource.
type listing[T any] struct {
	// kind and apiVersion of an object in machine formats; lists of views are <kind>List, lists of real resources are List of v1,
	// as kubectl prints them.
	kind, apiVersion string
	real             bool
	// resource is the plural that RBAC and `get` know.
	resource string
	columns  []output.Column[row[T]]
	// perCluster resources live in a cluster; clusters do not.
	perCluster bool
	list       func(ctx context.Context, s *session, cluster string, f client.Filter) ([]T, error)
	get        func(ctx context.Context, s *session, cluster, name string) (T, error)
	// name is the object's name within its cluster, typed as `get` and `describe` take it.
	name func(T) string
	// match narrows what the server does not; nil when it does.
	match func(T, client.Filter) bool
}

// value is an object as machine formats show it.
func (l *listing[T]) value(r row[T]) any {
	if l.real {
		return r.Object
	}
	data, err := json.Marshal(r.Object)
	if err != nil {
		return r.Object // cannot be: rows are plain data
	}
	out := map[string]any{}
	if err := json.Unmarshal(data, &out); err != nil {
		return r.Object
	}
	out["kind"], out["apiVersion"] = l.kind, l.apiVersion
	if r.Cluster != "" {
		out["cluster"] = r.Cluster
	}
	return out
}

// typed is the name with its kind, as -o name prints it.
func (l *listing[T]) typed(r row[T]) string {
	prefix := strings.ToLower(l.kind)
	if l.real {
		prefix += ".kanrin.dev"
	}
	return prefix + "/" + l.name(r.Object)
}

// document is a list, or the only object when one was named.
func (l *listing[T]) document(rows []row[T], single bool) output.Document {
	items := make([]output.Item, 0, len(rows))
	values := make([]any, 0, len(rows))
	for _, r := range rows {
		v := l.value(r)
		values = append(values, v)
		items = append(items, output.Item{Name: l.typed(r), Value: v})
	}
	if single && len(values) == 1 {
		return output.Document{Value: values[0], Items: items}
	}
	list := map[string]any{"kind": l.kind + "List", "apiVersion": l.apiVersion, "items": values}
	if l.real {
		list = map[string]any{"kind": "List", "apiVersion": "v1", "items": values, "metadata": map[string]any{"resourceVersion": ""}}
	}
	return output.Document{Value: list, Items: items}
}

// fetch reads the rows that were asked for: the named ones, or all that pass the filter, of one cluster or of several.
func (l *listing[T]) fetch(ctx context.Context, s *session, o getOptions) ([]row[T], error) {
	if len(o.names) > 0 {
		return l.named(ctx, s, o)
	}
	var rows []row[T]
	for _, cluster := range o.clusters {
		objects, err := l.list(ctx, s, cluster, o.filter)
		if err != nil {
			return nil, s.explain(s.app.t("cli.what.list."+l.resource, "cluster", cluster), err)
		}
		for _, object := range objects {
			if l.match == nil || l.match(object, o.filter) {
				rows = append(rows, row[T]{cluster, object})
			}
		}
	}
	err := output.Sort(rows, o.sortBy, l.sortColumns(), l.value)
	if errors.Is(err, output.ErrSort) {
		columns := strings.ToLower(strings.Join(output.Headers(l.sortColumns()), ", "))
		return nil, s.app.badInput(s.app.t("cli.what.sort", "by", o.sortBy), s.app.t("cli.why.sort"), s.app.t("cli.next.sort", "columns", columns))
	}
	return rows, err
}

// named reads objects by name. What is missing is told after what is there.
func (l *listing[T]) named(ctx context.Context, s *session, o getOptions) ([]row[T], error) {
	var rows []row[T]
	var first error
	for _, name := range o.names {
		cluster, name, err := o.locate(o.clusters[0], name)
		if err != nil {
			return rows, err
		}
		what := s.app.t("cli.what.get."+l.resource, "name", name, "cluster", cluster)
		object, err := l.get(ctx, s, cluster, name)
		switch {
		case err == nil:
			rows = append(rows, row[T]{cluster, object})
		case apierrors.IsNotFound(err) && len(o.names) > 1:
			if explained := s.explain(what, err); first == nil {
				first = explained
			} else {
				cli.PrintError(s.app.streams.Err, s.app.lang, explained, s.app.verbose)
			}
		default:
			return rows, s.explain(what, err)
		}
	}
	return rows, first
}

// clusterColumn leads tables that show more than one cluster.
func (l *listing[T]) tableColumns(f output.Format, withCluster bool) []output.Column[row[T]] {
	columns := output.Visible(l.columns, f)
	if !withCluster {
		return columns
	}
	return append([]output.Column[row[T]]{{Header: "CLUSTER", Text: func(r row[T]) string { return r.Cluster }}}, columns...)
}

func (l *listing[T]) sortColumns() []output.Column[row[T]] {
	return l.tableColumns(output.Format{Kind: output.Wide}, l.perCluster)
}

// key identifies a row over time.
func (l *listing[T]) key(r row[T]) string { return r.Cluster + "\x00" + l.name(r.Object) }

// cellsOf is the row's text without its age: what makes a change worth a new line.
func cellsOf[T any](columns []output.Column[row[T]], r row[T]) []string {
	return output.Row(slices.DeleteFunc(slices.Clone(columns), func(c output.Column[row[T]]) bool { return c.Header == "AGE" }), r)
}
