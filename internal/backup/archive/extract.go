package archive

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"
)

// Stats counts what was written.
type Stats struct {
	Files, Directories, Links int
	Bytes                     int64
}

// Extract writes a tar stream below root, which should be empty: nothing that exists is overwritten. Files get their permission bits and
// times, but neither owner nor the set-user-ID, set-group-ID and sticky bits. Symbolic links are made last, so that nothing is ever written
// through one. After an error, what was written before it is there still.
func Extract(ctx context.Context, r io.Reader, root *os.Root, limits Limits) (Stats, error) {
	x := extraction{root: root}
	if err := Walk(ctx, r, limits, x.entry); err != nil {
		return x.stats, err
	}
	if err := x.finish(); err != nil {
		return x.stats, err
	}
	return x.stats, nil
}

type extraction struct {
	root  *os.Root
	stats Stats
	links []*tar.Header
	dirs  []*tar.Header
}

func (x *extraction) entry(h *tar.Header, r io.Reader) error {
	if h.Typeflag == tar.TypeDir {
		x.stats.Directories++
		x.dirs = append(x.dirs, h)
		return x.mkdir(h.Name)
	}
	if err := x.mkdir(path.Dir(h.Name)); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		x.links = append(x.links, h)
		return nil
	case tar.TypeLink:
		x.stats.Links++
		return x.done(h.Name, "linking", x.root.Link(h.Linkname, h.Name))
	default:
		return x.file(h, r)
	}
}

// mkdir makes a directory open enough to be written to; its own permissions come at the end.
func (x *extraction) mkdir(name string) error {
	if name == "." {
		return nil
	}
	return x.done(name, "making directory", x.root.MkdirAll(name, 0o700))
}

func (x *extraction) file(h *tar.Header, r io.Reader) error {
	f, err := x.root.OpenFile(h.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return x.done(h.Name, "making file", err)
	}
	n, err := io.Copy(f, r)
	x.stats.Files++
	x.stats.Bytes += n
	if err == nil {
		err = f.Chmod(h.FileInfo().Mode().Perm())
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return x.done(h.Name, "writing", err)
	}
	return x.times(h)
}

func (x *extraction) times(h *tar.Header) error {
	if h.ModTime.Before(time.Unix(0, 0)) {
		return nil
	}
	return x.done(h.Name, "setting time of", x.root.Chtimes(h.Name, h.ModTime, h.ModTime))
}

func (x *extraction) finish() error {
	for _, h := range x.links {
		x.stats.Links++
		if err := x.done(h.Name, "linking", x.root.Symlink(h.Linkname, h.Name)); err != nil {
			return err
		}
	}
	// From the inside out: a directory that may not be entered is closed after what is in it.
	slices.SortFunc(x.dirs, func(a, b *tar.Header) int { return len(b.Name) - len(a.Name) })
	for _, h := range x.dirs {
		if err := x.times(h); err != nil {
			return err
		}
		if err := x.done(h.Name, "setting mode of", x.root.Chmod(h.Name, h.FileInfo().Mode().Perm())); err != nil {
			return err
		}
	}
	return nil
}

func (x *extraction) done(name, doing string, err error) error {
	var refused *Error
	switch {
	case err == nil || errors.As(err, &refused):
		return err
	case errors.Is(err, fs.ErrExist):
		return &Error{Reason: Duplicate, Name: name, Err: err}
	}
	return fmt.Errorf("%s %s: %w", doing, name, err)
}
