package snapshot

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	bolt "go.etcd.io/bbolt"
	mvccpb "go.etcd.io/etcd/api/v3/mvccpb"
)

func tryBuild(ctx context.Context, b []byte) error {
	_, _, err := Build(ctx, bytes.NewReader(b), int64(len(b)), Options{})
	return err
}

// Each damage of a snapshot must be found; in a copied database file, which has no checksum, damage may pass for another
// content, but must do no harm.
func TestDamage(t *testing.T) {
	m := startEtcd(t)
	m.fill(t)
	file := m.snapshot(t)
	random := rand.New(rand.NewPCG(1, 2))
	copied := file[:len(file)-32]
	if err := errors.Join(tryBuild(t.Context(), file), tryBuild(t.Context(), copied)); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	unseen := 0
	for round := range 1000 {
		at, flip := random.IntN(len(file)), byte(1+random.IntN(255))
		file[at] ^= flip
		var d *DamageError
		if err := tryBuild(t.Context(), file); !errors.As(err, &d) {
			t.Errorf("byte %d of %d: %v", at, len(file), err)
		}
		if at < len(copied) {
			measure := round%20 == 0 // it takes longer than the rest
			if measure {
				runtime.ReadMemStats(&before)
			}
			if tryBuild(t.Context(), copied) == nil {
				unseen++
			}
			if measure {
				runtime.ReadMemStats(&after)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > uint64(4*len(file)+16<<20) {
				t.Errorf("byte %d: %d bytes of memory for a file of %d", at, got, len(file))
			}
		}
		file[at] ^= flip
	}
	t.Logf("%d of 1000 damaged bytes pass in a file without a checksum", unseen)
	for range 100 {
		n := random.IntN(len(file))
		if err := tryBuild(t.Context(), file[:n]); err == nil {
			t.Errorf("%d of %d bytes pass", n, len(file))
		}
		if _, _, err := Build(t.Context(), bytes.NewReader(file), int64(n), Options{}); err == nil {
			t.Errorf("size of %d of %d bytes passes", n, len(file))
		}
	}
	// Whole sectors and pages are the likeliest cuts. Without the checksum, the file is one that never had it.
	for n := len(copied) - len(copied)%512; n > 0; n -= 512 * (1 + random.IntN(200)) {
		if n < len(copied) && tryBuild(t.Context(), file[:n]) == nil {
			t.Errorf("%d of %d bytes pass", n, len(file))
		}
	}
	_, _, err := Build(t.Context(), bytes.NewReader(copied), int64(len(copied)), Options{RequireChecksum: true})
	var d *DamageError
	if !errors.As(err, &d) {
		t.Errorf("a cut off checksum passes where it is required: %v", err)
	}
}

func TestValueFindsDamage(t *testing.T) {
	file := makeSnapshot(t, func(put func(main, sub int64, tomb bool, record []byte)) {
		put(2, 0, false, keyValueRecord("/registry/secrets/a/b", 2, 2, 1, "value"))
	}, nil)
	x, _, err := Build(t.Context(), bytes.NewReader(file), int64(len(file)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := x.At(0)
	if v, err := Value(bytes.NewReader(file), e); err != nil || string(v) != "value" {
		t.Fatalf("%q, %v", v, err)
	}
	file[e.Offset] ^= 1
	var d *DamageError
	if _, err := Value(bytes.NewReader(file), e); !errors.As(err, &d) {
		t.Errorf("damaged value: %v", err)
	}
	for _, bad := range []Entry{{Size: -1}, {Offset: -1}, {Size: 1<<31 - 1}} {
		if _, err := Value(bytes.NewReader(file), bad); !errors.As(err, &d) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if _, err := Value(bytes.NewReader(file[:e.Offset]), e); err == nil {
		t.Error("a value outside the file is read")
	}
}

func keyValueRecord(key string, create, mod, version int64, value string) []byte {
	kv := mvccpb.KeyValue{Key: []byte(key), CreateRevision: create, ModRevision: mod, Version: version, Value: []byte(value)}
	b, err := marshal(&kv)
	if err != nil {
		panic(err)
	}
	return b
}

// makeSnapshot writes a database as etcd would, but with any records. It has no checksum.
func makeSnapshot(t testing.TB, fill func(put func(main, sub int64, tomb bool, record []byte)), more func(tx *bolt.Tx) error) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoSync: true, NoFreelistSync: true, PageSize: 1024})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		keys, err := tx.CreateBucket([]byte("key"))
		if err != nil {
			return err
		}
		var failed error
		fill(func(main, sub int64, tomb bool, record []byte) {
			key := binary.BigEndian.AppendUint64(nil, uint64(main))
			key = binary.BigEndian.AppendUint64(append(key, '_'), uint64(sub))
			if tomb {
				key = append(key, 't')
			}
			failed = errors.Join(failed, keys.Put(key, record))
		})
		if more != nil {
			failed = errors.Join(failed, more(tx))
		}
		return failed
	})
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRecords(t *testing.T) {
	good := keyValueRecord("a", 2, 3, 2, "value")
	for name, tt := range map[string]struct {
		main, sub int64
		tomb      bool
		record    []byte
		ok        bool
	}{
		"as it should be":     {3, 0, false, good, true},
		"tombstone":           {3, 1, true, []byte("\x0a\x01a"), true},
		"raised revision":     {9, 0, false, nil, true},
		"field of the future": {3, 0, false, append(bytes.Clone(good), 0x38, 1), true},
		"other revision":      {4, 0, false, good, false},
		"created later":       {3, 0, false, keyValueRecord("a", 4, 3, 2, ""), false},
		"never created":       {3, 0, false, keyValueRecord("a", 0, 3, 2, ""), false},
		"no version":          {3, 0, false, keyValueRecord("a", 2, 3, 0, ""), false},
		"no key":              {3, 0, false, keyValueRecord("", 2, 3, 2, ""), false},
		"cut":                 {3, 0, false, good[:len(good)-1], false},
		"twice":               {3, 0, false, append(bytes.Clone(good), good...), false},
		"wrong type":          {3, 0, false, append([]byte("\x08\x01"), good...), false},
		"negative":            {-3, 0, false, good, false},
		"no protobuf":         {3, 0, false, []byte{0xff}, false},
		"long key":            {3, 0, false, keyValueRecord(string(make([]byte, blockKeys+1)), 2, 3, 2, ""), false},
	} {
		b := makeSnapshot(t, func(put func(int64, int64, bool, []byte)) { put(tt.main, tt.sub, tt.tomb, tt.record) }, nil)
		err := tryBuild(t.Context(), b)
		var d *DamageError
		if tt.ok != (err == nil) || err != nil && !errors.As(err, &d) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStats(t *testing.T) {
	number := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	rev := func(main byte) []byte { return append([]byte{0, 0, 0, 0, 0, 0, 0, main, '_'}, make([]byte, 8)...) }
	for name, tt := range map[string]struct {
		meta  map[string][]byte
		alarm []byte
		want  string
		bad   bool
	}{
		"3.4": {map[string][]byte{"consistent_index": number(7), "finishedCompactRev": rev(1), "scheduledCompactRev": rev(2)}, nil, "3.4 7 0 2 []", false},
		"3.5": {map[string][]byte{"consistent_index": number(7), "term": number(3), "confState": []byte("{}")}, []byte("\x08\x05\x10\x01"), "3.5 7 3 0 [NOSPACE]", false},
		"3.6": {map[string][]byte{"term": number(3), "storageVersion": []byte("3.6.0")}, []byte("\x08\x05\x10\x02"), "3.6 0 3 0 [CORRUPT]", false},

		"short index":    {map[string][]byte{"consistent_index": {1}}, nil, "", true},
		"long version":   {map[string][]byte{"storageVersion": make([]byte, 1000)}, nil, "", true},
		"odd compaction": {map[string][]byte{"finishedCompactRev": {1}}, nil, "", true},
		"odd alarm":      {nil, []byte{0xff}, "", true},
	} {
		b := makeSnapshot(t, func(put func(int64, int64, bool, []byte)) { put(3, 0, false, keyValueRecord("a", 2, 3, 2, "")) },
			func(tx *bolt.Tx) error {
				meta, err := tx.CreateBucket([]byte("meta"))
				if err != nil {
					return err
				}
				for k, v := range tt.meta {
					err = errors.Join(err, meta.Put([]byte(k), v))
				}
				if tt.alarm != nil {
					alarms, failed := tx.CreateBucket([]byte("alarm"))
					err = errors.Join(err, failed, alarms.Put(tt.alarm, nil))
				}
				return err
			})
		_, s, err := Build(t.Context(), bytes.NewReader(b), int64(len(b)), Options{})
		if err != nil {
			if !tt.bad {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if got := fmt.Sprint(s.Version, " ", s.ConsistentIndex, " ", s.Term, " ", s.CompactRevision, " ", s.Alarms); got != tt.want || tt.bad {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestNotSnapshot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("photos")); return err })
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"empty": nil, "text": bytes.Repeat([]byte("text"), 10_000), "other database": other} {
		if err := tryBuild(t.Context(), b); !errors.Is(err, ErrNotSnapshot) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	good := makeSnapshot(t, func(func(int64, int64, bool, []byte)) {}, nil)
	if err := tryBuild(ctx, good); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if x, s := build(t, good); x.Len() != 0 || s.Revision != 1 {
		t.Errorf("empty key space: %d keys, %+v", x.Len(), s)
	}
}

func FuzzKeyValue(f *testing.F) {
	f.Add(keyValueRecord("a", 2, 3, 2, "value"))
	f.Fuzz(func(t *testing.T, b []byte) {
		kv, err := parseKeyValue(b)
		if err == nil && kv.value != nil && !bytes.Equal(b[kv.valueAt:kv.valueAt+len(kv.value)], kv.value) {
			t.Error("value is not at its place")
		}
		_, _ = parseRevision(b)
		_, _ = alarm(b)
	})
}

func FuzzBuild(f *testing.F) {
	file := makeSnapshot(f, func(put func(int64, int64, bool, []byte)) {
		for i := range int64(30) {
			put(2+i, 0, false, keyValueRecord(fmt.Sprintf("/registry/pods/a/%d", i), 2+i, 2+i, 1, "value"))
		}
		put(40, 0, true, []byte("\x0a\x12/registry/pods/a/1"))
	}, func(tx *bolt.Tx) error {
		meta, err := tx.CreateBucket([]byte("meta"))
		if err != nil {
			return err
		}
		return errors.Join(meta.Put([]byte("consistent_index"), make([]byte, 8)), meta.Put([]byte("storageVersion"), []byte("3.6.0")))
	})
	f.Add(file[:12<<10])
	f.Fuzz(func(t *testing.T, b []byte) {
		x, stats, err := Build(t.Context(), bytes.NewReader(b), int64(len(b)), Options{})
		if err != nil {
			return
		}
		if x.Len() != stats.Keys || stats.Keys > stats.Revisions {
			t.Errorf("%d keys, %+v", x.Len(), stats)
		}
		for e := range x.Prefix("") {
			if _, err := Value(bytes.NewReader(b), e); err != nil {
				t.Error(err)
			}
			_, _ = x.Name(e.Key)
		}
		if _, err := ReadIndex(bytes.NewReader(written(t, x)), 1<<30); err != nil {
			t.Error(err)
		}
	})
}
