// Package retention decides which sets of backups are kept, and says why.
//
// It is pure: it deletes nothing and asks nobody for the time. Invariant: the last proven set, pinned ones and (without any rule) all are
// kept; every set that is kept has a reason, and one that is not has none.
package retention
