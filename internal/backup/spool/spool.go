package spool

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Every chunk is sealed on its own, so that any place can be read without what precedes it.
const (
	chunkSize  = 16 << 10
	sealedSize = chunkSize + 16
	cached     = 32
)

// ErrClosed is returned by every use of a closed File.
var ErrClosed = errors.New("spool is closed")

// ErrAltered says that the file on the disk is not what was written to it.
var ErrAltered = errors.New("spool file was altered")

// File is an encrypted scratch file: written by appending, read anywhere. It is safe for concurrent use.
type File struct {
	mu     sync.Mutex
	file   *os.File
	aead   cipher.AEAD
	tail   []byte // what does not fill a chunk yet; it is never on the disk
	chunks int64  // chunks on the disk
	failed error  // the first failed write: what follows it would be at the wrong place
	sealed []byte
	opened [cached]chunk
	clock  uint64
}

type chunk struct {
	index int64
	used  uint64
	data  []byte
}

// New makes an empty file in dir, which must exist and allow files of the size needed. The file loses its name at once.
func New(dir string) (*File, error) {
	file, err := os.CreateTemp(dir, ".spool-*")
	if err != nil {
		return nil, fmt.Errorf("making spool file: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("unlinking spool file: %w", err)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	block, err := aes.NewCipher(key)
	clear(key)
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("preparing spool cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("preparing spool cipher: %w", err)
	}
	return &File{file: file, aead: aead, tail: make([]byte, 0, chunkSize), sealed: make([]byte, 0, sealedSize)}, nil
}

// Write appends p. After an error nothing more can be written; what was written before stays readable.
func (f *File) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return 0, ErrClosed
	}
	if f.failed != nil {
		return 0, f.failed
	}
	written := 0
	for len(p) > 0 {
		n := min(len(p), chunkSize-len(f.tail))
		f.tail = append(f.tail, p[:n]...)
		p, written = p[n:], written+n
		if len(f.tail) < chunkSize {
			break
		}
		if err := f.flush(); err != nil {
			f.failed = err
			return written, err
		}
	}
	return written, nil
}

func (f *File) flush() error {
	f.sealed = f.aead.Seal(f.sealed[:0], nonce(f.chunks), f.tail, nil)
	if _, err := f.file.WriteAt(f.sealed, f.chunks*sealedSize); err != nil {
		return fmt.Errorf("writing spool file: %w", err)
	}
	f.chunks++
	f.tail = f.tail[:0]
	return nil
}

// A chunk is written once only and the key is the file's own: its number is a nonce that never comes twice.
func nonce(index int64) []byte {
	n := make([]byte, 12)
	binary.BigEndian.PutUint64(n[4:], uint64(index))
	return n
}

// Size is the number of bytes written.
func (f *File) Size() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size()
}

func (f *File) size() int64 { return f.chunks*chunkSize + int64(len(f.tail)) }

// ReadAt implements io.ReaderAt.
func (f *File) ReadAt(p []byte, offset int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return 0, ErrClosed
	}
	if offset < 0 {
		return 0, errors.New("reading spool file: negative offset")
	}
	read := 0
	for read < len(p) {
		at := offset + int64(read)
		if at >= f.size() {
			return read, io.EOF
		}
		data, err := f.chunk(at / chunkSize)
		if err != nil {
			return read, err
		}
		read += copy(p[read:], data[at%chunkSize:])
	}
	return read, nil
}

// chunk returns the bytes of one chunk, from memory when it was read lately.
func (f *File) chunk(index int64) ([]byte, error) {
	if index == f.chunks {
		return f.tail, nil
	}
	f.clock++
	oldest := &f.opened[0]
	for i := range f.opened {
		c := &f.opened[i]
		if c.used > 0 && c.index == index {
			c.used = f.clock
			return c.data, nil
		}
		if c.used < oldest.used {
			oldest = c
		}
	}
	sealed := f.sealed[:sealedSize]
	if _, err := f.file.ReadAt(sealed, index*sealedSize); err != nil {
		return nil, fmt.Errorf("reading spool file: %w", err)
	}
	oldest.used = 0
	data, err := f.aead.Open(oldest.data[:0], nonce(index), sealed, nil)
	if err != nil {
		return nil, ErrAltered
	}
	*oldest = chunk{index: index, used: f.clock, data: data}
	return data, nil
}

// Reader reads the file from its beginning to its present end.
func (f *File) Reader() *io.SectionReader { return io.NewSectionReader(f, 0, f.Size()) }

// Close gives the space back. Closing twice is no error.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	clear(f.tail[:cap(f.tail)])
	for i := range f.opened {
		clear(f.opened[i].data)
	}
	f.file = nil
	if err != nil {
		return fmt.Errorf("closing spool file: %w", err)
	}
	return nil
}
