package boltfile

import (
	"errors"
	"fmt"
)

// ErrNotDatabase is in the chain of the error for a file that shows no trace of being a bbolt database.
var ErrNotDatabase = errors.New("not a bbolt database")

// ErrNoBucket is in the chain of Walk's error for a bucket that is not there.
var ErrNoBucket = errors.New("no such bucket")

// What says which of a file's promises is broken.
type What string

// What may be found broken. The last three are found by package snapshot.
const (
	Length      What = "Length"      // the file is shorter than it says, or its length is none that a snapshot can have
	Meta        What = "Meta"        // a meta page is not valid
	Page        What = "Page"        // a page is not what it should be, or its elements are not inside it
	Order       What = "Order"       // keys are not in order, or not where the tree says
	Twice       What = "Twice"       // a page is used twice, or both used and free
	Unreachable What = "Unreachable" // a page is neither used nor free
	Checksum    What = "Checksum"    // the file does not have the checksum at its end
	Record      What = "Record"      // a record of etcd cannot be decoded or contradicts its place
	Value       What = "Value"       // a value does not have the digest that the index holds
)

// DamageError says that a file is damaged.
type DamageError struct {
	What What
	// Offset is where in the file, in bytes; -1 when it is the file as a whole.
	Offset int64
	// Detail is for logs.
	Detail string
}

func (e *DamageError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("file is damaged: %s: %s", e.What, e.Detail)
	}
	return fmt.Sprintf("file is damaged at byte %d: %s: %s", e.Offset, e.What, e.Detail)
}

func damaged(what What, offset int64, format string, args ...any) *DamageError {
	return &DamageError{What: what, Offset: offset, Detail: fmt.Sprintf(format, args...)}
}
