package inventory

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
	maxOffset    = 10_000_000
	maxText      = 253
)

// query is what a list is asked for.
type query struct {
	limit, offset int
	sort          string // one of the list's columns
	descending    bool
	text          string // lower case; rows hold it somewhere
	filters       map[string]string
}

// columns of a list: what it can be sorted by, the first being the default, and what it can be filtered by.
type columns struct{ sorts, filters []string }

// parseQuery reads the parameters of a list. A parameter that it does not know is refused: a misspelt filter would otherwise
// show everything.
func parseQuery(values url.Values, c columns) (query, error) {
	q := query{limit: defaultLimit, sort: c.sorts[0], filters: map[string]string{}}
	for name, all := range values {
		if len(all) != 1 {
			return q, badInput("ParameterTwice", "parameter", short(name))
		}
		value := all[0]
		if len(value) > maxText*2 || !utf8.ValidString(value) {
			return q, badInput("ParameterInvalid", "parameter", short(name), "value", short(value))
		}
		var err error
		switch {
		case name == "limit":
			q.limit, err = number(name, value, 1, maxLimit)
		case name == "offset":
			q.offset, err = number(name, value, 0, maxOffset)
		case name == "sort":
			column, descending := strings.CutPrefix(value, "-")
			if value != "" && !slices.Contains(c.sorts, column) {
				return q, badInput("SortUnknown", "value", short(value), "known", strings.Join(c.sorts, ", "))
			}
			if value != "" {
				q.sort, q.descending = column, descending
			}
		case name == "q":
			q.text = strings.ToLower(strings.TrimSpace(value))
		case slices.Contains(c.filters, name):
			if value != "" {
				q.filters[name] = value
			}
		default:
			return q, badInput("ParameterUnknown", "parameter", short(name), "known", strings.Join(append([]string{"limit", "offset", "sort", "q"}, c.filters...), ", "))
		}
		if err != nil {
			return q, err
		}
	}
	return q, nil
}

func number(name, value string, least, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		return 0, badInput("NumberInvalid", "parameter", name, "value", short(value), "least", least, "most", most)
	}
	return n, nil
}

// key identifies what is shown, whichever page of it.
func (q query) key() string {
	names := make([]string, 0, len(q.filters))
	for name := range q.filters {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %t %q", q.sort, q.descending, q.text)
	for _, n := range names {
		fmt.Fprintf(&b, " %s=%q", n, q.filters[n])
	}
	return b.String()
}

// slice cuts the page out of all rows that match.
func slice[T any](q query, all []T) []T {
	begin := min(q.offset, len(all))
	return all[begin:min(begin+q.limit, len(all))]
}

// short makes foreign text fit into a sentence.
func short(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}

// holds reports whether one of the texts holds the one that is looked for, whatever the case.
func holds(text string, in ...string) bool {
	if text == "" {
		return true
	}
	for _, s := range in {
		if strings.Contains(s, text) || strings.Contains(strings.ToLower(s), text) {
			return true
		}
	}
	return false
}
