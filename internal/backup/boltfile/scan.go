package boltfile

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"slices"
)

const (
	readSize = 1 << 20  // at most this much is read at once, larger pages aside
	readGap  = 64 << 10 // pages this far apart are read together with what is between them
)

// Scan calls fn with the keys and values of all buckets at the top, in the order in which they lie in the file and not in
// that of their keys, and checks the whole file as Check does. It reads the file mostly forward and in large pieces, which
// suits a file in a repository. What fn gets is valid during the call only, even when Scan then fails; an error of fn ends
// the scan and is returned as it is. Buckets in buckets are checked and left out.
func (f *File) Scan(ctx context.Context, fn func(bucket string, key, value []byte, valueOffset int64) error) error {
	if f.metaErr != nil {
		return f.metaErr
	}
	s := &scan{f: f, fn: fn, used: newPageSet(f.pages), buckets: []place{{}}}
	s.next = append(s.next, job{page: uint32(f.root)})
	for depth := 0; len(s.next) > 0; depth++ {
		if depth > maxDepth*maxNesting {
			return damaged(Page, -1, "trees are deeper than %d", depth)
		}
		if err := s.level(ctx); err != nil {
			return err
		}
	}
	return f.checkFree(ctx, s.used)
}

// Check reads the whole database and checks it: the meta pages, that each page belongs to one tree or is free and not both,
// that pages hold what the pages above them say, and that all keys are in order.
func (f *File) Check(ctx context.Context) error {
	return f.Scan(ctx, func(string, []byte, []byte, int64) error { return nil })
}

// scan reads all trees at once, level by level from the top, each level in the order of its pages.
type scan struct {
	f       *File
	fn      func(bucket string, key, value []byte, valueOffset int64) error
	used    pageSet
	buckets []place // the first is the top itself
	// next are the pages that the level just read points to, keys what bounds them.
	next []job
	keys []byte
	buf  []byte
}

type place struct {
	name    string
	nesting int
}

// job is a page to read.
type job struct {
	page         uint32
	bucket       uint32
	lower, upper span
	depth        uint8
	hasUpper     bool
}

type span struct {
	at  uint32
	len uint32
}

func (s *scan) level(ctx context.Context) error {
	jobs, keys := s.next, s.keys
	s.next, s.keys = nil, nil
	slices.SortFunc(jobs, func(a, b job) int { return cmp.Compare(a.page, b.page) })
	for len(jobs) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		start, end := s.extent(jobs)
		s.buf = grow(s.buf[:0], int(end-start))
		if err := s.f.readAt(s.buf, start); err != nil {
			return err
		}
		done, err := s.pages(jobs, keys, start)
		if err != nil {
			return err
		}
		jobs = jobs[done:]
	}
	return nil
}

// extent is the piece of the file to read for the first jobs.
func (s *scan) extent(jobs []job) (start, end int64) {
	size := s.f.pageSize
	start = int64(jobs[0].page) * size
	end = start + size
	for _, j := range jobs[1:] {
		at := int64(j.page) * size
		if at-end > readGap || at+size-start > readSize {
			break
		}
		end = at + size
	}
	return start, end
}

// pages does the jobs whose pages are in the buffer, which was read from start, and gives their number: at least one, as
// the buffer is made larger for the first page.
func (s *scan) pages(jobs []job, keys []byte, start int64) (int, error) {
	for i, j := range jobs {
		offset := int64(j.page) * s.f.pageSize
		at := offset - start
		if at >= int64(len(s.buf)) {
			return i, nil
		}
		size, err := s.f.checkHeader(s.buf[at:], uint64(j.page))
		if err != nil {
			return 0, err
		}
		if missing := at + size - int64(len(s.buf)); missing > 0 {
			if i > 0 {
				return i, nil
			}
			have := len(s.buf)
			s.buf = grow(s.buf, have+int(missing))
			if err := s.f.readAt(s.buf[have:], start+int64(have)); err != nil {
				return 0, err
			}
		}
		if err := s.used.claim(uint64(j.page), uint64(size/s.f.pageSize), offset); err != nil {
			return 0, err
		}
		within := bounds{lower: keys[j.lower.at : j.lower.at+j.lower.len]}
		if j.hasUpper {
			within.upper = keys[j.upper.at : j.upper.at+j.upper.len]
		}
		b := s.buf[at : at+size]
		if parseHeader(b).flags == flagLeaf {
			err = leaf(b, offset, within, func(e entry) error { return s.entry(e, j.bucket) })
		} else {
			err = s.branch(b, offset, within, j)
		}
		if err != nil {
			return 0, err
		}
	}
	return len(jobs), nil
}

// branch makes jobs of the children of a branch page.
func (s *scan) branch(b []byte, offset int64, within bounds, parent job) error {
	if parent.depth == maxDepth {
		return damaged(Page, offset, "tree is deeper than %d", maxDepth)
	}
	first := len(s.next)
	err := s.f.branch(b, offset, within, func(key []byte, child uint64) error {
		own := s.keep(key)
		if n := len(s.next); n > first {
			s.next[n-1].upper, s.next[n-1].hasUpper = own, true
		}
		s.next = append(s.next, job{page: uint32(child), bucket: parent.bucket, lower: own, depth: parent.depth + 1})
		return nil
	})
	if err != nil {
		return err
	}
	if within.upper != nil {
		last := &s.next[len(s.next)-1]
		last.upper, last.hasUpper = s.keep(within.upper), true
	}
	if len(s.keys) > math.MaxUint32-maxPageBytes {
		return damaged(Page, offset, "keys of branches are too many")
	}
	return nil
}

func (s *scan) keep(key []byte) span {
	at := len(s.keys)
	s.keys = append(s.keys, key...)
	return span{uint32(at), uint32(len(key))}
}

func (s *scan) entry(e entry, bucket uint32) error {
	in := s.buckets[bucket]
	if !e.bucket {
		switch in.nesting {
		case 0:
			return damaged(Page, e.offset, "a value at the top, where only buckets may be")
		case 1:
			return s.fn(in.name, e.key, e.value, e.offset)
		}
		return nil
	}
	if in.nesting == maxNesting {
		return damaged(Page, e.offset, "buckets are nested deeper than %d", maxNesting)
	}
	page, root, err := s.f.inline(e)
	if err != nil {
		return err
	}
	inner := place{nesting: in.nesting + 1}
	if in.nesting == 0 {
		inner.name = string(bytes.Clone(e.key))
	}
	s.buckets = append(s.buckets, inner)
	n := uint32(len(s.buckets) - 1)
	if page == nil {
		s.next = append(s.next, job{page: uint32(root), bucket: n})
		return nil
	}
	return leaf(page, e.offset+bucketSize, bounds{}, func(inside entry) error {
		if inside.bucket {
			return damaged(Page, inside.offset, "a bucket in an inline bucket")
		}
		return s.entry(inside, n)
	})
}
