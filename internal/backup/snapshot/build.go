package snapshot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"kanrin.dev/kanrin/internal/backup/boltfile"
)

// Options changes how a snapshot is read.
type Options struct {
	// RequireChecksum refuses a file without the SHA-256 that etcd puts at the end of a snapshot. Without it, a copy of an
	// etcd's database file is read too, and damage within values cannot be seen in that.
	RequireChecksum bool
}

const (
	hashSize = 1 << 20
	// sector is what the length of a database file is a multiple of: with a checksum behind it, it is not.
	sector = 512
	// maxValue bounds what Value reads; etcd refuses requests far smaller.
	maxValue = 128 << 20
)

// Build reads the snapshot in the first size bytes of r, checks all of it, and makes the index of the keys that are alive
// at its last revision: the checksum when it has one, each page of the database, each record of a key in it. It reads the
// file twice, each time mostly forward and in pieces of up to 1 MiB.
//
// The error is or wraps a *DamageError, ErrNotSnapshot, or what r or ctx returned.
func Build(ctx context.Context, r io.ReaderAt, size int64, o Options) (*Index, *Stats, error) {
	content := size
	tail := size % sector
	if tail == sha256.Size {
		content -= sha256.Size
	}
	f, err := boltfile.Open(r, content)
	if errors.Is(err, boltfile.ErrNotDatabase) {
		return nil, nil, fmt.Errorf("%w: %w", ErrNotSnapshot, err)
	}
	if err != nil {
		return nil, nil, err
	}
	if tail != 0 && tail != sha256.Size {
		return nil, nil, damaged(boltfile.Length, -1, "%d bytes are neither a database nor one with a checksum", size)
	}
	buckets, err := f.Buckets(ctx)
	if err != nil {
		return nil, nil, err
	}
	if !slices.Contains(buckets, "key") {
		return nil, nil, fmt.Errorf("%w: it is a bbolt database without keys of etcd", ErrNotSnapshot)
	}
	sum, err := digest(ctx, r, content)
	if err != nil {
		return nil, nil, err
	}
	sealed := tail == sha256.Size
	if sealed {
		var want [sha256.Size]byte
		if err := readFull(r, want[:], content); err != nil {
			return nil, nil, err
		}
		if want != sum {
			return nil, nil, damaged(boltfile.Checksum, -1, "SHA-256 is %x, not %x as the file says", sum, want)
		}
	} else if o.RequireChecksum {
		return nil, nil, damaged(boltfile.Checksum, -1, "there is no checksum at the end")
	}

	b := builder{table: newTable()}
	if err := f.Scan(ctx, b.entry); err != nil {
		return nil, nil, err
	}
	x := b.table.index()
	x.stats = b.finish()
	x.stats.Keys = len(x.rows)
	x.stats.Size = size
	x.stats.SHA256 = hex.EncodeToString(sum[:])
	x.stats.Checksum = sealed
	x.prefix = x.findPrefix()
	stats := x.Stats()
	return x, &stats, nil
}

// digest is the SHA-256 of the first n bytes.
func digest(ctx context.Context, r io.ReaderAt, n int64) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	buf := make([]byte, min(hashSize, n))
	for at := int64(0); at < n; at += int64(len(buf)) {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		buf = buf[:min(int64(len(buf)), n-at)]
		if err := readFull(r, buf, at); err != nil {
			return sum, err
		}
		h.Write(buf)
	}
	h.Sum(sum[:0])
	return sum, nil
}

func readFull(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("reading %d bytes of the snapshot at %d: %w", len(b), at, err)
}

// Value reads a value from the snapshot that the entry's index was made of.
func Value(r io.ReaderAt, e Entry) ([]byte, error) {
	if e.Size < 0 || e.Size > maxValue || e.Offset < 0 {
		return nil, damaged(damagedIndex, -1, "entry of %q has offset %d and size %d", e.Key, e.Offset, e.Size)
	}
	b := make([]byte, e.Size)
	if err := readFull(r, b, e.Offset); err != nil {
		return nil, err
	}
	if valueDigest(b) != e.Digest {
		return nil, damaged(boltfile.Value, e.Offset, "value of %q is not the one that was indexed", e.Key)
	}
	return b, nil
}

// valueDigest is the first half of a value's SHA-256.
func valueDigest(b []byte) [16]byte {
	sum := sha256.Sum256(b)
	return [16]byte(sum[:16])
}
