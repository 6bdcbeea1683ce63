package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
)

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	for _, size := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 3*chunkSize + 17, 20 * chunkSize} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			want := random(size)
			f := spool(t, want)
			if f.Size() != int64(size) {
				t.Fatalf("size %d, want %d", f.Size(), size)
			}
			got, err := io.ReadAll(f.Reader())
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("reading all: %v, equal %v", err, bytes.Equal(got, want))
			}
			for range 200 {
				at, n := rand.IntN(size+1), rand.IntN(3*chunkSize)
				p := make([]byte, n)
				read, err := f.ReadAt(p, int64(at))
				end := min(at+n, size)
				if read != end-at || !bytes.Equal(p[:read], want[at:end]) {
					t.Fatalf("ReadAt(%d, %d) = %d", at, n, read)
				}
				if (err == io.EOF) != (read < n) {
					t.Fatalf("ReadAt(%d, %d): error %v", at, n, err)
				}
			}
		})
	}
}

func TestReadingWhileWriting(t *testing.T) {
	want := random(30 * chunkSize)
	f := spool(t, nil)
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for f.Size() < int64(len(want)) {
				size := f.Size()
				p := make([]byte, 1000)
				n, err := f.ReadAt(p, size/2)
				if err != nil && err != io.EOF {
					t.Error(err)
					return
				}
				if !bytes.Equal(p[:n], want[size/2:][:n]) {
					t.Error("read what was not written")
					return
				}
			}
		})
	}
	for rest := want; len(rest) > 0; {
		n := min(len(rest), 1+rand.IntN(10_000))
		if _, err := f.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	readers.Wait()
}

func TestNothingInClearAndNoName(t *testing.T) {
	dir := t.TempDir()
	f, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	secret := bytes.Repeat([]byte("the secret of the cluster "), 20_000)
	if _, err := f.Write(secret); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("the file has a name: %v", entries)
	}
	onDisk, err := io.ReadAll(io.NewSectionReader(f.file, 0, 1<<30))
	if err != nil || len(onDisk) < len(secret)-chunkSize {
		t.Fatalf("%d bytes on the disk, %v", len(onDisk), err)
	}
	if bytes.Contains(onDisk, []byte("secret")) {
		t.Error("the disk holds the secret in clear")
	}
}

func TestAlteredFileIsNoticed(t *testing.T) {
	f := spool(t, random(4*chunkSize))
	if _, err := f.file.WriteAt([]byte{1, 2, 3}, 2*sealedSize+1000); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(f.Reader()); !errors.Is(err, ErrAltered) {
		t.Errorf("error %v", err)
	}
	if _, err := f.ReadAt(make([]byte, 10), 0); err != nil {
		t.Errorf("an untouched chunk: %v", err)
	}
}

func TestClosed(t *testing.T) {
	f := spool(t, random(100))
	for range 2 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Write([]byte("x")); !errors.Is(err, ErrClosed) {
		t.Errorf("write: %v", err)
	}
	if _, err := f.ReadAt(make([]byte, 1), 0); !errors.Is(err, ErrClosed) {
		t.Errorf("read: %v", err)
	}
}

func TestFailedWriteStays(t *testing.T) {
	f := spool(t, random(chunkSize))
	_ = f.file.Close()
	if _, err := f.Write(random(chunkSize)); err == nil {
		t.Fatal("written to a closed file")
	}
	if _, err := f.Write([]byte("x")); err == nil {
		t.Error("a write after a failed one")
	}
}

func BenchmarkSequential(b *testing.B) {
	f := spool(b, random(64<<20))
	b.SetBytes(f.Size())
	for b.Loop() {
		if _, err := io.Copy(io.Discard, f.Reader()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPages(b *testing.B) {
	f := spool(b, random(64<<20))
	page := make([]byte, 4096)
	for b.Loop() {
		if _, err := f.ReadAt(page, rand.Int64N(f.Size()/4096)*4096); err != nil {
			b.Fatal(err)
		}
	}
}

func spool(t testing.TB, content []byte) *File {
	t.Helper()
	f, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	return f
}

func random(n int) []byte {
	p := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(p)
	return p
}
