package snapshot

import (
	"iter"
	"slices"
	"sort"
	"strings"
)

// Entry is a key that is alive in a snapshot.
type Entry struct {
	Key                                         string
	ModRevision, CreateRevision, Version, Lease int64
	// Digest is the first half of the value's SHA-256.
	Digest [16]byte
	// Offset and Size are the value's, in bytes from the file's begin.
	Offset int64
	Size   int32
}

// Index holds the keys of a snapshot in their order, without the values. It is immutable.
type Index struct {
	stats  Stats
	prefix string // of Kubernetes' keys, with a slash at its end; empty for none
	keys   string // all keys, one behind the other
	rows   []row
	leases []lease
}

// Len is the number of keys.
func (x *Index) Len() int { return len(x.rows) }

// Stats describes the snapshot.
func (x *Index) Stats() Stats {
	s := x.stats
	s.Alarms = slices.Clone(s.Alarms)
	return s
}

func (x *Index) key(i int) string {
	end := len(x.keys)
	if i+1 < len(x.rows) {
		end = int(x.rows[i+1].key)
	}
	return x.keys[x.rows[i].key:end]
}

// At gives the entry at a place, from 0 to Len.
func (x *Index) At(i int) Entry {
	r := &x.rows[i]
	return Entry{
		Key: x.key(i), ModRevision: r.mod, CreateRevision: r.create, Version: r.version, Lease: x.lease(i),
		Digest: r.digest, Offset: r.offset, Size: int32(r.size),
	}
}

// from is the place of the first key that is not before the one given.
func (x *Index) from(key string) int {
	return sort.Search(len(x.rows), func(i int) bool { return x.key(i) >= key })
}

// Find gives the entry of a key.
func (x *Index) Find(key string) (Entry, bool) {
	i := x.from(key)
	if i == len(x.rows) || x.key(i) != key {
		return Entry{}, false
	}
	return x.At(i), true
}

// Prefix gives the entries whose keys begin with p, in order; all of them for "".
func (x *Index) Prefix(p string) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for i := x.from(p); i < len(x.rows) && strings.HasPrefix(x.key(i), p); i++ {
			if !yield(x.At(i)) {
				return
			}
		}
	}
}
