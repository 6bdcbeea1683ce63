package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"k8s.io/client-go/util/jsonpath"
	"sigs.k8s.io/yaml"
)

// Document is one answer in machine formats.
type Document struct {
	// Value is the whole answer: an object, or a list object with items.
	Value any
	// Items are its rows, for names and custom columns.
	Items []Item
}

// Item is one row of a Document.
type Item struct {
	// Name is what -o name prints, such as node/w1.
	Name  string
	Value any
}

// Write prints d in a machine format; it must not be called for a human one.
func (f Format) Write(w io.Writer, d Document) error {
	switch f.Kind {
	case JSON:
		data, err := json.MarshalIndent(d.Value, "", "    ")
		if err != nil {
			return fmt.Errorf("writing JSON: %w", err)
		}
		_, err = w.Write(append(data, '\n'))
		return err
	case YAML:
		data, err := yaml.Marshal(d.Value)
		if err != nil {
			return fmt.Errorf("writing YAML: %w", err)
		}
		_, err = w.Write(data)
		return err
	case Name:
		for _, item := range d.Items {
			if _, err := fmt.Fprintln(w, item.Name); err != nil {
				return err
			}
		}
		return nil
	case JSONPath:
		return f.writeJSONPath(w, d)
	case CustomColumns:
		return f.writeColumns(w, d, true)
	}
	return fmt.Errorf("%q is for people: %w", f.Kind, ErrFormat)
}

// WriteNext prints one more document of a stream (-w): YAML documents are separated, and custom columns keep their one header.
func (f Format) WriteNext(w io.Writer, d Document) error {
	switch f.Kind {
	case YAML:
		if _, err := io.WriteString(w, "---\n"); err != nil {
			return err
		}
	case CustomColumns:
		return f.writeColumns(w, d, false)
	}
	return f.Write(w, d)
}

func (f Format) writeJSONPath(w io.Writer, d Document) error {
	t, err := template(f.Expression)
	if err != nil {
		return err
	}
	value, err := plain(d.Value)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, value); err != nil {
		return fmt.Errorf("running the JSONPath template: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// template parses a JSONPath template; like kubectl it takes {.a.b}, .a.b and a.b for the same.
func template(expression string) (*jsonpath.JSONPath, error) {
	t := jsonpath.New("output").AllowMissingKeys(true)
	if err := t.Parse(relaxed(expression)); err != nil {
		return nil, fmt.Errorf("reading the JSONPath template: %w", err)
	}
	return t, nil
}

func relaxed(expression string) string {
	if strings.ContainsAny(expression, "{}") {
		return expression
	}
	if strings.HasPrefix(expression, ".") || strings.HasPrefix(expression, "[") || strings.HasPrefix(expression, "$") || strings.HasPrefix(expression, "@") {
		return "{" + expression + "}"
	}
	return "{." + expression + "}"
}

// plain turns a value into maps, slices and numbers as its JSON says.
func plain(v any) (any, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var out any
	if err := d.Decode(&out); err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	return numbers(out), nil
}

// numbers makes whole numbers int64, so that 12000000 is not printed as 1.2e+07.
func numbers(v any) any {
	switch t := v.(type) {
	case json.Number:
		if i, err := t.Int64(); err == nil {
			return i
		}
		f, _ := t.Float64() // came from Marshal: is a number
		return f
	case map[string]any:
		for k := range t {
			t[k] = numbers(t[k])
		}
	case []any:
		for i := range t {
			t[i] = numbers(t[i])
		}
	}
	return v
}

type customColumn struct {
	header string
	path   *jsonpath.JSONPath
}

func customColumns(spec string) ([]customColumn, error) {
	var out []customColumn
	for _, part := range strings.Split(spec, ",") {
		header, path, ok := strings.Cut(part, ":")
		if !ok || header == "" || path == "" {
			return nil, fmt.Errorf("column %q is not HEADER:PATH", part)
		}
		t, err := template(path)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", header, err)
		}
		out = append(out, customColumn{header, t})
	}
	return out, nil
}

func (f Format) writeColumns(w io.Writer, d Document, headers bool) error {
	columns, err := customColumns(f.Expression)
	if err != nil {
		return err
	}
	var g Grid
	for _, c := range columns {
		g.Headers = append(g.Headers, c.header)
	}
	for _, item := range d.Items {
		value, err := plain(item.Value)
		if err != nil {
			return err
		}
		row := make([]string, 0, len(columns))
		for _, c := range columns {
			row = append(row, cell(c.path, value))
		}
		g.Rows = append(g.Rows, row)
	}
	g.NoHeaders = !headers
	return g.Write(w)
}

// cell is what a path finds, values separated by commas as kubectl prints them.
func cell(path *jsonpath.JSONPath, value any) string {
	results, err := path.FindResults(value)
	if err != nil {
		return "<none>"
	}
	var out []string
	for _, set := range results {
		for _, v := range set {
			if v.IsValid() && v.CanInterface() && v.Interface() != nil {
				out = append(out, fmt.Sprint(v.Interface()))
			}
		}
	}
	if len(out) == 0 {
		return "<none>"
	}
	return strings.Join(out, ",")
}
