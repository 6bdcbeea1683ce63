package schedule

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func at(text string) time.Time {
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	panic(text)
}

func parse(t testing.TB, s Spec) *Schedule {
	t.Helper()
	parsed, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestNext(t *testing.T) {
	night := []Span{{"22:00", "06:00"}}
	for name, c := range map[string]struct {
		spec  Spec
		after string
		want  []string
	}{
		"daily":                   {Spec{Cron: "30 2 * * *"}, "2026-03-01 00:00", []string{"2026-03-01 02:30", "2026-03-02 02:30"}},
		"not now, but after":      {Spec{Cron: "30 2 * * *"}, "2026-03-01 02:30", []string{"2026-03-02 02:30"}},
		"in a zone":               {Spec{Cron: "30 2 * * *", TimeZone: "Asia/Tokyo"}, "2026-03-01 00:00", []string{"2026-03-01 17:30"}},
		"day of week by name":     {Spec{Cron: "0 3 * * sun"}, "2026-03-02 00:00", []string{"2026-03-08 03:00"}},
		"29 February":             {Spec{Cron: "0 0 29 2 *"}, "2026-03-01 00:00", []string{"2028-02-29 00:00", "2032-02-29 00:00"}},
		"moved out of the night":  {Spec{Cron: "0 23 * * *", Quiet: night}, "2026-03-01 12:00", []string{"2026-03-02 06:00", "2026-03-03 06:00"}},
		"moved after midnight":    {Spec{Cron: "0 5 * * *", Quiet: night}, "2026-03-01 12:00", []string{"2026-03-02 06:00"}},
		"out of one into another": {Spec{Cron: "0 5 * * *", Quiet: []Span{{"04:00", "06:00"}, {"06:00", "07:30"}}}, "2026-03-01 00:00", []string{"2026-03-01 07:30"}},
		"the end is not quiet":    {Spec{Cron: "0 6 * * *", Quiet: night}, "2026-03-01 00:00", []string{"2026-03-01 06:00"}},
		"many become one":         {Spec{Cron: "0 * * * *", Quiet: night}, "2026-03-01 20:30", []string{"2026-03-01 21:00", "2026-03-02 06:00", "2026-03-02 07:00"}},
		// Berlin: on 29 March 02:00 becomes 03:00, on 25 October 03:00 becomes 02:00.
		"02:30 does not exist":      {Spec{Cron: "30 2 * * *", TimeZone: "Europe/Berlin"}, "2026-03-28 12:00", []string{"2026-03-29 01:30", "2026-03-30 00:30"}},
		"02:30 exists twice":        {Spec{Cron: "30 2 * * *", TimeZone: "Europe/Berlin"}, "2026-10-24 12:00", []string{"2026-10-25 00:30", "2026-10-26 01:30"}},
		"every hour, clocks back":   {Spec{Cron: "30 * * * *", TimeZone: "Europe/Berlin"}, "2026-10-25 00:00", []string{"2026-10-25 00:30", "2026-10-25 01:30", "2026-10-25 02:30"}},
		"every hour, clocks ahead":  {Spec{Cron: "30 * * * *", TimeZone: "Europe/Berlin"}, "2026-03-29 00:00", []string{"2026-03-29 00:30", "2026-03-29 01:30", "2026-03-29 02:30"}},
		"quiet hours, clocks back":  {Spec{Cron: "0 1 * * *", TimeZone: "Europe/Berlin", Quiet: []Span{{"00:00", "04:00"}}}, "2026-10-24 12:00", []string{"2026-10-25 03:00"}},
		"quiet hours, clocks ahead": {Spec{Cron: "0 1 * * *", TimeZone: "Europe/Berlin", Quiet: []Span{{"00:00", "04:00"}}}, "2026-03-28 12:00", []string{"2026-03-29 02:00"}},
		"quiet until what is not":   {Spec{Cron: "0 1 * * *", TimeZone: "Europe/Berlin", Quiet: []Span{{"00:00", "02:30"}}}, "2026-03-28 12:00", []string{"2026-03-29 01:30"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, now := parse(t, c.spec), at(c.after)
			for _, want := range c.want {
				next, err := s.Next(now)
				if err != nil || !next.Equal(at(want)) {
					t.Fatalf("after %s: %s, %v; want %s", now, next, err, want)
				}
				now = next
			}
		})
	}
}

func TestNever(t *testing.T) {
	for name, spec := range map[string]Spec{
		"30 February":        {Cron: "0 0 30 2 *"},
		"all of the day off": {Cron: "0 * * * *", Quiet: []Span{{"00:00", "12:00"}, {"12:00", "00:00"}}},
	} {
		s := parse(t, spec)
		if next, err := s.Next(at("2026-01-01 00:00")); !errors.Is(err, ErrNever) {
			t.Errorf("%s: %s, %v", name, next, err)
		}
		if due, _, why := s.Due(at("2026-02-01 00:00"), at("2026-01-01 00:00")); due || why != Never {
			t.Errorf("%s: due %v, %s", name, due, why)
		}
	}
}

func TestBadSpecs(t *testing.T) {
	for name, spec := range map[string]Spec{
		"empty":            {},
		"six fields":       {Cron: "0 0 0 * * *"},
		"descriptor":       {Cron: "@daily"},
		"every":            {Cron: "@every 1h"},
		"zone in the line": {Cron: "TZ=Asia/Tokyo 0 0 * * *"},
		"out of range":     {Cron: "60 0 * * *"},
		"unknown zone":     {Cron: "0 0 * * *", TimeZone: "Asia/Nowhere"},
		"zone outside":     {Cron: "0 0 * * *", TimeZone: "../../etc/passwd"},
		"local zone":       {Cron: "0 0 * * *", TimeZone: "Local"},
		"jitter":           {Cron: "0 0 * * *", Jitter: -1},
		"long jitter":      {Cron: "0 0 * * *", Jitter: 25 * time.Hour},
		"missed":           {Cron: "0 0 * * *", Missed: "Sometimes"},
		"quiet hours":      {Cron: "0 0 * * *", Quiet: []Span{{"8:00", "09:00"}}},
		"empty quiet":      {Cron: "0 0 * * *", Quiet: []Span{{"08:00", "08:00"}}},
	} {
		if _, err := Parse(spec); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestDue(t *testing.T) {
	daily := Spec{Cron: "0 2 * * *"}
	skip := Spec{Cron: "0 2 * * *", Missed: Skip}
	quiet := Spec{Cron: "0 2 * * *", Quiet: []Span{{"09:00", "18:00"}}}
	hourly := Spec{Cron: "0 * * * *"}
	for name, c := range map[string]struct {
		spec      Spec
		now, last string
		due       bool
		at        string
		why       Reason
	}{
		"not yet":                          {daily, "2026-03-02 01:59", "2026-03-01 02:00", false, "2026-03-02 02:00", Later},
		"on the minute":                    {daily, "2026-03-02 02:00", "2026-03-01 02:00", true, "2026-03-02 02:00", OnTime},
		"done already":                     {daily, "2026-03-02 02:00", "2026-03-02 02:00", false, "2026-03-03 02:00", Later},
		"a restart in between":             {skip, "2026-03-02 02:09", "2026-03-01 02:00", true, "2026-03-02 02:00", OnTime},
		"missed":                           {daily, "2026-03-02 08:00", "2026-03-01 02:00", true, "2026-03-02 02:00", MadeUp},
		"missed for long, once":            {daily, "2026-03-20 08:00", "2026-03-01 02:00", true, "2026-03-20 02:00", MadeUp},
		"missed for years":                 {daily, "2036-03-20 08:00", "2026-03-01 02:00", true, "2036-03-20 02:00", MadeUp},
		"missed and skipped":               {skip, "2026-03-20 08:00", "2026-03-01 02:00", false, "2026-03-20 02:00", Skipped},
		"after it was skipped":             {skip, "2026-03-20 08:01", "2026-03-20 02:00", false, "2026-03-21 02:00", Later},
		"missed, but quiet now":            {quiet, "2026-03-02 12:00", "2026-03-01 02:00", false, "2026-03-02 18:00", QuietNow},
		"missed, quiet no more":            {quiet, "2026-03-02 18:00", "2026-03-01 02:00", true, "2026-03-02 02:00", MadeUp},
		"clock a little back":              {hourly, "2026-03-02 01:58", "2026-03-02 02:00", false, "2026-03-02 03:00", ClockBack},
		"clock a year back":                {daily, "2026-03-02 01:00", "2027-03-02 02:00", false, "2026-03-02 02:00", Later},
		"clock a year back, at its time":   {daily, "2026-03-02 02:01", "2027-03-02 02:00", true, "2026-03-02 02:00", OnTime},
		"clock a year ahead":               {daily, "2027-03-02 12:00", "2026-03-02 02:00", true, "2027-03-02 02:00", MadeUp},
		"rare, missed":                     {Spec{Cron: "0 0 29 2 *"}, "2027-01-01 00:00", "2023-01-01 00:00", true, "2024-02-29 00:00", MadeUp},
		"made after this year's only time": {Spec{Cron: "0 0 1 1 *"}, "2026-03-01 00:00", "2026-02-01 00:00", false, "2027-01-01 00:00", Later},
		"never ran at all":                 {daily, "2026-03-02 12:00", "0001-01-01 00:00", true, "2026-03-02 02:00", MadeUp},
	} {
		t.Run(name, func(t *testing.T) {
			due, when, why := parse(t, c.spec).Due(at(c.now), at(c.last))
			if due != c.due || !when.Equal(at(c.at)) || why != c.why {
				t.Errorf("due %v at %s, %s; want %v at %s, %s", due, when, why, c.due, c.at, c.why)
			}
		})
	}
}

func TestJitter(t *testing.T) {
	spread := map[time.Duration]bool{}
	for i := range 50 {
		spec := Spec{Cron: "0 2 * * *", Jitter: time.Hour, Name: fmt.Sprintf("cluster-%d", i)}
		a, err := parse(t, spec).Next(at("2026-03-01 00:00"))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := parse(t, spec).Next(at("2026-02-28 23:00"))
		d := a.Sub(at("2026-03-01 02:00"))
		if !a.Equal(b) || d < 0 || d > time.Hour {
			t.Errorf("%s: %s and %s", spec.Name, a, b)
		}
		spread[d] = true
	}
	if len(spread) < 30 {
		t.Errorf("only %d different times", len(spread))
	}
}

// A server that looks every minute over a year, through both changes of the clocks, runs every run once.
func TestEveryRunComesOnce(t *testing.T) {
	for _, spec := range []Spec{
		{Cron: "30 2 * * *", TimeZone: "Europe/Berlin"},
		{Cron: "30 2 * * *", TimeZone: "Europe/Berlin", Jitter: 2 * time.Hour, Name: "prod", Quiet: []Span{{"03:00", "05:00"}}},
		{Cron: "0 0 * * *", TimeZone: "America/Sao_Paulo", Missed: Skip},
		{Cron: "15 1 * * *", TimeZone: "Australia/Lord_Howe"},
	} {
		s := parse(t, spec)
		last := at("2026-01-01 12:00")
		runs := 0
		for now := last; now.Before(at("2027-01-01 12:00")); {
			due, when, why := s.Due(now, last)
			if due {
				if why != OnTime || !when.After(last) {
					t.Fatalf("%+v: at %s a run for %s after %s: %s", spec, now, when, last, why)
				}
				runs++
				last = when
			}
			next, err := s.Next(now)
			if err != nil {
				t.Fatal(err)
			}
			now = next.Add(time.Minute)
		}
		if runs != 365 {
			t.Errorf("%+v: %d runs in a year", spec, runs)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("30 2 * * *", "Asia/Tokyo", "22:00", "06:00")
	f.Add("*/5 1-3,7 1 */2 mon-fri", "", "00:00", "23:59")
	f.Add("TZ= * * * *", "..", "", "")
	f.Fuzz(func(t *testing.T, cron, zone, from, to string) {
		s, err := Parse(Spec{Cron: cron, TimeZone: zone, Quiet: []Span{{from, to}}})
		if err != nil {
			return
		}
		now := at("2026-03-28 23:17")
		if next, err := s.Next(now); err == nil && !next.After(now) {
			t.Errorf("%s is not after %s", next, now)
		}
	})
}

func BenchmarkDue(b *testing.B) {
	s := parse(b, Spec{Cron: "* * * * *", Quiet: []Span{{"22:00", "06:00"}}, Jitter: time.Hour})
	for b.Loop() {
		s.Due(at("2026-03-02 01:59"), at("2026-01-01 00:00"))
	}
}
