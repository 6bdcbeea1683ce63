package boltfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// errStop ends a walk that has found what it looks for.
var errStop = errors.New("stop")

// Walk calls fn with the keys and values of a bucket at the top, in the order of the keys, and with the place of each
// value in the file. What fn gets is valid during the call only; an error of fn ends the walk and is returned as it is.
// Only the pages of the bucket are read and checked. Buckets in the bucket are left out.
func (f *File) Walk(ctx context.Context, bucket []byte, fn func(key, value []byte, valueOffset int64) error) error {
	w := &walker{f: f, used: newPageSet(f.pages)}
	var found *entry
	err := w.tree(ctx, f.root, bounds{}, 0, func(e entry) error {
		if !bytes.Equal(e.key, bucket) || !e.bucket {
			return nil
		}
		found = &entry{value: bytes.Clone(e.value), offset: e.offset}
		return errStop
	})
	if err != nil && !errors.Is(err, errStop) {
		return err
	}
	if found == nil {
		return fmt.Errorf("%w: %q", ErrNoBucket, bucket)
	}
	each := func(e entry) error {
		if e.bucket {
			return nil
		}
		return fn(e.key, e.value, e.offset)
	}
	page, root, err := f.inline(*found)
	if err != nil {
		return err
	}
	if page != nil {
		return leaf(page, found.offset+bucketSize, bounds{}, each)
	}
	return w.tree(ctx, root, bounds{}, 0, each)
}

// Buckets gives the names of the buckets at the top, in order.
func (f *File) Buckets(ctx context.Context) ([]string, error) {
	w := &walker{f: f, used: newPageSet(f.pages)}
	var names []string
	err := w.tree(ctx, f.root, bounds{}, 0, func(e entry) error {
		names = append(names, string(e.key))
		return nil
	})
	return names, err
}

// walker goes through trees in the order of their keys, no page twice.
type walker struct {
	f    *File
	used pageSet
	bufs [maxDepth][]byte // one page for each depth
}

func (w *walker) tree(ctx context.Context, id uint64, within bounds, depth int, fn func(entry) error) error {
	offset := int64(id) * w.f.pageSize
	if depth == maxDepth {
		return damaged(Page, offset, "tree is deeper than %d", maxDepth)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := w.f.page(id, w.bufs[depth])
	if err != nil {
		return err
	}
	w.bufs[depth] = b
	h := parseHeader(b)
	if err := w.used.claim(id, 1+uint64(h.overflow), offset); err != nil {
		return err
	}
	if h.flags == flagLeaf {
		return leaf(b, offset, within, fn)
	}
	// A child's range ends where the next one begins, so each child is visited when the next one is known.
	var last struct {
		key   []byte
		child uint64
	}
	err = w.f.branch(b, offset, within, func(key []byte, child uint64) error {
		if last.key != nil {
			if err := w.tree(ctx, last.child, bounds{last.key, key}, depth+1, fn); err != nil {
				return err
			}
		}
		last.key, last.child = key, child
		return nil
	})
	if err != nil {
		return err
	}
	return w.tree(ctx, last.child, bounds{last.key, within.upper}, depth+1, fn)
}

// page reads a branch or leaf page with its overflow, into buf when it is large enough.
func (f *File) page(id uint64, buf []byte) ([]byte, error) {
	offset := int64(id) * f.pageSize
	buf = grow(buf, int(f.pageSize))
	if err := f.readAt(buf, offset); err != nil {
		return nil, err
	}
	size, err := f.checkHeader(buf, id)
	if err != nil || size == f.pageSize {
		return buf, err
	}
	buf = grow(buf, int(size))
	return buf, f.readAt(buf[f.pageSize:], offset+f.pageSize)
}

// checkHeader checks the header of a branch or leaf page and gives the page's length with its overflow.
func (f *File) checkHeader(b []byte, id uint64) (int64, error) {
	h, offset := parseHeader(b), int64(id)*f.pageSize
	switch {
	case h.id != id:
		return 0, damaged(Page, offset, "page %d says that it is page %d", id, h.id)
	case h.flags != flagBranch && h.flags != flagLeaf:
		return 0, damaged(Page, offset, "page has flags %#x", h.flags)
	case id+1+uint64(h.overflow) > f.pages:
		return 0, damaged(Page, offset, "page with %d more reaches out of the file", h.overflow)
	case (1+h.overflow)*f.pageSize > maxPageBytes:
		return 0, damaged(Page, offset, "page with %d more is too large", h.overflow)
	}
	return (1 + h.overflow) * f.pageSize, nil
}

// grow gives a slice of n bytes that begins with those of b.
func grow(b []byte, n int) []byte {
	if n <= cap(b) {
		return b[:n]
	}
	larger := make([]byte, n)
	copy(larger, b)
	return larger
}
