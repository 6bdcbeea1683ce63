package repository

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/kopia/kopia/repo/blob"
)

func compressed(t testing.TB, plain []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestInventoryRoundTrip(t *testing.T) {
	want := map[blob.ID]sealedBlob{"p1": {Size: 1, SHA256: [32]byte{1}}, "kopia.repository": {Size: 1 << 40}}
	data, err := encodeInventory(want)
	if err != nil {
		t.Fatal(err)
	}
	got := map[blob.ID]sealedBlob{}
	if err := decodeInventory(data, got); err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

func FuzzInventory(f *testing.F) {
	good, err := encodeInventory(map[blob.ID]sealedBlob{"p1": {Size: 1}, "q2": {Size: 2}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(compressed(f, []byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}))
	f.Add(compressed(f, []byte{1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) { _ = decodeInventory(data, map[blob.ID]sealedBlob{}) })
}

func FuzzListing(f *testing.F) {
	var out bytes.Buffer
	l := listing{[]line{{TypeFile, 0o4640, 3, "ab", "a b\n\"c"}, {TypeDirectory, 0o755, 0, "-", "ü"}}}
	if _, err := l.write(&out); err != nil {
		f.Fatal(err)
	}
	f.Add(out.String())
	f.Add("f 0640 -1 x y")
	f.Add("f 99999999999 1 x y")
	f.Add(`f 0640 1 x "unclosed`)
	f.Fuzz(func(t *testing.T, text string) {
		read, err := readListing(strings.NewReader(text))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if _, err := read.write(&again); err != nil {
			t.Fatal(err)
		}
		second, err := readListing(&again)
		if err != nil || !slices.Equal(second.lines, read.lines) {
			t.Errorf("%+v became %+v, %v", read.lines, second, err)
		}
	})
}
