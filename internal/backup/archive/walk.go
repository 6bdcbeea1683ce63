package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"strings"
	"unicode/utf8"
)

// Limits bounds what an archive may hold; a field of 0 stands for its default.
type Limits struct {
	Bytes   int64 // of all files together (default 1 TiB)
	File    int64 // of one file (default: Bytes)
	Entries int   // files, directories and links (default 10 million)
	Name    int   // bytes of a name (default 4096)
	Depth   int   // directories above an entry (default 255)
}

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = 1 << 40
	}
	if l.File <= 0 {
		l.File = l.Bytes
	}
	if l.Entries <= 0 {
		l.Entries = 10_000_000
	}
	if l.Name <= 0 {
		l.Name = 4096
	}
	if l.Depth <= 0 {
		l.Depth = 255
	}
	return l
}

// Walk calls fn for every entry of a tar stream, with its header validated: the name is relative, clean and leads nowhere else; links stay
// inside; types are regular file, directory, symbolic link and hard link only; no name comes twice. The reader holds the entry's bytes and
// is valid during the call. An error of fn ends the walk and is returned as it is.
func Walk(ctx context.Context, r io.Reader, limits Limits, fn func(*tar.Header, io.Reader) error) error {
	w := walker{limits: limits.withDefaults(), seen: map[string]byte{}}
	source := &source{r: r}
	stream := tar.NewReader(source)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := stream.Next()
		if errors.Is(err, io.EOF) {
			return source.ended()
		}
		if err != nil {
			return &Error{Reason: Damaged, Err: err}
		}
		if header.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		root, err := w.check(header)
		if err != nil {
			return err
		}
		if root {
			continue
		}
		body := &body{r: stream, name: header.Name, left: header.Size}
		if err := fn(header, body); err != nil {
			return err
		}
		// What fn left unread must be there too: a stream that was cut off is not taken for a whole one.
		if _, err := io.Copy(io.Discard, body); err != nil {
			return err
		}
	}
}

type walker struct {
	limits  Limits
	seen    map[string]byte // name → type; parents that the archive does not name count as directories
	entries int
	bytes   int64
}

// check validates a header and cleans its name; root says that it is the entry of the top directory itself.
func (w *walker) check(h *tar.Header) (root bool, err error) {
	w.entries++
	if w.entries > w.limits.Entries {
		return false, &Error{Reason: TooMany, Name: h.Name}
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse, '\x00':
		h.Typeflag = tar.TypeReg
		if strings.HasSuffix(h.Name, "/") {
			return false, &Error{Reason: BadName, Name: h.Name}
		}
		if h.Size < 0 || h.Size > w.limits.File || h.Size > w.limits.Bytes-w.bytes {
			return false, &Error{Reason: TooLarge, Name: h.Name}
		}
		w.bytes += h.Size
	case tar.TypeDir, tar.TypeSymlink, tar.TypeLink:
		h.Size = 0
	default:
		return false, &Error{Reason: BadType, Name: h.Name}
	}
	given := h.Name
	h.Name, err = w.name(given)
	if err != nil {
		return false, err
	}
	if h.Name == "." {
		if h.Typeflag != tar.TypeDir {
			return false, &Error{Reason: BadName, Name: given}
		}
		return true, nil
	}
	if err := w.place(h); err != nil {
		return false, err
	}
	return false, w.link(h)
}

// name makes a relative, clean name of what a tar header holds.
func (w *walker) name(given string) (string, error) {
	if given == "" || len(given) > w.limits.Name || !utf8.ValidString(given) || strings.ContainsRune(given, 0) {
		return "", &Error{Reason: BadName, Name: given}
	}
	if strings.HasPrefix(given, "/") {
		return "", &Error{Reason: PathEscapes, Name: given}
	}
	parts := strings.Split(given, "/")
	if len(parts) > w.limits.Depth+1 {
		return "", &Error{Reason: BadName, Name: given}
	}
	for _, part := range parts {
		if part == ".." {
			return "", &Error{Reason: PathEscapes, Name: given}
		}
		if len(part) > 255 {
			return "", &Error{Reason: BadName, Name: given}
		}
	}
	return path.Clean(given), nil
}

// place refuses a name that was there before, or that lies below something which is no directory.
func (w *walker) place(h *tar.Header) error {
	if before, ok := w.seen[h.Name]; ok && (before != implied || h.Typeflag != tar.TypeDir) {
		return &Error{Reason: Duplicate, Name: h.Name}
	}
	for dir := path.Dir(h.Name); dir != "."; dir = path.Dir(dir) {
		kind, ok := w.seen[dir]
		if ok && kind != tar.TypeDir && kind != implied {
			return &Error{Reason: ThroughLink, Name: h.Name}
		}
		if ok {
			break // its own parents were looked at when it came
		}
		w.seen[dir] = implied
	}
	w.seen[h.Name] = h.Typeflag
	return nil
}

const implied = 'i'

// link checks where a link leads. A symbolic link is judged by its text alone: with nothing below links, the text tells the truth.
func (w *walker) link(h *tar.Header) error {
	switch h.Typeflag {
	case tar.TypeSymlink:
		target := h.Linkname
		if target == "" || len(target) > w.limits.Name || strings.ContainsRune(target, 0) {
			return &Error{Reason: BadName, Name: h.Name}
		}
		if strings.HasPrefix(target, "/") || !inside(path.Dir(h.Name), target) {
			return &Error{Reason: LinkEscapes, Name: h.Name}
		}
	case tar.TypeLink:
		target, err := w.name(h.Linkname)
		if err != nil {
			return &Error{Reason: LinkEscapes, Name: h.Name}
		}
		if w.seen[target] != tar.TypeReg {
			return &Error{Reason: LinkMissing, Name: h.Name}
		}
		h.Linkname = target
	}
	return nil
}

// inside follows a relative target step by step: it must not leave the top even on the way.
func inside(dir, target string) bool {
	depth := 0
	if dir != "." {
		depth = strings.Count(dir, "/") + 1
	}
	for part := range strings.SplitSeq(target, "/") {
		switch part {
		case "", ".":
		case "..":
			depth--
		default:
			depth++
		}
		if depth < 0 {
			return false
		}
	}
	return true
}

// body reads one entry and says so when the stream ends before the entry does.
type body struct {
	r    io.Reader
	name string
	left int64
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.left -= int64(n)
	if errors.Is(err, io.EOF) {
		if b.left > 0 {
			return n, &Error{Reason: Damaged, Name: b.name, Err: io.ErrUnexpectedEOF}
		}
		return n, io.EOF
	}
	if err != nil {
		return n, &Error{Reason: Damaged, Name: b.name, Err: err}
	}
	return n, nil
}

// source remembers the last bytes read, for the mark that every tar stream ends with: without it, a stream that was cut off between two
// entries would pass for a whole one.
type source struct {
	r    io.Reader
	last []byte
}

const endMark = 1024

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	got := p[:n]
	if n >= endMark {
		s.last = append(s.last[:0], got[n-endMark:]...)
		return n, err
	}
	if drop := len(s.last) + n - endMark; drop > 0 {
		s.last = append(s.last[:0], s.last[drop:]...)
	}
	s.last = append(s.last, got...)
	return n, err
}

func (s *source) ended() error {
	if len(s.last) < endMark || len(bytes.Trim(s.last, "\x00")) > 0 {
		return &Error{Reason: Damaged, Err: io.ErrUnexpectedEOF}
	}
	return nil
}
