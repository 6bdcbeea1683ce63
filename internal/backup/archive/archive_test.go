package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type entry struct {
	name, link, body string
	kind             byte
	mode             int64
}

func file(name, body string) entry { return entry{name: name, body: body, kind: tar.TypeReg} }
func dir(name string) entry        { return entry{name: name, kind: tar.TypeDir} }
func symlink(name, to string) entry {
	return entry{name: name, link: to, kind: tar.TypeSymlink}
}

func hardlink(name, to string) entry {
	return entry{name: name, link: to, kind: tar.TypeLink}
}

func stream(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		if e.mode == 0 {
			e.mode = 0o755
		}
		h := &tar.Header{Name: e.name, Linkname: e.link, Typeflag: e.kind, Mode: e.mode, Size: int64(len(e.body)), ModTime: day}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// extract unpacks into a directory beside which lie things that must stay as they are.
func extract(t *testing.T, data []byte, limits Limits) (string, Stats, error) {
	t.Helper()
	top := t.TempDir()
	in := filepath.Join(top, "in")
	for name, content := range map[string]string{"beside/file": "untouched", "passwd": "untouched"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(top, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(top, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(in, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(in)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	stats, err := Extract(context.Background(), bytes.NewReader(data), root, limits)
	for _, name := range []string{"beside/file", "passwd"} {
		if got, _ := os.ReadFile(filepath.Join(top, name)); string(got) != "untouched" {
			t.Errorf("%s was touched: %q", name, got)
		}
	}
	if entries, _ := os.ReadDir(top); len(entries) != 3 {
		t.Errorf("beside the directory: %v", entries)
	}
	if entries, _ := os.ReadDir(filepath.Join(top, "beside")); len(entries) != 1 {
		t.Errorf("in the directory beside: %v", entries)
	}
	return in, stats, err
}

func TestExtract(t *testing.T) {
	data := stream(
		t, dir("./"), entry{name: "./a/", kind: tar.TypeDir, mode: 0o555}, file("a/b/file", "content"), symlink("a/to", "b/file"),
		hardlink("a/hard", "a/b/file"), entry{name: "setuid", kind: tar.TypeReg, mode: 0o4755}, symlink("up/down", "../a/b"),
	)
	in, stats, err := extract(t, data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if stats != (Stats{Files: 2, Directories: 1, Links: 3, Bytes: 7}) {
		t.Errorf("stats %+v", stats)
	}
	for _, name := range []string{"a/b/file", "a/to", "a/hard", "up/down/file"} {
		if got, err := os.ReadFile(filepath.Join(in, name)); string(got) != "content" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if s, _ := os.Stat(filepath.Join(in, "setuid")); s.Mode() != 0o755 {
		t.Errorf("mode %v", s.Mode())
	}
	s, _ := os.Stat(filepath.Join(in, "a"))
	if s.Mode().Perm() != 0o555 || !s.ModTime().Equal(day) {
		t.Errorf("directory: %v, %v", s.Mode(), s.ModTime())
	}
	if s, _ := os.Stat(filepath.Join(in, "a/b/file")); !s.ModTime().Equal(day) {
		t.Errorf("time %v", s.ModTime())
	}
	_ = os.Chmod(filepath.Join(in, "a"), 0o755)
}

func TestHostileArchives(t *testing.T) {
	deep := strings.Repeat("d/", 300) + "x"
	for name, c := range map[string]struct {
		reason  Reason
		limits  Limits
		entries []entry
	}{
		"parent":                     {PathEscapes, Limits{}, []entry{file("../passwd", "x")}},
		"parent in the middle":       {PathEscapes, Limits{}, []entry{file("a/../../passwd", "x")}},
		"parent that stays inside":   {PathEscapes, Limits{}, []entry{file("a/../b", "x")}},
		"absolute":                   {PathEscapes, Limits{}, []entry{file("/etc/passwd", "x")}},
		"parent as directory":        {PathEscapes, Limits{}, []entry{dir("..")}},
		"symlink out":                {LinkEscapes, Limits{}, []entry{symlink("l", "../beside")}},
		"symlink out by steps":       {LinkEscapes, Limits{}, []entry{symlink("a/l", "../../beside")}},
		"symlink out and back":       {LinkEscapes, Limits{}, []entry{symlink("l", "../in/x")}},
		"absolute symlink":           {LinkEscapes, Limits{}, []entry{symlink("l", "/etc")}},
		"symlink to nothing":         {BadName, Limits{}, []entry{symlink("l", "")}},
		"file through symlink":       {ThroughLink, Limits{}, []entry{dir("d"), symlink("l", "d"), file("l/x", "x")}},
		"directory through symlink":  {ThroughLink, Limits{}, []entry{symlink("l", "d"), dir("l/x")}},
		"below a file":               {ThroughLink, Limits{}, []entry{file("f", "x"), file("f/x", "x")}},
		"symlink replaced by file":   {Duplicate, Limits{}, []entry{symlink("l", "d"), file("l", "x")}},
		"file twice":                 {Duplicate, Limits{}, []entry{file("f", "x"), file("f", "y")}},
		"file twice, spelled apart":  {Duplicate, Limits{}, []entry{file("f", "x"), file("./f", "y")}},
		"directory twice":            {Duplicate, Limits{}, []entry{dir("d"), dir("d")}},
		"directory becomes a link":   {Duplicate, Limits{}, []entry{file("d/x", "x"), symlink("d", "e")}},
		"hard link out":              {LinkEscapes, Limits{}, []entry{hardlink("l", "../passwd")}},
		"hard link to absolute":      {LinkEscapes, Limits{}, []entry{hardlink("l", "/etc/passwd")}},
		"hard link to nothing":       {LinkMissing, Limits{}, []entry{hardlink("l", "later"), file("later", "x")}},
		"hard link to a symlink":     {LinkMissing, Limits{}, []entry{symlink("s", "x"), hardlink("l", "s")}},
		"device":                     {BadType, Limits{}, []entry{{name: "sda", kind: tar.TypeBlock}}},
		"character device":           {BadType, Limits{}, []entry{{name: "mem", kind: tar.TypeChar}}},
		"pipe":                       {BadType, Limits{}, []entry{{name: "p", kind: tar.TypeFifo}}},
		"top replaced by a link":     {BadName, Limits{}, []entry{symlink("./", "beside")}},
		"deep":                       {BadName, Limits{}, []entry{file(deep, "x")}},
		"long part":                  {BadName, Limits{}, []entry{file(strings.Repeat("n", 256), "x")}},
		"long name":                  {BadName, Limits{Name: 10}, []entry{file("12345678901", "x")}},
		"too many":                   {TooMany, Limits{Entries: 2}, []entry{file("1", ""), file("2", ""), file("3", "")}},
		"too large":                  {TooLarge, Limits{File: 3}, []entry{file("1", "four")}},
		"too large together":         {TooLarge, Limits{Bytes: 5}, []entry{file("1", "123"), file("2", "456")}},
		"a hard link twice the same": {Duplicate, Limits{}, []entry{file("f", "x"), hardlink("f", "f")}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := extract(t, stream(t, c.entries...), c.limits)
			var refused *Error
			if !errors.As(err, &refused) || refused.Reason != c.reason {
				t.Errorf("error %v, want %s", err, c.reason)
			}
		})
	}
}

// A link that was in the directory before must not be followed out of it either.
func TestExtractIntoPreparedDirectory(t *testing.T) {
	top := t.TempDir()
	in := filepath.Join(top, "in")
	if err := errors.Join(os.Mkdir(in, 0o755), os.Mkdir(filepath.Join(top, "out"), 0o755), os.Symlink("../out", filepath.Join(in, "l"))); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(in)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := Extract(context.Background(), bytes.NewReader(stream(t, file("l/x", "x"))), root, Limits{}); err == nil {
		t.Error("extracted through a link that leads out")
	}
	if entries, _ := os.ReadDir(filepath.Join(top, "out")); len(entries) != 0 {
		t.Errorf("written outside: %v", entries)
	}
}

func TestCutOffArchives(t *testing.T) {
	data := stream(t, file("a", strings.Repeat("x", 2000)), file("b", "y"))
	for _, n := range []int{0, 1, 100, 512, 513, 1500, 2559, 2560, 3072, 3584, 4000} {
		_, _, err := extract(t, data[:n], Limits{})
		var refused *Error
		if !errors.As(err, &refused) || refused.Reason != Damaged {
			t.Errorf("cut at %d: %v", n, err)
		}
		err = Walk(context.Background(), bytes.NewReader(data[:n]), Limits{}, func(*tar.Header, io.Reader) error { return nil })
		if !errors.As(err, &refused) || refused.Reason != Damaged {
			t.Errorf("walk, cut at %d: %v", n, err)
		}
	}
}

func TestSparseBomb(t *testing.T) {
	// A sparse file of 1 TiB in a few hundred bytes.
	pax := "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n29 GNU.sparse.name=sparse.db\n37 GNU.sparse.realsize=1099511627776\n"
	raw := rawSparse(pax)
	_, stats, err := extract(t, raw, Limits{Bytes: 1 << 20})
	if !refused(err, TooLarge) || stats.Bytes > 1<<20 {
		t.Errorf("%d bytes, error %v", stats.Bytes, err)
	}
}

// rawSparse lays out a PAX sparse file by hand, since no writer makes one.
func rawSparse(pax string) []byte {
	block := func(name string, kind byte, size int64) []byte {
		b := make([]byte, 512)
		copy(b, name)
		copy(b[100:], "0000644\x000000000\x000000000\x00")
		copy(b[124:], octal(size))
		copy(b[136:], octal(0))
		b[156] = kind
		copy(b[257:], "ustar\x0000")
		copy(b[148:], "        ")
		sum := 0
		for _, c := range b {
			sum += int(c)
		}
		copy(b[148:], octal(int64(sum))[4:11]+"\x00")
		return b
	}
	pad := func(b []byte) []byte { return append(b, make([]byte, (512-len(b)%512)%512)...) }
	sparseMap := pad([]byte("1\n1099511627776\n0\n"))
	var out []byte
	out = append(out, block("x", 'x', int64(len(pax)))...)
	out = append(out, pad([]byte(pax))...)
	out = append(out, block("sparse.db", '0', int64(len(sparseMap)))...)
	out = append(out, sparseMap...)
	return append(out, make([]byte, 1024)...)
}

func octal(n int64) string {
	digits := []byte("00000000000\x00")
	for i := 10; i >= 0; i-- {
		digits[i] = byte('0' + n&7)
		n >>= 3
	}
	return string(digits)
}

func FuzzExtract(f *testing.F) {
	f.Add(stream(f, file("a", "x"), dir("d"), symlink("l", "d"), hardlink("h", "a")))
	f.Add(stream(f, file("../x", "x")))
	f.Add(stream(f, symlink("l", "../out"), file("l/x", "x")))
	f.Add(rawSparse("22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n29 GNU.sparse.name=sparse.db\n37 GNU.sparse.realsize=1099511627776\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		top := t.TempDir()
		in := filepath.Join(top, "in")
		if err := os.Mkdir(in, 0o755); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(in)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		stats, _ := Extract(context.Background(), bytes.NewReader(data), root, Limits{Bytes: 1 << 20, Entries: 100})
		if stats.Bytes > 1<<20 {
			t.Errorf("%d bytes written", stats.Bytes)
		}
		if entries, _ := os.ReadDir(top); len(entries) != 1 {
			t.Errorf("written outside: %v", entries)
		}
	})
}
