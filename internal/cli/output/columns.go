package output

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Column of a table of T.
type Column[T any] struct {
	// Header is upper case and the same in every language, as in kubectl.
	Header string
	// Wide columns are shown with -o wide only.
	Wide bool
	Text func(T) string
	// Number orders rows by this column; columns without one are ordered by their text.
	Number func(T) float64
}

// Visible are the columns that a format shows.
func Visible[T any](columns []Column[T], f Format) []Column[T] {
	if f.Kind == Wide {
		return columns
	}
	return slices.DeleteFunc(slices.Clone(columns), func(c Column[T]) bool { return c.Wide })
}

// Headers of columns, in order.
func Headers[T any](columns []Column[T]) []string {
	out := make([]string, 0, len(columns))
	for _, c := range columns {
		out = append(out, c.Header)
	}
	return out
}

// Row is the text of one row.
func Row[T any](columns []Column[T], row T) []string {
	out := make([]string, 0, len(columns))
	for _, c := range columns {
		text := c.Text(row)
		if text == "" {
			text = "<none>"
		}
		out = append(out, text)
	}
	return out
}

// ErrSort is returned for a --sort-by that names neither a column nor a path.
var ErrSort = errors.New("not a column to sort by")

// Sort orders rows by a column's header in any case (cpu, -cpu for the reverse) or by a JSONPath of value(row), as kubectl's --sort-by.
func Sort[T any](rows []T, by string, columns []Column[T], value func(T) any) error {
	if by == "" {
		return nil
	}
	name, reverse := strings.CutPrefix(by, "-")
	compare, err := comparison(rows, name, columns, value)
	if err != nil {
		return err
	}
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if reverse {
			a, b = b, a
		}
		return compare(a, b)
	})
	sorted := make([]T, 0, len(rows))
	for _, i := range order {
		sorted = append(sorted, rows[i])
	}
	copy(rows, sorted)
	return nil
}

func comparison[T any](rows []T, name string, columns []Column[T], value func(T) any) (func(a, b int) int, error) {
	for _, c := range columns {
		if !strings.EqualFold(c.Header, name) {
			continue
		}
		if c.Number != nil {
			keys := keysOf(rows, c.Number)
			return func(a, b int) int { return cmp.Compare(keys[a], keys[b]) }, nil
		}
		keys := keysOf(rows, c.Text)
		return func(a, b int) int { return natural(keys[a], keys[b]) }, nil
	}
	if !strings.ContainsAny(name, ".{[") {
		return nil, fmt.Errorf("%q: %w; columns are %s", name, ErrSort, strings.ToLower(strings.Join(Headers(columns), ", ")))
	}
	path, err := template(name)
	if err != nil {
		return nil, fmt.Errorf("%q: %w: %v", name, ErrSort, err)
	}
	keys := make([]string, len(rows))
	for i, row := range rows {
		v, err := plain(value(row))
		if err != nil {
			return nil, err
		}
		keys[i] = cell(path, v)
	}
	return func(a, b int) int { return natural(keys[a], keys[b]) }, nil
}

func keysOf[T, K any](rows []T, key func(T) K) []K {
	out := make([]K, 0, len(rows))
	for _, row := range rows {
		out = append(out, key(row))
	}
	return out
}

// natural compares text so that w2 comes before w10.
func natural(a, b string) int {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da == "" || db == "" {
			if c := cmp.Compare(a[0], b[0]); c != 0 {
				return c
			}
			a, b = a[1:], b[1:]
			continue
		}
		na, nb := strings.TrimLeft(da, "0"), strings.TrimLeft(db, "0")
		if c := cmp.Or(cmp.Compare(len(na), len(nb)), cmp.Compare(na, nb)); c != 0 {
			return c
		}
		a, b = a[len(da):], b[len(db):]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) string {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return s[:n]
}

// Age writes how long ago t was in kubectl's short form: 45s, 3m12s, 5h, 12d.
func Age(t, now time.Time) string {
	if t.IsZero() {
		return "<unknown>"
	}
	return short(now.Sub(t))
}

func short(d time.Duration) string {
	s := int64(d / time.Second)
	if s < 0 {
		s = 0
	}
	m, h, days := s/60, s/3600, s/86400
	two := func(a int64, ua string, b int64, ub string) string {
		if b == 0 {
			return fmt.Sprintf("%d%s", a, ua)
		}
		return fmt.Sprintf("%d%s%d%s", a, ua, b, ub)
	}
	switch {
	case s < 120:
		return fmt.Sprintf("%ds", s)
	case m < 10:
		return two(m, "m", s%60, "s")
	case m < 180:
		return fmt.Sprintf("%dm", m)
	case h < 8:
		return two(h, "h", m%60, "m")
	case h < 48:
		return fmt.Sprintf("%dh", h)
	case days < 8:
		return two(days, "d", h%24, "h")
	case days < 730:
		return fmt.Sprintf("%dd", days)
	}
	return two(days/365, "y", days%365, "d")
}
