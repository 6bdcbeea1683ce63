package snapshot

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"strings"
)

// An index file is the magic with the format's version, the statistics as JSON, the number of keys, the keys in their order
// (each without the beginning that it shares with the one before), and the SHA-256 of all that. Numbers are varints.
const (
	indexMagic   = "kanrinix"
	indexVersion = 1
	maxStats     = 64 << 10
)

// WriteTo writes the index for ReadIndex.
func (x *Index) WriteTo(w io.Writer) (int64, error) {
	stats, err := json.Marshal(x.stats)
	if err != nil {
		return 0, fmt.Errorf("encoding the statistics of a snapshot: %w", err)
	}
	sum := sha256.New()
	counter := &counter{w: w}
	out := bufio.NewWriterSize(io.MultiWriter(counter, sum), 64<<10)
	buf := append([]byte(indexMagic), indexVersion)
	buf = binary.AppendUvarint(buf, uint64(len(stats)))
	buf = append(buf, stats...)
	buf = binary.AppendUvarint(buf, uint64(len(x.rows)))
	last := ""
	for i := range x.rows {
		e := x.At(i)
		shared := sharedPrefix(last, e.Key)
		last = e.Key
		buf = binary.AppendUvarint(buf, uint64(shared))
		buf = binary.AppendUvarint(buf, uint64(len(e.Key)-shared))
		buf = append(buf, e.Key[shared:]...)
		for _, n := range []int64{e.ModRevision, e.CreateRevision, e.Version, e.Lease, e.Offset, int64(e.Size)} {
			buf = binary.AppendUvarint(buf, uint64(n))
		}
		buf = append(buf, e.Digest[:]...)
		if _, err := out.Write(buf); err != nil {
			return counter.n, fmt.Errorf("writing index: %w", err)
		}
		buf = buf[:0]
	}
	if _, err := out.Write(buf); err != nil { // the head, when there are no keys
		return counter.n, fmt.Errorf("writing index: %w", err)
	}
	if err := out.Flush(); err != nil {
		return counter.n, fmt.Errorf("writing index: %w", err)
	}
	if _, err := counter.Write(sum.Sum(nil)); err != nil {
		return counter.n, fmt.Errorf("writing index: %w", err)
	}
	return counter.n, nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

func sharedPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// ReadIndex reads what WriteTo wrote, up to limit bytes of it. The error is or wraps a *DamageError, a *NewerError, or
// what r returned.
func ReadIndex(r io.Reader, limit int64) (*Index, error) {
	in := &reader{r: bufio.NewReaderSize(io.LimitReader(r, limit), 64<<10), sum: sha256.New(), limit: limit}
	x, err := in.index()
	if err == nil {
		err = in.err
	}
	switch {
	case errors.Is(err, io.EOF):
		return nil, damaged(damagedIndex, in.n, "index ends early, or is larger than %d bytes", limit)
	case err != nil:
		return nil, err
	}
	return x, nil
}

// reader keeps its first error, after which it gives zeros.
type reader struct {
	r     *bufio.Reader
	sum   hash.Hash
	buf   []byte // read and not yet hashed
	n     int64
	limit int64
	err   error
}

func (r *reader) index() (*Index, error) {
	head := r.bytes(nil, len(indexMagic)+1)
	if r.err != nil {
		return nil, r.err
	}
	if string(head[:len(indexMagic)]) != indexMagic || head[len(indexMagic)] == 0 {
		return nil, damaged(damagedIndex, 0, "not an index")
	}
	if v := int(head[len(indexMagic)]); v > indexVersion {
		return nil, &NewerError{Version: v}
	}
	x := &Index{}
	if err := json.Unmarshal(r.bytes(nil, r.length(maxStats)), &x.stats); err != nil && r.err == nil {
		return nil, damaged(damagedIndex, r.n, "statistics cannot be decoded")
	}
	count := r.length(math.MaxUint32 / 4)
	if r.err != nil {
		return nil, r.err
	}
	if count != x.stats.Keys {
		return nil, damaged(damagedIndex, r.n, "%d keys where the statistics say %d", count, x.stats.Keys)
	}
	x.rows = make([]row, 0, min(int64(count), r.limit/minEntry, 1<<17))
	if err := r.entries(x, count); err != nil {
		return nil, err
	}
	r.flush()
	want := r.sum.Sum(nil)
	got := r.bytes(nil, sha256.Size)
	if r.err == nil && !bytes.Equal(got, want) {
		return nil, damaged(damagedIndex, -1, "wrong checksum")
	}
	if _, err := r.r.ReadByte(); r.err == nil && !errors.Is(err, io.EOF) {
		return nil, damaged(damagedIndex, r.n, "bytes behind the end")
	}
	x.prefix = x.findPrefix()
	return x, r.err
}

// minEntry is the least that an entry takes: eight numbers, one byte of a key, the digest.
const minEntry = 8 + 1 + 16

func (r *reader) entries(x *Index, count int) error {
	var keys strings.Builder
	var key, last []byte
	for range count {
		shared := r.length(len(last))
		own := r.length(blockKeys - shared)
		key = r.bytes(append(key[:0], last[:shared]...), own)
		var e row
		e.mod, e.create, e.version = r.int64(), r.int64(), r.int64()
		id := r.int64()
		e.offset, e.size = r.int64(), uint32(r.length(maxValue))
		r.bytes(e.digest[:0], len(e.digest))
		switch {
		case r.err != nil:
			return r.err
		case bytes.Compare(last, key) >= 0:
			return damaged(damagedIndex, r.n, "keys are not in order")
		case e.mod < 1 || e.create < 1 || e.create > e.mod || e.version < 1 || e.offset < 1 || e.offset > x.stats.Size-int64(e.size):
			return damaged(damagedIndex, r.n, "impossible entry")
		case int64(keys.Len()+len(key)) > min(maxShare*r.limit, math.MaxUint32):
			return damaged(damagedIndex, r.n, "keys are too long")
		}
		x.add(&keys, key, e, id)
		last, key = key, last
	}
	x.keys = keys.String()
	return nil
}

// maxShare bounds the keys, in multiples of the file, so that keys which share all but their end cannot fill the memory.
const maxShare = 8

func (r *reader) flush() {
	r.sum.Write(r.buf)
	r.buf = r.buf[:0]
}

func (r *reader) took(b []byte) {
	r.n += int64(len(b))
	if r.buf = append(r.buf, b...); len(r.buf) > 32<<10 {
		r.flush()
	}
}

// bytes appends n bytes to b. It takes no more memory than there are bytes to read.
func (r *reader) bytes(b []byte, n int) []byte {
	for n > 0 && r.err == nil {
		var piece []byte
		if piece, r.err = r.r.Peek(min(n, r.r.Size())); r.err != nil {
			return b
		}
		b = append(b, piece...)
		r.took(piece)
		n -= len(piece)
		_, r.err = r.r.Discard(len(piece))
	}
	return b
}

func (r *reader) uvarint() uint64 {
	if r.err != nil {
		return 0
	}
	piece, err := r.r.Peek(binary.MaxVarintLen64)
	n, size := binary.Uvarint(piece)
	switch {
	case size > 0:
		r.took(piece[:size])
		_, r.err = r.r.Discard(size)
		return n
	case size < 0:
		r.err = damaged(damagedIndex, r.n, "number is too large")
	case err != nil:
		r.err = err
	default:
		r.err = damaged(damagedIndex, r.n, "number has no end")
	}
	return 0
}

func (r *reader) int64() int64 { return int64(r.uvarint()) }

// length is a number up to a limit.
func (r *reader) length(limit int) int {
	n := r.uvarint()
	if n > uint64(limit) {
		if r.err == nil {
			r.err = damaged(damagedIndex, r.n, "length %d is over %d", n, limit)
		}
		return 0
	}
	return int(n)
}
