package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	kopiafs "github.com/kopia/kopia/fs"
)

// Reader reads a file of a set, in order or anywhere. It is safe for concurrent use; what was read lately stays in memory.
type Reader struct {
	name string
	size int64

	mu     sync.Mutex
	file   kopiafs.Reader
	at     int64 // of Read and Seek
	blocks [readerBlocks]block
	tick   uint64
}

// Random access is served from blocks; a chunk of kopia's, which is decrypted and decompressed as a whole, has some of them.
const (
	readerBlocks = 48
	blockSize    = 512 << 10
)

type block struct {
	index int64
	used  uint64
	data  []byte
}

func (s *Set) reader(ctx context.Context, name string, file kopiafs.File) (*Reader, error) {
	f, err := file.Open(ctx)
	if err != nil {
		return nil, classified(s.name(name), "opening", err)
	}
	return &Reader{name: s.name(name), size: file.Size(), file: f}, nil
}

// Size is the size of the file in bytes.
func (r *Reader) Size() int64 { return r.size }

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := r.readAt(p, r.at)
	r.at += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// ReadAt implements io.ReaderAt.
func (r *Reader) ReadAt(p []byte, offset int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.readAt(p, offset)
}

// Seek implements io.Seeker.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return r.at, fmt.Errorf("seeking in %s: negative position", r.name)
	}
	r.at = offset
	return offset, nil
}

func (r *Reader) readAt(p []byte, offset int64) (int, error) {
	if r.file == nil {
		return 0, fmt.Errorf("reading %s: it is closed", r.name)
	}
	if offset < 0 {
		return 0, fmt.Errorf("reading %s: negative position", r.name)
	}
	read := 0
	for read < len(p) {
		at := offset + int64(read)
		if at >= r.size {
			return read, io.EOF
		}
		data, err := r.block(at / blockSize)
		if err != nil {
			return read, err
		}
		read += copy(p[read:], data[at%blockSize:])
	}
	return read, nil
}

func (r *Reader) block(index int64) ([]byte, error) {
	r.tick++
	oldest := &r.blocks[0]
	for i := range r.blocks {
		b := &r.blocks[i]
		if b.used > 0 && b.index == index {
			b.used = r.tick
			return b.data, nil
		}
		if b.used < oldest.used {
			oldest = b
		}
	}
	start := index * blockSize
	length := min(blockSize, r.size-start)
	if int64(cap(oldest.data)) < length {
		oldest.data = make([]byte, length)
	}
	oldest.used, oldest.data = 0, oldest.data[:length]
	if _, err := r.file.Seek(start, io.SeekStart); err != nil {
		return nil, classified(r.name, "reading", err)
	}
	if _, err := io.ReadFull(r.file, oldest.data); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = &Error{State: Damaged, Object: r.name, Err: io.ErrUnexpectedEOF}
		}
		return nil, classified(r.name, "reading", err)
	}
	oldest.index, oldest.used = index, r.tick
	return oldest.data, nil
}

// Close ends the use of the reader.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	for i := range r.blocks {
		clear(r.blocks[i].data)
	}
	if err != nil {
		return fmt.Errorf("closing %s: %w", r.name, err)
	}
	return nil
}
