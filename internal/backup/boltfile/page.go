package boltfile

import (
	"bytes"
	"encoding/binary"
)

const (
	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagMeta     = 0x04
	flagFreelist = 0x10

	flagBucket = 0x01 // of an entry: its value is a bucket
)

type header struct {
	id       uint64
	flags    uint16
	count    int
	overflow int64
}

func parseHeader(b []byte) header {
	return header{
		id:       binary.LittleEndian.Uint64(b),
		flags:    binary.LittleEndian.Uint16(b[8:]),
		count:    int(binary.LittleEndian.Uint16(b[10:])),
		overflow: int64(binary.LittleEndian.Uint32(b[12:])),
	}
}

// bounds is the range of keys that the pages above allow on a page: from lower, and below upper unless that is nil.
type bounds struct{ lower, upper []byte }

func (b bounds) holds(first, last []byte) bool {
	return bytes.Compare(first, b.lower) >= 0 && (b.upper == nil || bytes.Compare(last, b.upper) < 0)
}

// cells goes through the entries of a page in b and checks that they lie one behind the other, as bbolt writes them, and
// that their keys ascend and are within bounds. (Entries that share bytes could otherwise blow a small file up to any
// size.) fn gets each entry's 16 bytes, and its key and the value behind it with the key's place in b.
func cells(b []byte, count int, branch bool, offset int64, within bounds, fn func(cell, key, value []byte, at int) error) error {
	next := headerSize + elementSize*count
	if next > len(b) {
		return damaged(Page, offset, "%d entries do not fit", count)
	}
	var first, last []byte
	for i := range count {
		at := headerSize + elementSize*i
		cell := b[at : at+elementSize]
		pos, keySize, valueSize := binary.LittleEndian.Uint32(cell[4:]), binary.LittleEndian.Uint32(cell[8:]), binary.LittleEndian.Uint32(cell[12:])
		if branch {
			pos, keySize, valueSize = binary.LittleEndian.Uint32(cell), binary.LittleEndian.Uint32(cell[4:]), 0
		}
		if int64(at)+int64(pos) != int64(next) {
			return damaged(Page, offset, "entry %d is not behind the one before", i)
		}
		if keySize == 0 || int64(keySize)+int64(valueSize) > int64(len(b)-next) {
			return damaged(Page, offset, "entry %d has no key or is not on the page", i)
		}
		split, end := next+int(keySize), next+int(keySize)+int(valueSize)
		key := b[next:split:split]
		if i == 0 {
			first = key
		} else if bytes.Compare(last, key) >= 0 {
			return damaged(Order, offset, "key %d is not above the one before", i)
		}
		last = key
		if err := fn(cell, key, b[split:end:end], next); err != nil {
			return err
		}
		next = end
	}
	if count > 0 && !within.holds(first, last) {
		return damaged(Order, offset, "keys are not in the range that the page above says")
	}
	return nil
}

// entry is one key of a leaf.
type entry struct {
	key, value []byte
	offset     int64 // of the value in the file
	bucket     bool
}

// leaf goes through the entries of the leaf page in b, which begins at offset.
func leaf(b []byte, offset int64, within bounds, fn func(entry) error) error {
	return cells(b, parseHeader(b).count, false, offset, within, func(cell, key, value []byte, at int) error {
		flags := binary.LittleEndian.Uint32(cell)
		if flags > flagBucket {
			return damaged(Page, offset, "entry has flags %#x", flags)
		}
		return fn(entry{key, value, offset + int64(at+len(key)), flags == flagBucket})
	})
}

// branch goes through the children of the branch page in b, which begins at offset.
func (f *File) branch(b []byte, offset int64, within bounds, fn func(key []byte, child uint64) error) error {
	h := parseHeader(b)
	if h.count == 0 {
		return damaged(Page, offset, "branch without children")
	}
	return cells(b, h.count, true, offset, within, func(cell, key, _ []byte, _ int) error {
		child := binary.LittleEndian.Uint64(cell[8:])
		if child < 2 || child >= f.pages {
			return damaged(Page, offset, "child is page %d of %d", child, f.pages)
		}
		return fn(key, child)
	})
}

// inline gives the page within the value of a small bucket, or nil and the bucket's root page.
func (f *File) inline(e entry) (page []byte, root uint64, err error) {
	if len(e.value) < bucketSize {
		return nil, 0, damaged(Page, e.offset, "bucket of %d bytes", len(e.value))
	}
	root = binary.LittleEndian.Uint64(e.value)
	if root != 0 {
		if root < 2 || root >= f.pages || len(e.value) != bucketSize {
			return nil, 0, damaged(Page, e.offset, "bucket has its root in page %d of %d", root, f.pages)
		}
		return nil, root, nil
	}
	page = e.value[bucketSize:]
	if len(page) < headerSize {
		return nil, 0, damaged(Page, e.offset, "inline bucket of %d bytes", len(e.value))
	}
	if h := parseHeader(page); h.flags != flagLeaf || h.overflow != 0 {
		return nil, 0, damaged(Page, e.offset, "inline bucket has flags %#x, overflow %d", h.flags, h.overflow)
	}
	return page, 0, nil
}
