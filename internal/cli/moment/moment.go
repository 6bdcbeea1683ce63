package moment

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"
)

// Latest is the word for the newest set.
const Latest = "latest"

// Set is a backup set that can be meant.
type Set struct {
	Name string
	// At is when its capture began.
	At time.Time
	// Sealed sets are whole and can be read; others are found by their name only.
	Sealed bool
}

// Choice is the set that was meant.
type Choice struct {
	Set
	// Asked is the time that was asked for; zero when the set was named.
	Asked time.Time
	// Named says that the set was given by its full name.
	Named bool
}

var (
	// ErrNoSets is returned when there is no set that could be meant.
	ErrNoSets = errors.New("there are no sets")
	// ErrUnknown is returned for text that is neither a time nor the beginning of a name.
	ErrUnknown = errors.New("neither the name of a set nor a time")
)

// Error says why no set was found, and which sets come nearest.
type Error struct {
	Text string
	// Asked is the time that was asked for; zero when text is no time.
	Asked time.Time
	// Near are the sets nearest to the time, those that the name could mean, or the newest; at most three.
	Near []Set
	// Several says that Near could all be meant.
	Several bool
	Err     error
}

func (e *Error) Error() string { return e.Text + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// ErrBefore is returned for a time before the first set.
var ErrBefore = errors.New("no set is as old as that")

// ErrSeveral is returned for the beginning of several names.
var ErrSeveral = errors.New("several sets begin with that")

// near is how many sets an error names.
const near = 3

// Resolve finds the set that text means at the time now, in the time zone of now.
func Resolve(sets []Set, text string, now time.Time) (Choice, error) {
	text = strings.TrimSpace(text)
	for _, s := range sets {
		if s.Name == text {
			return Choice{Set: s, Named: true}, nil
		}
	}
	sealed := slices.DeleteFunc(slices.Clone(sets), func(s Set) bool { return !s.Sealed })
	slices.SortStableFunc(sealed, func(a, b Set) int { return b.At.Compare(a.At) }) // newest first
	if len(sealed) == 0 {
		return Choice{}, &Error{Text: text, Err: ErrNoSets}
	}
	if strings.EqualFold(text, Latest) {
		return Choice{Set: sealed[0]}, nil
	}
	if at, ok := Parse(text, now); ok {
		if i := slices.IndexFunc(sealed, func(s Set) bool { return !s.At.After(at) }); i >= 0 {
			return Choice{Set: sealed[i], Asked: at}, nil
		}
		return Choice{}, &Error{Text: text, Asked: at, Near: nearest(sealed, at), Err: ErrBefore}
	}
	var begin []Set
	for _, s := range sealed {
		if text != "" && strings.HasPrefix(s.Name, text) {
			begin = append(begin, s)
		}
	}
	switch len(begin) {
	case 0:
		return Choice{}, &Error{Text: text, Near: sealed[:min(near, len(sealed))], Err: ErrUnknown}
	case 1:
		return Choice{Set: begin[0]}, nil
	}
	return Choice{}, &Error{Text: text, Near: begin[:min(near, len(begin))], Several: true, Err: ErrSeveral}
}

// nearest are the sets with the least distance from a time, oldest first.
func nearest(sets []Set, at time.Time) []Set {
	out := slices.Clone(sets)
	slices.SortStableFunc(out, func(a, b Set) int { return cmp.Compare(a.At.Sub(at).Abs(), b.At.Sub(at).Abs()) })
	out = out[:min(near, len(out))]
	slices.SortStableFunc(out, func(a, b Set) int { return a.At.Compare(b.At) })
	return out
}

// Before is the newest sealed set that is older than a set; false when there is none.
func Before(sets []Set, of Set) (Set, bool) {
	var out Set
	found := false
	for _, s := range sets {
		if s.Sealed && s.Name != of.Name && s.At.Before(of.At) && (!found || s.At.After(out.At)) {
			out, found = s, true
		}
	}
	return out, found
}
