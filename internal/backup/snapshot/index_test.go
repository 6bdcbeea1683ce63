package snapshot

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// made is an index of made up keys.
func made(keys ...string) *Index {
	t := newTable()
	for i, key := range keys {
		r, _ := t.record([]byte(key))
		r.mod, r.create, r.version, r.offset, r.size = int64(i+10), int64(i+1), 1, int64(i+1), 0
		r.lease = int64(i % 3)
		r.digest[0] = byte(i)
	}
	x := t.index()
	x.stats = Stats{Revision: 100, Keys: x.Len(), Size: 1 << 20, Version: "3.6", Alarms: []string{"NOSPACE"}}
	x.prefix = x.findPrefix()
	return x
}

func written(t testing.TB, x *Index) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := x.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("wrote %d of %d: %v", n, b.Len(), err)
	}
	return b.Bytes()
}

func TestIndexFile(t *testing.T) {
	var keys []string
	for i := range 5000 {
		keys = append(keys, fmt.Sprintf("/registry/pods/ns-%d/%d", i%7, i*7919%5000))
	}
	keys = append(keys, strings.Repeat("long", 50_000))
	for _, x := range []*Index{made(), made("a"), made(keys...)} {
		b := written(t, x)
		y, err := ReadIndex(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(x.Stats()) != fmt.Sprint(y.Stats()) || x.Len() != y.Len() || x.KeyPrefix() != y.KeyPrefix() {
			t.Fatalf("wrote %+v, read %+v", x.Stats(), y.Stats())
		}
		for i := range x.Len() {
			if x.At(i) != y.At(i) {
				t.Fatalf("wrote %+v, read %+v", x.At(i), y.At(i))
			}
		}
		if _, err := ReadIndex(bytes.NewReader(b), int64(len(b)-1)); err == nil {
			t.Error("limit is not kept")
		}
		for range 100 {
			at := rand.IntN(len(b))
			old := b[at]
			b[at] ^= 1 << rand.IntN(8)
			if _, err := ReadIndex(bytes.NewReader(b), 1<<30); err == nil {
				t.Errorf("damage of byte %d is not found", at)
			}
			b[at] = old
			if _, err := ReadIndex(bytes.NewReader(b[:at]), 1<<30); err == nil {
				t.Errorf("first %d bytes are an index", at)
			}
		}
		if _, err := ReadIndex(bytes.NewReader(append(b, 0)), 1<<30); err == nil {
			t.Error("a byte more is not found")
		}
		b[len(indexMagic)] = 2
		var newer *NewerError
		if _, err := ReadIndex(bytes.NewReader(b), 1<<30); !errors.As(err, &newer) || newer.Version != 2 {
			t.Errorf("index of a later version: %v", err)
		}
	}
}

func TestPrefix(t *testing.T) {
	x := made("c", "a/2", "b", "a/1", "a", "a0")
	for p, want := range map[string]string{"": "[a a/1 a/2 a0 b c]", "a": "[a a/1 a/2 a0]", "a/": "[a/1 a/2]", "d": "[]", "aa": "[]"} {
		got := []string{}
		for e := range x.Prefix(p) {
			got = append(got, e.Key)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("prefix %q gives %v, not %s", p, got, want)
		}
	}
	for range x.Prefix("") {
		break
	}
}

func TestDiff(t *testing.T) {
	from, to := made("same", "gone", "written", "changed", "anew"), made("same", "new", "written", "changed", "anew")
	change := func(key string, fn func(r *row)) { fn(&to.rows[to.from(key)]) }
	change("written", func(r *row) { r.mod = 99 })
	change("changed", func(r *row) { r.mod, r.digest[3] = 98, 1 })
	change("anew", func(r *row) { r.create, r.mod = 97, 97 })
	var got []string
	for c := range Diff(from, to) {
		got = append(got, fmt.Sprintf("%s %s %d %d", c.Type, c.Key, c.From.ModRevision, c.To.ModRevision))
	}
	want := "Recreated anew 14 97, Changed changed 13 98, Removed gone 11 0, Added new 0 11, Rewritten written 12 99"
	if strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
	for range Diff(from, to) {
		break
	}
}

func FuzzReadIndex(f *testing.F) {
	for _, x := range []*Index{made(), made("/registry/pods/a/b", "/registry/pods/a/c", "z")} {
		b := written(f, x)
		f.Add(b[:len(b)-sha256.Size])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		sum := sha256.Sum256(b) // without it, nothing would be read
		b = append(b, sum[:]...)
		x, err := ReadIndex(bytes.NewReader(b), 1<<20)
		if err != nil {
			return
		}
		again, err := ReadIndex(bytes.NewReader(written(t, x)), 1<<30)
		if err != nil || again.Len() != x.Len() {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		for i := range x.Len() {
			if x.At(i) != again.At(i) {
				t.Fatalf("read %+v, then %+v", x.At(i), again.At(i))
			}
			_, _ = x.Name(x.At(i).Key)
		}
		_ = x.Resources()
	})
}
