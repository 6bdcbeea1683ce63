package boltfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
)

const (
	magic       = 0xED0CDAED
	version     = 2
	headerSize  = 16 // of a page: id, flags, count, overflow
	elementSize = 16 // of a leaf's or branch's entry
	bucketSize  = 16 // of a bucket's value before its inline page: root, sequence
	metaSize    = 64
	noFreelist  = math.MaxUint64

	minPageSize = 1 << 10
	maxPageSize = 1 << 16
	// maxPageBytes bounds a page with its overflow. bbolt puts at least two entries on a page, so it is far beyond what
	// etcd's largest request can make.
	maxPageBytes = 128 << 20
	// maxDepth bounds a tree: with two children at each page it would hold more pages than a file can.
	maxDepth = 48
	// maxNesting bounds buckets in buckets. etcd has none.
	maxNesting = 8
)

// File is a bbolt database. Its methods may be called by several goroutines at once.
type File struct {
	r        io.ReaderAt
	size     int64
	pageSize int64
	pages    uint64 // the high-water mark: pages at and above it are not part of the database
	root     uint64
	freelist uint64
	metaErr  error // the first invalid meta page, for Check
}

type meta struct {
	pageSize                    int64
	root, freelist, pages, txid uint64
}

// Open reads the meta pages of the database in the first size bytes of r, takes the newer valid one, and checks that the
// file is long enough for it. One damaged meta page is tolerated here, not by Check.
func Open(r io.ReaderAt, size int64) (*File, error) {
	if size < 2*minPageSize {
		return nil, fmt.Errorf("%w: %d bytes are too few", ErrNotDatabase, size)
	}
	f := &File{r: r, size: size}
	first, firstErr := f.readMeta(0)
	if firstErr != nil && !isDamage(firstErr) {
		return nil, firstErr
	}
	if firstErr == nil {
		second, err := f.readMeta(first.pageSize)
		if err != nil && !isDamage(err) {
			return nil, err
		}
		if err == nil && second.pageSize != first.pageSize {
			err = damaged(Meta, first.pageSize, "page size is %d and %d", first.pageSize, second.pageSize)
		}
		f.metaErr = err
		if err == nil && second.txid > first.txid {
			first = second
		}
		return f, f.use(first)
	}
	// The first meta page tells the page size; without it the second is looked for where it may be.
	for pageSize := int64(minPageSize); pageSize <= maxPageSize && pageSize+headerSize+metaSize <= size; pageSize *= 2 {
		second, err := f.readMeta(pageSize)
		if err == nil && second.pageSize == pageSize {
			f.metaErr = firstErr
			return f, f.use(second)
		}
		if err != nil && !isDamage(err) {
			return nil, err
		}
	}
	var buf [headerSize + 4]byte
	if err := f.readAt(buf[:], 0); err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint32(buf[headerSize:]) != magic {
		return nil, ErrNotDatabase
	}
	return nil, firstErr
}

// PageSize is in bytes.
func (f *File) PageSize() int { return int(f.pageSize) }

// Size is the length of the database in bytes; the file may be longer.
func (f *File) Size() int64 { return int64(f.pages) * f.pageSize }

func (f *File) use(m meta) error {
	f.pageSize, f.root, f.freelist, f.pages = m.pageSize, m.root, m.freelist, m.pages
	if f.pages < 3 || f.pages > math.MaxUint32 {
		return damaged(Meta, 0, "%d pages", f.pages)
	}
	if have := uint64(f.size / f.pageSize); f.pages > have {
		return damaged(Length, -1, "the file has %d of %d pages", have, f.pages)
	}
	if f.root < 2 || f.root >= f.pages {
		return damaged(Meta, 0, "root is page %d of %d", f.root, f.pages)
	}
	if f.freelist != noFreelist && (f.freelist < 2 || f.freelist >= f.pages) {
		return damaged(Meta, 0, "freelist is page %d of %d", f.freelist, f.pages)
	}
	return nil
}

// readMeta reads the meta page at an offset.
func (f *File) readMeta(offset int64) (meta, error) {
	var buf [headerSize + metaSize]byte
	if offset+int64(len(buf)) > f.size {
		return meta{}, damaged(Length, offset, "no room for a meta page")
	}
	if err := f.readAt(buf[:], offset); err != nil {
		return meta{}, err
	}
	b := buf[headerSize:]
	sum := fnv.New64a()
	_, _ = sum.Write(b[:metaSize-8])
	m := meta{
		pageSize: int64(binary.LittleEndian.Uint32(b[8:])),
		root:     binary.LittleEndian.Uint64(b[16:]),
		freelist: binary.LittleEndian.Uint64(b[32:]),
		pages:    binary.LittleEndian.Uint64(b[40:]),
		txid:     binary.LittleEndian.Uint64(b[48:]),
	}
	switch {
	case binary.LittleEndian.Uint32(b) != magic || binary.LittleEndian.Uint32(b[4:]) != version:
		return m, damaged(Meta, offset, "no magic number of bbolt, or not version %d", version)
	case binary.LittleEndian.Uint64(b[56:]) != sum.Sum64():
		return m, damaged(Meta, offset, "wrong checksum")
	case m.pageSize < minPageSize || m.pageSize > maxPageSize || m.pageSize&(m.pageSize-1) != 0:
		return m, damaged(Meta, offset, "page size %d", m.pageSize)
	case binary.LittleEndian.Uint16(buf[8:]) != flagMeta:
		return m, damaged(Meta, offset, "page has flags %#x", binary.LittleEndian.Uint16(buf[8:]))
	}
	return m, nil
}

// readAt fills b from the file or says why not.
func (f *File) readAt(b []byte, offset int64) error {
	n, err := f.r.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("reading %d bytes at %d: %w", len(b), offset, err)
}

func isDamage(err error) bool {
	var d *DamageError
	return errors.As(err, &d)
}
