package snapshot

import "iter"

// ChangeType says what happened to a key.
type ChangeType string

// What may have happened to a key.
const (
	Added   ChangeType = "Added"
	Removed ChangeType = "Removed"
	Changed ChangeType = "Changed"
	// Rewritten is a key that was written again with the same bytes. (An encrypted value never has the same bytes.)
	Rewritten ChangeType = "Rewritten"
	// Recreated is a key that was deleted and created in between.
	Recreated ChangeType = "Recreated"
)

// Change is a difference between two snapshots. From is empty for an added key, To for a removed one.
type Change struct {
	Type     ChangeType
	Key      string
	From, To Entry
}

// Diff gives the differences between two snapshots of one cluster in the order of the keys.
func Diff(from, to *Index) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		i, j := 0, 0
		for i < from.Len() || j < to.Len() {
			switch {
			case j == to.Len() || i < from.Len() && from.key(i) < to.key(j):
				if !yield(Change{Type: Removed, Key: from.key(i), From: from.At(i)}) {
					return
				}
				i++
			case i == from.Len() || to.key(j) < from.key(i):
				if !yield(Change{Type: Added, Key: to.key(j), To: to.At(j)}) {
					return
				}
				j++
			default:
				if kind := changeType(&from.rows[i], &to.rows[j]); kind != "" {
					if !yield(Change{Type: kind, Key: from.key(i), From: from.At(i), To: to.At(j)}) {
						return
					}
				}
				i++
				j++
			}
		}
	}
}

func changeType(a, b *row) ChangeType {
	switch {
	case a.create != b.create:
		return Recreated
	case a.digest != b.digest:
		return Changed
	case a.mod != b.mod:
		return Rewritten
	}
	return ""
}
