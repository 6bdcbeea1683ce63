package schedule

import "time"

// Reason says why a run is due, or why it is not.
type Reason string

// The reasons.
const (
	OnTime    Reason = "OnTime"    // due: its time has just come
	MadeUp    Reason = "MadeUp"    // due: its time was missed
	Later     Reason = "Later"     // its time is to come
	Skipped   Reason = "Skipped"   // its time was missed, and missed runs are skipped
	QuietNow  Reason = "QuietNow"  // a missed run is to be made up for, when the quiet hours are over
	ClockBack Reason = "ClockBack" // the last run lies in the future: the clock was put back a little
	Never     Reason = "Never"     // the schedule has no time
)

// Due tells whether a run is due now. last is the time that the last run was for, as returned here (not when it ended), or, of a schedule
// that never ran, when it was made. at is the time of the run that is due, to be remembered as last, also when it is Skipped; otherwise it
// is when to ask again.
//
// A last in the future says that the clock was put back. By up to an hour, the runs up to last have been. By more, last is not believed:
// runs go on with the clock as it is, and one that has been may come again.
func (s *Schedule) Due(now, last time.Time) (due bool, at time.Time, why Reason) {
	if last.After(now) {
		if last.Sub(now) <= trusted {
			next, err := s.Next(last)
			return false, next, orNever(ClockBack, err)
		}
		last = now.Add(-Grace)
	}
	latest := s.latest(now, last)
	if latest.IsZero() {
		next, err := s.Next(now)
		return false, next, orNever(Later, err)
	}
	if now.Sub(latest) <= Grace {
		return true, latest, OnTime
	}
	if s.spec.Missed == Skip {
		return false, latest, Skipped
	}
	if end, quiet := s.quietUntil(now); quiet {
		return false, end.UTC(), QuietNow
	}
	return true, latest, MadeUp
}

// trusted is by how much a clock may have been put back for the last run to be believed.
const trusted = time.Hour

func orNever(r Reason, err error) Reason {
	if err != nil {
		return Never
	}
	return r
}

// latest is the last time after last and up to now at which a run begins; zero when there is none. It looks at the last days first: after
// years without a server only the newest of the missed runs counts.
func (s *Schedule) latest(now, last time.Time) (latest time.Time) {
	for step := 2 * 24 * time.Hour; ; step *= 4 {
		from := now.Add(-step)
		whole := !from.After(last) || step > horizon
		if from.Before(last) {
			from = last
		}
		for at := s.start(from); ; {
			var c time.Time
			if at, c = s.next(at); c.IsZero() || c.After(now) {
				break
			}
			begin, ok := s.begin(c)
			if ok && begin.After(last) && !begin.After(now) && begin.After(latest) {
				latest = begin.UTC()
			}
		}
		if whole || !latest.IsZero() {
			return latest
		}
	}
}
