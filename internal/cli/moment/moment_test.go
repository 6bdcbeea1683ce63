package moment

import (
	"errors"
	"testing"
	"time"
)

// tokyo has no summer time; newYork ends it on 2026-11-01 at 02:00.
func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestParse(t *testing.T) {
	tokyo, newYork := zone(t, "Asia/Tokyo"), zone(t, "America/New_York")
	now := time.Date(2026, 11, 22, 9, 30, 15, 0, tokyo) // a Sunday
	at := func(y int, m time.Month, d, h, min int) time.Time { return time.Date(y, m, d, h, min, 0, 0, tokyo) }
	end := func(y int, m time.Month, d int) time.Time { return endOfDay(at(y, m, d, 12, 0)) }
	for _, tc := range []struct {
		text string
		want time.Time
	}{
		{"2026-11-20T14:30:00Z", time.Date(2026, 11, 20, 14, 30, 0, 0, time.UTC)},
		{"2026-11-20T14:30:00+02:00", time.Date(2026, 11, 20, 12, 30, 0, 0, time.UTC)},
		{"2026-11-20", end(2026, 11, 20)},
		{"2026-11-20 14:30", at(2026, 11, 20, 14, 30)},
		{"  2026-11-20   14:30 ", at(2026, 11, 20, 14, 30)},
		{"2026-11-20 14:30:05", at(2026, 11, 20, 14, 30).Add(5 * time.Second)},
		{"2026-11-20T14:30", at(2026, 11, 20, 14, 30)},
		{"09:30", at(2026, 11, 22, 9, 30)},
		{"9:00", at(2026, 11, 22, 9, 0)},
		{"14:30", at(2026, 11, 21, 14, 30)},
		{"yesterday", now.AddDate(0, 0, -1)},
		{"Yesterday", now.AddDate(0, 0, -1)},
		{"now", now},
		{"saturday", end(2026, 11, 21)},
		{"Monday", end(2026, 11, 16)},
		{"mon", end(2026, 11, 16)},
		{"sunday", end(2026, 11, 15)},
		{"2h", now.Add(-2 * time.Hour)},
		{"2h ago", now.Add(-2 * time.Hour)},
		{"90m", now.Add(-90 * time.Minute)},
		{"1h30m", now.Add(-90 * time.Minute)},
		{"3d", now.AddDate(0, 0, -3)},
		{"2w", now.AddDate(0, 0, -14)},
		{"1w2d", now.AddDate(0, 0, -9)},
		{"1d12h", now.AddDate(0, 0, -1).Add(-12 * time.Hour)},
		{"0s", now},
	} {
		if got, ok := Parse(tc.text, now); !ok || !got.Equal(tc.want) {
			t.Errorf("%q: %v %v, want %v", tc.text, got, ok, tc.want)
		}
	}
	for _, text := range []string{
		"", " ", "ago", "latest", "tomorrow", "20261122-004500-ab12", "20261122", "2026-13-01", "2026-11-31", "25:00", "14:60", "-2h", "d", "h",
		"+2h", "d2", "3", "2h ago ago", "w1", "3d-1h", "3d+1h", "99999999d", "14", "3.5", "2147483648w",
	} {
		if got, ok := Parse(text, now); ok {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
	// A day of the calendar has 25 hours where the clock is put back.
	after := time.Date(2026, 11, 1, 12, 0, 0, 0, newYork)
	if got, _ := Parse("1d", after); after.Sub(got) != 25*time.Hour {
		t.Errorf("1d over the end of summer time is %v", after.Sub(got))
	}
	if got, _ := Parse("24h", after); after.Sub(got) != 24*time.Hour {
		t.Errorf("24h is %v", after.Sub(got))
	}
	if got, _ := Parse("2026-11-01", after); got.Sub(time.Date(2026, 11, 1, 0, 0, 0, 0, newYork)).Round(time.Hour) != 25*time.Hour {
		t.Errorf("the end of that day is %v", got)
	}
}

func TestResolve(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 30, 0, 0, zone(t, "Asia/Tokyo"))
	set := func(name string, sealed bool) Set {
		at, err := time.Parse("20060102-150405", name[:15])
		if err != nil {
			t.Fatal(err)
		}
		return Set{Name: name, At: at, Sealed: sealed}
	}
	sets := []Set{ // in no order; times in names are UTC, nine hours behind
		set("20261121-170000-bbbb", true), // Sunday 02:00
		set("20261119-170000-dddd", true), // Friday 02:00
		set("20261120-170000-cccc", true), // Saturday 02:00
		set("20261121-233000-aaaa", false),
		set("20261120-170500-cc11", true),
	}
	for _, tc := range []struct {
		text, want string
		named      bool
	}{
		{"20261121-233000-aaaa", "20261121-233000-aaaa", true}, // by its full name, although it is not sealed
		{"20261119-170000-dddd", "20261119-170000-dddd", true},
		{"latest", "20261121-170000-bbbb", false},
		{"LATEST", "20261121-170000-bbbb", false},
		{"20261119", "20261119-170000-dddd", false},
		{"20261120-1705", "20261120-170500-cc11", false},
		{"yesterday", "20261120-170500-cc11", false},
		{"2026-11-20", "20261119-170000-dddd", false},
		{"2026-11-22", "20261121-170000-bbbb", false},
		{"02:00", "20261121-170000-bbbb", false},
		{"01:59", "20261120-170500-cc11", false},
		{"2026-11-21 02:00", "20261120-170000-cccc", false},
		{"saturday", "20261120-170500-cc11", false},
		{"friday", "20261119-170000-dddd", false},
		{"1h", "20261121-170000-bbbb", false},
		{"8h", "20261120-170500-cc11", false},
	} {
		got, err := Resolve(sets, tc.text, now)
		if err != nil || got.Name != tc.want || got.Named != tc.named {
			t.Errorf("%q: %+v %v, want %s", tc.text, got, err, tc.want)
		}
		if !got.Asked.IsZero() && got.At.After(got.Asked) {
			t.Errorf("%q: set %s is younger than %v", tc.text, got.Name, got.Asked)
		}
	}
	for _, tc := range []struct {
		text string
		want error
		near string
	}{
		{"2026-11-19", ErrBefore, "20261119-170000-dddd"},
		{"thursday", ErrBefore, "20261119-170000-dddd"},
		{"3w", ErrBefore, "20261119-170000-dddd"},
		{"20261120", ErrSeveral, "20261120-170500-cc11"},
		{"20261121-23", ErrUnknown, "20261121-170000-bbbb"}, // not sealed: not by the beginning of its name
		{"nonsense", ErrUnknown, "20261121-170000-bbbb"},
		{"", ErrUnknown, "20261121-170000-bbbb"},
	} {
		_, err := Resolve(sets, tc.text, now)
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, tc.want) || len(e.Near) == 0 || len(e.Near) > near || e.Near[0].Name != tc.near {
			t.Errorf("%q: %v %+v", tc.text, err, e)
		}
	}
	for _, text := range []string{"latest", "yesterday", "2026"} {
		if _, err := Resolve(sets[3:4], text, now); !errors.Is(err, ErrNoSets) {
			t.Errorf("%q of nothing sealed: %v", text, err)
		}
		if _, err := Resolve(nil, text, now); !errors.Is(err, ErrNoSets) {
			t.Errorf("%q of nothing: %v", text, err)
		}
	}
	if b, ok := Before(sets, sets[0]); !ok || b.Name != "20261120-170500-cc11" {
		t.Errorf("before: %+v %v", b, ok)
	}
	if b, ok := Before(sets, sets[1]); ok {
		t.Errorf("before the first: %+v", b)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"2h", "3d", "monday", "14:30", "2026-11-20", "2026-11-20T14:30:00Z", "1w2d3h"} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		if at, ok := Parse(s, now); ok && len(s) < 8 && at.After(now.AddDate(1, 0, 0)) {
			t.Errorf("%q is %v", s, at)
		}
	})
}
