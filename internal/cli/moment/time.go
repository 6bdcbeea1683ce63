package moment

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// dates are the forms of a day with or without a time of day; those without mean the end of that day.
var dates = []struct {
	layout string
	day    bool
}{
	{"2006-01-02", true},
	{"2006-01-02 15:04", false},
	{"2006-01-02 15:04:05", false},
	{"2006-01-02T15:04", false},
	{"2006-01-02T15:04:05", false},
}

var weekdays = map[string]time.Weekday{
	"sunday": time.Sunday, "monday": time.Monday, "tuesday": time.Tuesday, "wednesday": time.Wednesday, "thursday": time.Thursday,
	"friday": time.Friday, "saturday": time.Saturday,
	"sun": time.Sunday, "mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday, "thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday,
}

// spans is a number of days or weeks, and what may stand behind it: 3d, 2w, 1d12h.
var spans = regexp.MustCompile(`^(?:([0-9]{1,4})w)?(?:([0-9]{1,5})d)?(.*)$`)

// Parse reads a time as people say it, in the time zone of now: RFC 3339, 2026-11-20, "2026-11-20 14:30", 14:30 (the last time that it was
// that late), yesterday (this time of day), a weekday (the end of the last one), 2h or 3d ago. False means that text is no time.
func Parse(text string, now time.Time) (time.Time, bool) {
	text = strings.Join(strings.Fields(text), " ")
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, true
	}
	for _, d := range dates {
		t, err := time.ParseInLocation(d.layout, text, now.Location())
		switch {
		case err != nil:
		case d.day:
			return endOfDay(t), true
		default:
			return t, true
		}
	}
	if t, err := time.Parse("15:04", text); err == nil {
		return clock(t, now), true
	}
	word := strings.ToLower(text)
	switch word {
	case "now":
		return now, true
	case "yesterday":
		return now.AddDate(0, 0, -1), true
	}
	if day, ok := weekdays[word]; ok {
		back := (int(now.Weekday()) - int(day) + 7) % 7
		if back == 0 {
			back = 7 // today is not over
		}
		return endOfDay(now.AddDate(0, 0, -back)), true
	}
	return ago(strings.TrimSuffix(word, " ago"), now)
}

// clock is that time of day today, or yesterday when today it is still to come.
func clock(t, now time.Time) time.Time {
	y, m, d := now.Date()
	at := time.Date(y, m, d, t.Hour(), t.Minute(), 0, 0, now.Location())
	if at.After(now) {
		at = time.Date(y, m, d-1, t.Hour(), t.Minute(), 0, 0, now.Location())
	}
	return at
}

func endOfDay(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, t.Location()).Add(-time.Nanosecond)
}

// ago reads 2h, 90m, 3d, 1w, 1d12h. Days and weeks are those of the calendar, also where a clock is changed.
func ago(text string, now time.Time) (time.Time, bool) {
	if text == "" {
		return time.Time{}, false
	}
	m := spans.FindStringSubmatch(text)
	days := 0
	for i, unit := range []int{7, 1} {
		if m[i+1] == "" {
			continue
		}
		n, err := strconv.Atoi(m[i+1])
		if err != nil {
			return time.Time{}, false
		}
		days += n * unit
	}
	var rest time.Duration
	if m[3] != "" {
		var err error
		if rest, err = time.ParseDuration(m[3]); err != nil || rest < 0 || !strings.ContainsAny(m[3], "hms") || m[3][0] < '0' || m[3][0] > '9' {
			return time.Time{}, false
		}
	}
	return now.AddDate(0, 0, -days).Add(-rest), true
}
