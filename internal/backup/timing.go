package backup

import (
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/schedule"
)

// Schedule of a policy's sets; name is the cluster's, for the jitter.
func Schedule(p *v1alpha1.BackupPolicySpec, name string) schedule.Spec {
	if p.Schedule == nil {
		return schedule.Spec{}
	}
	s := schedule.Spec{
		Cron: p.Schedule.Cron, TimeZone: p.Schedule.TimeZone, Jitter: time.Duration(p.Schedule.JitterSeconds) * time.Second,
		Missed: schedule.Missed(p.Schedule.Missed), Name: name,
	}
	for _, q := range p.Schedule.QuietHours {
		s.Quiet = append(s.Quiet, schedule.Span{From: q.From, To: q.To})
	}
	return s
}

// ProofSchedule of a policy's proofs: in the time zone and outside the quiet hours of its sets.
func ProofSchedule(p *v1alpha1.BackupPolicySpec, name string) schedule.Spec {
	s := Schedule(p, name)
	s.Cron = p.Proof.Cron
	return s
}

// Run says what is to be done now about a schedule.
type Run struct {
	// At is a time that has come and is dealt with now; nil when there is none. Do is false when it was missed and is to be skipped.
	At *time.Time
	Do bool
	// Next is when the next one comes; zero when never.
	Next time.Time
}

// Due asks a schedule. last is the time that was dealt with last.
func Due(now, last time.Time, spec schedule.Spec) (Run, error) {
	s, err := schedule.Parse(spec)
	if err != nil {
		return Run{}, err
	}
	var r Run
	due, at, why := s.Due(now, last)
	switch {
	case due, why == schedule.Skipped:
		r.At, r.Do = &at, due
	case why == schedule.QuietNow:
		r.Next = at
		return r, nil
	}
	if next, err := s.Next(now); err == nil {
		r.Next = next
	}
	return r, nil
}
