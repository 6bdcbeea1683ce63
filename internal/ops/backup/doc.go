// Package backup carries out what is done with sets: making one, proving it, checking a repository, deleting what the retention does not
// keep, and writing single objects back. Restoring whole clusters is package restore's.
//
// A Backup object is written by the steps of the operation that makes the set, later by those that prove or copy it, and by nobody else
// but for its switch pinned. The repository holds the truth: a step that finds its part of the set stored is done.
//
// Killed anywhere: components that were stored are found again (repository.Begin), the component under way is captured anew, a set that
// was sealed is not sealed twice, and what a cancelled operation had stored is dropped.
package backup
