package snapshot

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"math"
	"slices"
	"strings"
)

// row is what an index keeps of a key; the key itself is in the index's key text, up to the next row's.
type row struct {
	key                          uint32
	size                         uint32
	mod, create, version, offset int64
	digest                       [16]byte
}

type record struct {
	row
	sub, lease int64
	keySize    uint32
	dead       bool
}

const (
	blockRows = 1 << 12
	blockKeys = 1 << 20 // also the longest key
)

// table collects the newest record of each key, in any order. Rows and keys lie in blocks that stay where they are, so
// that it grows without copies.
type table struct {
	seed  maphash.Seed
	slots []uint32 // 1 + number of the record, by the key's hash
	rows  [][]record
	keys  [][]byte
	count int
}

func newTable() *table { return &table{seed: maphash.MakeSeed(), slots: make([]uint32, 1<<10)} }

func (t *table) at(i uint32) *record { return &t.rows[i/blockRows][i%blockRows] }

func (t *table) key(r *record) []byte {
	block := t.keys[r.key/blockKeys]
	at := r.key % blockKeys
	return block[at : at+r.keySize]
}

// record gives the record of a key and whether it is new. It returns nil when there is no more room.
func (t *table) record(key []byte) (r *record, isNew bool) {
	if 2*t.count >= len(t.slots) {
		t.rehash()
	}
	mask := uint64(len(t.slots) - 1)
	at := maphash.Bytes(t.seed, key) & mask
	for ; t.slots[at] != 0; at = (at + 1) & mask {
		if r := t.at(t.slots[at] - 1); bytes.Equal(t.key(r), key) {
			return r, false
		}
	}
	n := len(t.keys)
	if n == 0 || len(t.keys[n-1])+len(key) > blockKeys {
		if n >= math.MaxUint32/blockKeys || len(key) > blockKeys || t.count >= math.MaxUint32/4 {
			return nil, false
		}
		t.keys = append(t.keys, make([]byte, 0, blockKeys))
		n++
	}
	if t.count%blockRows == 0 {
		t.rows = append(t.rows, make([]record, blockRows))
	}
	r = t.at(uint32(t.count))
	r.key = uint32((n-1)*blockKeys + len(t.keys[n-1]))
	r.keySize = uint32(len(key))
	t.keys[n-1] = append(t.keys[n-1], key...)
	t.count++
	t.slots[at] = uint32(t.count)
	return r, true
}

func (t *table) rehash() {
	t.slots = make([]uint32, 2*len(t.slots))
	mask := uint64(len(t.slots) - 1)
	for i := range uint32(t.count) {
		at := maphash.Bytes(t.seed, t.key(t.at(i))) & mask
		for t.slots[at] != 0 {
			at = (at + 1) & mask
		}
		t.slots[at] = i + 1
	}
}

// index makes the index of the keys that are alive.
func (t *table) index() *Index {
	t.slots = nil
	alive := make([]uint32, 0, t.count)
	size := 0
	for i := range uint32(t.count) {
		if r := t.at(i); !r.dead {
			alive = append(alive, i)
			size += int(r.keySize)
		}
	}
	slices.SortFunc(alive, func(a, b uint32) int { return bytes.Compare(t.key(t.at(a)), t.key(t.at(b))) })
	x := &Index{rows: make([]row, 0, len(alive))}
	var keys strings.Builder
	keys.Grow(size)
	for _, i := range alive {
		r := t.at(i)
		x.add(&keys, t.key(r), r.row, r.lease)
	}
	x.keys = keys.String()
	return x
}

// lease is kept apart from the rows, as few keys have one.
type lease struct {
	row uint32
	id  int64
}

func (x *Index) add(keys *strings.Builder, key []byte, r row, id int64) {
	r.key = uint32(keys.Len())
	keys.Write(key)
	if id != 0 {
		x.leases = append(x.leases, lease{uint32(len(x.rows)), id})
	}
	x.rows = append(x.rows, r)
}

func (x *Index) lease(i int) int64 {
	at, ok := slices.BinarySearchFunc(x.leases, uint32(i), func(l lease, i uint32) int { return cmp.Compare(l.row, i) })
	if !ok {
		return 0
	}
	return x.leases[at].id
}
