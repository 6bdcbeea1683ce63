// Package schedule tells when something on a cron schedule is due: time zone, quiet hours, jitter and missed runs included.
//
// It is pure: the time is always given to it, and it starts nothing. Invariant: for the same schedule, last run and time the answer is the
// same in every process, so that a restart or a second server neither repeats a run nor loses one.
package schedule
