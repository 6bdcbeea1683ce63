package boltfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// database makes a database with all shapes that there are: buckets of many pages, inline and empty ones, nested ones,
// values larger than a page, and free pages.
func database(t testing.TB, options *bolt.Options) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	db, err := bolt.Open(path, 0o600, options)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	update := func(fn func(tx *bolt.Tx) error) {
		t.Helper()
		if err := db.Update(fn); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 4 {
		update(func(tx *bolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte("key"))
			if err != nil {
				return err
			}
			for i := range 700 {
				value := bytes.Repeat([]byte{byte(i)}, random.IntN(200))
				if i%89 == 0 {
					value = bytes.Repeat([]byte{byte(i)}, random.IntN(60_000))
				}
				if err := b.Put(fmt.Appendf(nil, "%08d", i*7919%700+round*1000), value); err != nil {
					return err
				}
			}
			return nil
		})
	}
	update(func(tx *bolt.Tx) error {
		for i := range 900 {
			if err := tx.Bucket([]byte("key")).Delete(fmt.Appendf(nil, "%08d", 300+i)); err != nil {
				return err
			}
		}
		for _, name := range []string{"empty", "small", "nested"} {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		if err := tx.Bucket([]byte("small")).Put([]byte("a"), []byte("1")); err != nil {
			return err
		}
		nested := tx.Bucket([]byte("nested"))
		if err := nested.Put([]byte("plain"), []byte("value")); err != nil {
			return err
		}
		for _, name := range []string{"x", "y"} {
			inner, err := nested.CreateBucket([]byte(name))
			if err != nil {
				return err
			}
			for i := range 300 {
				if err := inner.Put(fmt.Appendf(nil, "%04d", i), bytes.Repeat([]byte("v"), 100)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// expected is what bbolt itself reads from the file.
func expected(t testing.TB, content []byte) map[string][]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	buckets := make(map[string][]string)
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			buckets[string(name)] = nil
			return b.ForEach(func(k, v []byte) error {
				if v != nil {
					buckets[string(name)] = append(buckets[string(name)], string(k)+"="+string(v))
				}
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return buckets
}

var kinds = map[string]*bolt.Options{
	"freelist":    {NoSync: true},
	"no freelist": {NoSync: true, NoFreelistSync: true},
	"page 1024":   {NoSync: true, PageSize: 1024},
	"page 65536":  {NoSync: true, PageSize: 65536},
}

func TestReadsWhatBoltReads(t *testing.T) {
	for kind, options := range kinds {
		t.Run(kind, func(t *testing.T) {
			content := database(t, options)
			f, err := Open(bytes.NewReader(content), int64(len(content)))
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := expected(t, content)
			names, err := f.Buckets(t.Context())
			if err != nil || strings.Join(names, " ") != "empty key nested small" {
				t.Fatalf("buckets %q, %v", names, err)
			}
			scanned := make(map[string]map[string]bool)
			err = f.Scan(t.Context(), func(bucket string, key, value []byte, offset int64) error {
				if !bytes.Equal(content[offset:offset+int64(len(value))], value) {
					t.Fatalf("value of %q is not at %d", key, offset)
				}
				if scanned[bucket] == nil {
					scanned[bucket] = make(map[string]bool)
				}
				scanned[bucket][string(key)+"="+string(value)] = true
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for name, entries := range want {
				var got []string
				err := f.Walk(t.Context(), []byte(name), func(key, value []byte, offset int64) error {
					if !bytes.Equal(content[offset:offset+int64(len(value))], value) {
						t.Fatalf("value of %q is not at %d", key, offset)
					}
					got = append(got, string(key)+"="+string(value))
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if strings.Join(got, "\n") != strings.Join(entries, "\n") {
					t.Errorf("bucket %s: Walk gave %d entries, bbolt %d", name, len(got), len(entries))
				}
				if len(scanned[name]) != len(entries) {
					t.Errorf("bucket %s: Scan gave %d entries, bbolt %d", name, len(scanned[name]), len(entries))
				}
				for _, e := range entries {
					if !scanned[name][e] {
						t.Errorf("bucket %s: Scan did not give %.20q", name, e)
					}
				}
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	content := database(t, &bolt.Options{NoSync: true})
	open := func(b []byte) error {
		_, err := Open(bytes.NewReader(b), int64(len(b)))
		return err
	}
	for name, b := range map[string][]byte{
		"empty": nil, "text": bytes.Repeat([]byte("text "), 2000), "zeros": make([]byte, 1<<16), "short": content[:100],
	} {
		if err := open(b); !errors.Is(err, ErrNotDatabase) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var d *DamageError
	if err := open(content[:len(content)/2]); !errors.As(err, &d) || d.What != Length {
		t.Errorf("half a file: %v", err)
	}
	for _, broken := range []int{0, 1} {
		b := bytes.Clone(content)
		b[broken*4096+headerSize+50] ^= 1
		f, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatalf("meta page %d: %v", broken, err)
		}
		if err := f.Check(t.Context()); !errors.As(err, &d) || d.What != Meta {
			t.Errorf("meta page %d: %v", broken, err)
		}
	}
	b := bytes.Clone(content)
	b[headerSize+50] ^= 1
	b[4096+headerSize+50] ^= 1
	if err := open(b); !errors.As(err, &d) || d.What != Meta {
		t.Errorf("both meta pages: %v", err)
	}
}

func TestWalk(t *testing.T) {
	content := database(t, &bolt.Options{NoSync: true})
	f, err := Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	none := func([]byte, []byte, int64) error { return nil }
	if err := f.Walk(t.Context(), []byte("absent"), none); !errors.Is(err, ErrNoBucket) {
		t.Errorf("absent bucket: %v", err)
	}
	mine := errors.New("mine")
	if err := f.Walk(t.Context(), []byte("key"), func([]byte, []byte, int64) error { return mine }); err != mine {
		t.Errorf("own error: %v", err)
	}
	if err := f.Scan(t.Context(), func(string, []byte, []byte, int64) error { return mine }); err != mine {
		t.Errorf("own error of Scan: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Walk(ctx, []byte("key"), none); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := f.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled check: %v", err)
	}
}
