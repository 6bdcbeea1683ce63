package repository

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Type is what an Entry is.
type Type byte

// The types of entries.
const (
	TypeFile      Type = 'f'
	TypeDirectory Type = 'd'
	TypeSymlink   Type = 'l'
)

// digest is the SHA-256 of what is written to it.
type digest struct{ hash.Hash }

func newDigest() digest       { return digest{sha256.New()} }
func (d digest) text() string { return hex.EncodeToString(d.Sum(nil)) }

// A listing names everything in a component, one line each, sorted by path:
//
//	f 0640 1234 <sha256 of the content, or of a link's target> path
//
// Directories have no size and "-" for the digest. Its own SHA-256 is the digest of the component, and it lies in the set under digests/,
// so that anybody can check what was restored. Paths with control characters, quotes or backslashes are quoted as in Go.
type listing struct{ lines []line }

type line struct {
	kind   Type
	mode   fs.FileMode
	size   int64
	digest string
	path   string
}

func (l *listing) add(e line) { l.lines = append(l.lines, e) }

func (l *listing) write(w io.Writer) (sum string, err error) {
	slices.SortFunc(l.lines, func(a, b line) int { return strings.Compare(a.path, b.path) })
	h := newDigest()
	out := bufio.NewWriter(io.MultiWriter(w, h))
	for _, e := range l.lines {
		if _, err := fmt.Fprintf(out, "%c %04o %d %s %s\n", e.kind, unixMode(e.mode), e.size, e.digest, quoted(e.path)); err != nil {
			return "", fmt.Errorf("writing listing: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return "", fmt.Errorf("writing listing: %w", err)
	}
	return h.text(), nil
}

func readListing(r io.Reader) (*listing, error) {
	var l listing
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 64<<10)
	for scanner.Scan() {
		e, err := parseLine(scanner.Text())
		if err != nil {
			return nil, &Error{State: Damaged, Object: "listing", Err: err}
		}
		l.add(e)
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("reading listing: %w", err)
	}
	return &l, nil
}

func parseLine(text string) (line, error) {
	fields := strings.SplitN(text, " ", 5)
	if len(fields) != 5 || len(fields[0]) != 1 || !strings.Contains("fdl", fields[0]) {
		return line{}, errors.New("a line is not one of a listing")
	}
	mode, err := strconv.ParseUint(fields[1], 8, 16)
	if err != nil {
		return line{}, fmt.Errorf("parsing mode: %w", err)
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil || size < 0 {
		return line{}, errors.New("a size is not a number")
	}
	name := fields[4]
	if strings.HasPrefix(name, `"`) {
		if name, err = strconv.Unquote(name); err != nil {
			return line{}, fmt.Errorf("parsing path: %w", err)
		}
	}
	return line{Type(fields[0][0]), goMode(uint32(mode)), size, fields[3], name}, nil
}

func quoted(path string) string {
	for _, c := range path {
		if c < ' ' || c == '"' || c == '\\' || c == 0x7f || c == 0xfffd {
			return strconv.Quote(path)
		}
	}
	return path
}

// unixMode has the permission bits and the three above them where Unix has them; goMode turns back.
func unixMode(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	for _, b := range specialBits {
		if m&b.mode != 0 {
			bits |= b.bit
		}
	}
	return bits
}

func goMode(bits uint32) fs.FileMode {
	m := fs.FileMode(bits & 0o777)
	for _, b := range specialBits {
		if bits&b.bit != 0 {
			m |= b.mode
		}
	}
	return m
}

var specialBits = []struct {
	mode fs.FileMode
	bit  uint32
}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}}
