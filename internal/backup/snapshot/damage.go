package snapshot

import (
	"errors"
	"fmt"

	"kanrin.dev/kanrin/internal/backup/boltfile"
)

// ErrNotSnapshot is in the chain of the error for a file that is no snapshot of etcd at all, damaged or not.
var ErrNotSnapshot = errors.New("not an etcd snapshot")

// DamageError says that a snapshot or an index is damaged; What are the words of package boltfile.
type DamageError = boltfile.DamageError

// damagedIndex is the word for damage of an index file.
const damagedIndex boltfile.What = "Index"

// NewerError says that an index was written by a later Kanrin.
type NewerError struct{ Version int }

func (e *NewerError) Error() string {
	return fmt.Sprintf("index has format %d, this Kanrin knows %d", e.Version, indexVersion)
}

func damaged(what boltfile.What, offset int64, format string, args ...any) *DamageError {
	return &DamageError{What: what, Offset: offset, Detail: fmt.Sprintf(format, args...)}
}
