package retention

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Set is what is known of a set.
type Set struct {
	Name     string
	Time     time.Time
	Complete bool // nothing that was expected is missing
	Proven   bool // booted and read
	Pinned   bool // a person wants it kept
}

// Policy is how many sets are kept by each rule. Hourly 24 keeps the newest set of each of the last 24 hours that have one. All zero keeps
// everything.
type Policy struct {
	Last, Hourly, Daily, Weekly, Monthly, Yearly int
}

// Empty says that no rule is set.
func (p Policy) Empty() bool { return p == Policy{} }

// The rules.
const (
	RuleAll        = "All" // there is no rule
	RulePinned     = "Pinned"
	RuleLastProven = "LastProven"
	RuleLast       = "Last"
	RuleHourly     = "Hourly"
	RuleDaily      = "Daily"
	RuleWeekly     = "Weekly"
	RuleMonthly    = "Monthly"
	RuleYearly     = "Yearly"
)

// Reason is a rule that keeps a set. Key is the span of time that the set stands for (2026-03-01 13h, 2026-03-01, 2026-W09, 2026-03, 2026),
// or its place for RuleLast, beginning with 1.
type Reason struct {
	Rule string
	Key  string
}

// Decision is about one set.
type Decision struct {
	Name    string
	Keep    bool
	Reasons []Reason
}

// Decide applies a policy in the time zone whose days count; nil means UTC. Within a span of time complete sets go before others, then
// later before earlier: of two sets of the same day the one that lacks something is not the one to keep. Sets that lack something are
// never counted for the rules as long as complete ones exist in the span. The decisions come newest first.
func Decide(sets []Set, p Policy, zone *time.Location) []Decision {
	if zone == nil {
		zone = time.UTC
	}
	sorted := slices.Clone(sets)
	slices.SortFunc(sorted, func(a, b Set) int {
		return cmp.Or(b.Time.Compare(a.Time), strings.Compare(b.Name, a.Name))
	})
	decisions := make([]Decision, len(sorted))
	for i, s := range sorted {
		decisions[i].Name = s.Name
	}
	keep := func(i int, rule, key string) {
		d := &decisions[i]
		d.Keep = true
		d.Reasons = append(d.Reasons, Reason{rule, key})
	}
	for i, s := range sorted {
		if s.Pinned {
			keep(i, RulePinned, "")
		}
	}
	if i := slices.IndexFunc(sorted, func(s Set) bool { return s.Proven && s.Complete }); i >= 0 {
		keep(i, RuleLastProven, "")
	} else if i := slices.IndexFunc(sorted, func(s Set) bool { return s.Proven }); i >= 0 {
		keep(i, RuleLastProven, "")
	}
	if p.Empty() {
		for i := range sorted {
			keep(i, RuleAll, "")
		}
		return decisions
	}
	last(sorted, p.Last, keep)
	for _, r := range []struct {
		rule  string
		count int
		key   func(time.Time) string
	}{
		{RuleHourly, p.Hourly, hour},
		{RuleDaily, p.Daily, day},
		{RuleWeekly, p.Weekly, week},
		{RuleMonthly, p.Monthly, month},
		{RuleYearly, p.Yearly, year},
	} {
		spans(sorted, r.count, func(t time.Time) string { return r.key(t.In(zone)) }, func(i int, key string) { keep(i, r.rule, key) })
	}
	return decisions
}

// last keeps the newest complete sets, and the newest of all even when it lacks something: it may be the only one with the newest data.
func last(sorted []Set, count int, keep func(i int, rule, key string)) {
	kept := 0
	for i, s := range sorted {
		if kept == count {
			return
		}
		if s.Complete || i == 0 {
			kept++
			keep(i, RuleLast, fmt.Sprint(kept))
		}
	}
}

// spans keeps the best set of each of the newest spans.
func spans(sorted []Set, count int, key func(time.Time) string, keep func(i int, key string)) {
	best := map[string]int{}
	var order []string
	for i, s := range sorted {
		k := key(s.Time)
		j, known := best[k]
		switch {
		case !known && len(order) == count:
			// An older span than those wanted. Hours may come twice when clocks are put back, so a known one can still follow.
		case !known:
			best[k] = i
			order = append(order, k)
		case s.Complete && !sorted[j].Complete:
			best[k] = i
		}
	}
	for _, k := range order {
		keep(best[k], k)
	}
}

// An hour that comes twice, when clocks are put back, is two hours.
func hour(t time.Time) string {
	_, offset := t.Zone()
	return t.Format("2006-01-02 15h") + zoneSuffix(offset, t)
}

func zoneSuffix(offset int, t time.Time) string {
	_, before := t.Add(-time.Hour).Zone()
	_, after := t.Add(time.Hour).Zone()
	if before == offset && after == offset {
		return ""
	}
	return t.Format(" -07:00")
}

func day(t time.Time) string   { return t.Format(time.DateOnly) }
func month(t time.Time) string { return t.Format("2006-01") }
func year(t time.Time) string  { return t.Format("2006") }

func week(t time.Time) string {
	y, w := t.ISOWeek()
	return fmt.Sprintf("%04d-W%02d", y, w)
}
