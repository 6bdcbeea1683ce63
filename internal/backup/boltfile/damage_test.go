package boltfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// use does with a file all that the package can.
func use(t testing.TB, content []byte) error {
	f, err := Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return err
	}
	total := 0
	count := func(key, value []byte, offset int64) error {
		total += len(key) + len(value)
		if offset < 0 || offset+int64(len(value)) > int64(len(content)) {
			t.Fatalf("value of %d bytes at %d in a file of %d", len(value), offset, len(content))
		}
		return nil
	}
	walked := f.Walk(t.Context(), []byte("key"), count)
	if total > len(content) {
		t.Fatalf("walked %d bytes in a file of %d", total, len(content))
	}
	total = 0
	err = f.Scan(t.Context(), func(_ string, key, value []byte, offset int64) error { return count(key, value, offset) })
	if total > len(content) {
		t.Fatalf("scanned %d bytes in a file of %d", total, len(content))
	}
	if err == nil && walked != nil && !errors.Is(walked, ErrNoBucket) {
		t.Fatalf("Check finds nothing, Walk does: %v", walked)
	}
	return err
}

func TestFlippedBytes(t *testing.T) {
	content := database(t, &bolt.Options{NoSync: true, PageSize: 1024})
	random := rand.New(rand.NewPCG(3, 4))
	found := 0
	for range 200 {
		at, old := random.IntN(len(content)), byte(0)
		old, content[at] = content[at], content[at]^byte(1+random.IntN(255))
		if use(t, content) != nil {
			found++
		}
		content[at] = old
	}
	t.Logf("damage of %d of 200 bytes is found by the structure alone", found)
}

// What a page says of itself and where its entries are must be right, on each page that is used.
func TestFlippedHeaders(t *testing.T) {
	content := database(t, &bolt.Options{NoSync: true})
	f, err := Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	var pages []int64 // of the leaves in use
	err = f.Scan(t.Context(), func(_ string, _, _ []byte, at int64) error {
		page := at / f.pageSize * f.pageSize
		if h := parseHeader(content[page:]); h.id == uint64(page/f.pageSize) && h.flags == flagLeaf && h.count > 1 {
			pages = append(pages, page)
		}
		return nil
	})
	if err != nil || len(pages) == 0 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	random := rand.New(rand.NewPCG(7, 8))
	for range 200 {
		page := pages[random.IntN(len(pages))]
		entry := random.IntN(parseHeader(content[page:]).count)
		for _, at := range []int64{0, 8, 12, headerSize + elementSize*int64(entry) + 4} { // id, flags, overflow, place of an entry
			at += page + int64(random.IntN(2))
			bit := byte(1) << random.IntN(8)
			content[at] ^= bit
			if use(t, content) == nil {
				t.Errorf("byte %d of page %d: damage is not found", at-page, page/f.pageSize)
			}
			content[at] ^= bit
		}
	}
}

func TestTruncated(t *testing.T) {
	content := database(t, &bolt.Options{NoSync: true})
	f, err := Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		n := random.IntN(int(f.Size()))
		if use(t, content[:n]) == nil {
			t.Errorf("first %d bytes of %d pass", n, f.Size())
		}
	}
}

// A page that is its own child, or a child of two, must not be followed for ever.
func TestLoops(t *testing.T) {
	content := database(t, &bolt.Options{NoSync: true, PageSize: 1024})
	f, err := Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	branches := 0
	for page := uint64(2); page < f.pages; page++ {
		at := int64(page) * f.pageSize
		h := parseHeader(content[at:])
		if h.id != page || h.flags != flagBranch {
			continue
		}
		branches++
		for _, target := range []uint64{page, f.root, 2, 0, f.pages, 1 << 63} {
			b := bytes.Clone(content)
			binary.LittleEndian.PutUint64(b[at+headerSize+8:], target)
			_ = use(t, b) // of a free page it is no damage
		}
	}
	if branches == 0 {
		t.Fatal("no branch page in the file")
	}
}

// tiny is a database of a few small pages, with a branch, a leaf that is larger than a page, and nested buckets.
func tiny(t testing.TB, options *bolt.Options) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	db, err := bolt.Open(path, 0o600, options)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte("key"))
		if err != nil {
			return err
		}
		for i := range 40 {
			err = errors.Join(err, b.Put([]byte{'k', byte(i)}, bytes.Repeat([]byte{'v'}, 40)))
		}
		err = errors.Join(err, b.Put([]byte("large"), bytes.Repeat([]byte("x"), 1500)))
		outer, failed := tx.CreateBucket([]byte("outer"))
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		inner, failed := outer.CreateBucket([]byte("inner"))
		return errors.Join(failed, inner.Put([]byte("a"), []byte("b")))
	})
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	return content[:f.Size()]
}

func FuzzFile(f *testing.F) {
	f.Add(tiny(f, &bolt.Options{NoSync: true, PageSize: 1024}))
	f.Add(tiny(f, &bolt.Options{NoSync: true, PageSize: 1024, NoFreelistSync: true}))
	f.Add(make([]byte, 8<<10))
	f.Fuzz(func(t *testing.T, content []byte) {
		// A meta page with a wrong checksum ends the work too early to find anything, so it is made right.
		for _, at := range []int{0, 1024} {
			if len(content) >= at+headerSize+metaSize {
				seal(content[at+headerSize:])
			}
		}
		_ = use(t, content)
	})
}
