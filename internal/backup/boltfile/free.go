package boltfile

import (
	"context"
	"encoding/binary"
	"math/bits"
)

// pageSet holds a bit for each page of a file.
type pageSet struct {
	bits []uint64
	size uint64
}

func newPageSet(pages uint64) pageSet {
	s := pageSet{bits: make([]uint64, (pages+63)/64), size: pages}
	s.add(0)
	s.add(1)
	return s
}

// add reports whether the page was not in the set.
func (s pageSet) add(id uint64) bool {
	bit := uint64(1) << (id % 64)
	if s.bits[id/64]&bit != 0 {
		return false
	}
	s.bits[id/64] |= bit
	return true
}

// claim adds n pages from id, which the caller knows to be pages of the file, and none of which may be there.
func (s pageSet) claim(id, n uint64, offset int64) error {
	for p := id; p < id+n; p++ {
		if !s.add(p) {
			return damaged(Twice, offset, "page %d is used twice", p)
		}
	}
	return nil
}

// missing gives the first page that is not in the set.
func (s pageSet) missing() (uint64, bool) {
	for i, word := range s.bits {
		if id := uint64(i)*64 + uint64(bits.TrailingZeros64(^word)); word != ^uint64(0) && id < s.size {
			return id, true
		}
	}
	return 0, false
}

// checkFree checks that the list of free pages names exactly the pages that are not used. etcd keeps no such list in the
// file: then what is not used is free.
func (f *File) checkFree(ctx context.Context, used pageSet) error {
	if f.freelist == noFreelist {
		return nil
	}
	offset := int64(f.freelist) * f.pageSize
	var head [headerSize + 8]byte
	if err := f.readAt(head[:], offset); err != nil {
		return err
	}
	h := parseHeader(head[:])
	count, from := uint64(h.count), int64(headerSize)
	if count == 0xFFFF { // too many for the header: the number comes first
		count, from = binary.LittleEndian.Uint64(head[headerSize:]), headerSize+8
	}
	pages := 1 + uint64(h.overflow)
	switch {
	case h.id != f.freelist || h.flags != flagFreelist:
		return damaged(Page, offset, "list of free pages has number %d and flags %#x", h.id, h.flags)
	case f.freelist+pages > f.pages || count > f.pages || from+8*int64(count) > int64(pages)*f.pageSize:
		return damaged(Page, offset, "list of %d free pages on %d pages", count, pages)
	}
	if err := used.claim(f.freelist, pages, offset); err != nil {
		return err
	}
	buf := make([]byte, min(8*int64(count), readSize))
	for at, end := offset+from, offset+from+8*int64(count); at < end; at += int64(len(buf)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		buf = buf[:min(int64(len(buf)), end-at)]
		if err := f.readAt(buf, at); err != nil {
			return err
		}
		for i := 0; i < len(buf); i += 8 {
			id := binary.LittleEndian.Uint64(buf[i:])
			if id >= f.pages {
				return damaged(Page, at+int64(i), "free page %d of %d", id, f.pages)
			}
			if !used.add(id) {
				return damaged(Twice, at+int64(i), "page %d is free, and used or free already", id)
			}
		}
	}
	if id, ok := used.missing(); ok {
		return damaged(Unreachable, int64(id)*f.pageSize, "page %d is neither used nor free", id)
	}
	return nil
}
