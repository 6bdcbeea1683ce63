package snapshot

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
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
	b, err := io.ReadAll(io.LimitReader(r, limit))
	if err != nil {
		return nil, fmt.Errorf("reading index: %w", err)
	}
	d := &decoder{b: b, size: len(b)}
	head := d.bytes(len(indexMagic) + 1)
	switch {
	case d.err != nil || string(head[:len(indexMagic)]) != indexMagic || head[len(indexMagic)] == 0:
		return nil, damaged(damagedIndex, 0, "not an index")
	case head[len(indexMagic)] > indexVersion:
		return nil, &NewerError{Version: int(head[len(indexMagic)])}
	}
	content := len(b) - sha256.Size
	if content < len(head) || sha256.Sum256(b[:content]) != [sha256.Size]byte(b[content:]) {
		return nil, damaged(damagedIndex, -1, "wrong checksum, or more than %d bytes", limit)
	}
	d.b = d.b[:content-len(head)]
	d.size = content
	x := &Index{}
	if json.Unmarshal(d.bytes(d.length(maxStats)), &x.stats) != nil && d.err == nil {
		return nil, damaged(damagedIndex, d.at(), "statistics cannot be decoded")
	}
	count := d.length(len(b) / minEntry)
	if d.err == nil && count != x.stats.Keys {
		return nil, damaged(damagedIndex, d.at(), "%d keys where the statistics say %d", count, x.stats.Keys)
	}
	d.entries(x, count)
	if d.err != nil {
		return nil, d.err
	}
	if len(d.b) > 0 {
		return nil, damaged(damagedIndex, d.at(), "bytes behind the end")
	}
	x.prefix = x.findPrefix()
	return x, nil
}

const (
	// minEntry is the least that an entry takes: eight numbers, one byte of a key, the digest.
	minEntry = 8 + 1 + 16
	// maxShare bounds the keys, in multiples of the file, so that keys which share all but their end cannot fill the memory.
	maxShare = 8
)

// decoder takes an index apart. It keeps its first error, after which it gives zeros.
type decoder struct {
	b    []byte // what is left
	size int    // of all
	err  error
}

func (d *decoder) at() int64 { return int64(d.size - len(d.b)) }

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = damaged(damagedIndex, d.at(), format, args...)
		d.b = nil
	}
}

func (d *decoder) entries(x *Index, count int) {
	if d.err != nil {
		return
	}
	x.rows = make([]row, 0, count)
	var keys strings.Builder
	var key []byte
	for range count {
		shared := d.length(len(key))
		own := d.bytes(d.length(blockKeys - shared))
		// The keys ascend when what a key does not share with the one before is above the rest of that.
		if d.err == nil && bytes.Compare(own, key[shared:]) <= 0 {
			d.fail("keys are not in order")
		}
		key = append(key[:shared], own...)
		var e row
		e.mod, e.create, e.version = d.int64(), d.int64(), d.int64()
		id := d.int64()
		e.offset, e.size = d.int64(), uint32(d.length(maxValue))
		copy(e.digest[:], d.bytes(len(e.digest)))
		if e.mod < 1 || e.create < 1 || e.create > e.mod || e.version < 1 || e.offset < 1 || e.offset > x.stats.Size-int64(e.size) {
			d.fail("impossible entry")
		}
		if int64(keys.Len()+len(key)) > min(maxShare*int64(d.size), math.MaxUint32) {
			d.fail("keys are too long")
		}
		if d.err != nil {
			return
		}
		x.add(&keys, key, e, id)
	}
	x.keys = keys.String()
}

func (d *decoder) bytes(n int) []byte {
	if n > len(d.b) {
		d.fail("index ends early")
		n = 0
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 {
		d.fail("not a number")
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) int64() int64 { return int64(d.uvarint()) }

// length is a number up to a limit.
func (d *decoder) length(limit int) int {
	n := d.uvarint()
	if n > uint64(limit) {
		d.fail("length %d is over %d", n, limit)
		return 0
	}
	return int(n)
}
