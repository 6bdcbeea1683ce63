package schedule

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones must be known on machines without a database of them

	"github.com/robfig/cron/v3"
)

// Missed is what happens with runs that fell into a time without a server.
type Missed string

// The rules for missed runs. The default is RunOnce.
const (
	RunOnce Missed = "RunOnce" // one run makes up for all of them
	Skip    Missed = "Skip"    // the next one comes at its time
)

// Span is a span of the day, over midnight when it ends before it begins. From is in it, To is not.
type Span struct{ From, To string } // HH:MM

// Spec is a schedule.
type Spec struct {
	Cron     string // minute, hour, day of month, month, day of week
	TimeZone string // of the IANA database; empty means UTC
	Jitter   time.Duration
	Quiet    []Span
	Missed   Missed
	Name     string // of the cluster: spreads those with the same schedule
}

// Grace is how late a run may begin and not count as missed: a server that restarts must not lose it.
const Grace = 10 * time.Minute

// horizon is how far ahead a time is looked for: 29 February comes in eight years at the latest.
const horizon = 9 * 366 * 24 * time.Hour

// ErrNever says that the schedule has no time that is not quiet.
var ErrNever = errors.New("the schedule never comes to pass")

// Schedule is a valid Spec.
type Schedule struct {
	cron  cron.Schedule
	zone  *time.Location
	spec  Spec
	quiet []minutes
	fixed bool // hours are given by number
}

type minutes struct{ from, to int }

// Parse checks a Spec.
func Parse(s Spec) (*Schedule, error) {
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil || s.TimeZone == "Local" {
		return nil, fmt.Errorf("parsing time zone %q: %w", s.TimeZone, errors.Join(err, errIf(s.TimeZone == "Local", "it differs from machine to machine")))
	}
	// A zone in the cron line would contradict ours, and descriptors like @every have no fixed times.
	if strings.ContainsAny(s.Cron, "=@") {
		return nil, fmt.Errorf("parsing cron line %q: five fields are expected", s.Cron)
	}
	parsed, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(s.Cron)
	if err != nil {
		return nil, fmt.Errorf("parsing cron line %q: %w", s.Cron, err)
	}
	if s.Jitter < 0 || s.Jitter > 24*time.Hour {
		return nil, fmt.Errorf("jitter %s is not between 0 and a day", s.Jitter)
	}
	if s.Missed != "" && s.Missed != RunOnce && s.Missed != Skip {
		return nil, fmt.Errorf("unknown rule for missed runs %q", s.Missed)
	}
	out := &Schedule{cron: parsed, zone: zone, spec: s, fixed: !strings.HasPrefix(strings.Fields(s.Cron)[1], "*")}
	for _, span := range s.Quiet {
		from, err1 := minuteOfDay(span.From)
		to, err2 := minuteOfDay(span.To)
		if err := errors.Join(err1, err2, errIf(err1 == nil && from == to, "it is empty")); err != nil {
			return nil, fmt.Errorf("parsing quiet hours %s-%s: %w", span.From, span.To, err)
		}
		out.quiet = append(out.quiet, minutes{from, to})
	}
	return out, nil
}

func errIf(when bool, text string) error {
	if when {
		return errors.New(text)
	}
	return nil
}

func minuteOfDay(text string) (int, error) {
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != 5 {
		return 0, fmt.Errorf("%q is not HH:MM", text)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// Next is the first time after t at which a run begins.
func (s *Schedule) Next(t time.Time) (time.Time, error) {
	var best time.Time
	for at := s.start(t); ; {
		var c time.Time
		if at, c = s.next(at); c.IsZero() || c.Sub(t) > horizon || !best.IsZero() && c.After(best) {
			break
		}
		// By its jitter, a run may begin before one whose time in the cron line is earlier.
		if begin, ok := s.begin(c); ok && begin.After(t) && (best.IsZero() || begin.Before(best)) {
			best = begin
		}
	}
	if best.IsZero() {
		return best, ErrNever
	}
	return best.UTC(), nil
}

// start is a place in the cron line so early that what begins after t comes after it.
func (s *Schedule) start(t time.Time) time.Time {
	back := s.spec.Jitter + 3*time.Hour // clocks are put back by that much at the most
	if len(s.quiet) > 0 {
		back += 25 * time.Hour
	}
	t = t.Add(-back)
	if s.fixed {
		return wall(t.In(s.zone))
	}
	return t
}

// next moves on in the cron line and says which time that is; zero when there is none.
//
// Hours given by number mean the clock on the wall: on the day on which clocks are put forward, 02:30 is what would have been 02:30, and on
// the day on which they are put back it comes once. With any hour, time runs on as it does.
func (s *Schedule) next(at time.Time) (place, c time.Time) {
	if !s.fixed {
		c = s.cron.Next(at.In(s.zone))
		return c, c
	}
	place = s.cron.Next(at)
	if place.IsZero() {
		return place, place
	}
	_, before := place.Add(-26 * time.Hour).In(s.zone).Zone()
	_, after := place.Add(26 * time.Hour).In(s.zone).Zone()
	for _, offset := range []int{before, after} {
		c = place.Add(-time.Duration(offset) * time.Second)
		if _, there := c.In(s.zone).Zone(); there == offset {
			return place, c
		}
	}
	return place, place.Add(-time.Duration(before) * time.Second)
}

// wall is what a clock shows at t, as a time that knows no zone.
func wall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// begin is when the run of a time in the cron line begins: jitter later, and out of the quiet hours. A run whose quiet hours last until the
// next day has nothing to begin with only if all of the day is quiet.
func (s *Schedule) begin(c time.Time) (time.Time, bool) {
	t := c.Add(s.jitter(c))
	for range 2*len(s.quiet) + 1 {
		end, quiet := s.quietUntil(t)
		if !quiet {
			return t, true
		}
		t = end
	}
	return time.Time{}, false
}

// jitter is the same for a cluster and a time wherever it is computed.
func (s *Schedule) jitter(c time.Time) time.Duration {
	if s.spec.Jitter == 0 {
		return 0
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", s.spec.Name, c.Unix()))
	return time.Duration(binary.BigEndian.Uint64(sum[:8])%uint64(s.spec.Jitter/time.Second+1)) * time.Second
}

// quietUntil is the end of the quiet hours that t lies in.
func (s *Schedule) quietUntil(t time.Time) (time.Time, bool) {
	local := t.In(s.zone)
	now := local.Hour()*60 + local.Minute()
	for _, q := range s.quiet {
		inside := now >= q.from && now < q.to
		if q.from > q.to {
			inside = now >= q.from || now < q.to
		}
		if !inside {
			continue
		}
		days := 0
		if q.to <= now {
			days = 1
		}
		// By the wall clock: quiet hours are longer or shorter when clocks change.
		end := time.Date(local.Year(), local.Month(), local.Day()+days, q.to/60, q.to%60, 0, 0, s.zone)
		if !end.After(t) { // the wall clock shows that time twice
			end = end.Add(time.Hour)
		}
		return end, true
	}
	return time.Time{}, false
}
