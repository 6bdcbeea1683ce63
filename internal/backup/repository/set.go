package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	kopiafs "github.com/kopia/kopia/fs"
	"github.com/kopia/kopia/snapshot"
	"github.com/kopia/kopia/snapshot/snapshotfs"
)

// Set is a sealed set, open for reading. Paths in it begin with the component.
type Set struct {
	r    *Repository
	info SetInfo
	root kopiafs.Directory
}

func (r *Repository) open(_ context.Context, info SetInfo) (*Set, error) {
	if info.Format > setFormat {
		return nil, &Error{State: Newer, Object: "set " + info.Name, Err: fmt.Errorf("its format is %d, this version knows %d", info.Format, setFormat)}
	}
	if info.manifest.RootEntry == nil {
		return nil, &Error{State: Damaged, Object: "set " + info.Name, Err: errors.New("its manifest names no directory")}
	}
	root, ok := snapshotfs.EntryFromDirEntry(r.kopia, info.manifest.RootEntry).(kopiafs.Directory)
	if !ok {
		return nil, &Error{State: Damaged, Object: "set " + info.Name, Err: errors.New("its top is no directory")}
	}
	return &Set{r: r, info: info, root: root}, nil
}

// Info is what Sets says about the set.
func (s *Set) Info() SetInfo { return s.info }

// Manifest is manifest.json as given to Seal.
func (s *Set) Manifest(ctx context.Context) ([]byte, error) {
	f, err := s.Open(ctx, manifestName)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, classified(s.name(manifestName), "reading", err)
	}
	return data, nil
}

func (s *Set) name(file string) string { return "set " + s.info.Name + ": " + file }

// find follows a path; "." is the top.
func (s *Set) find(ctx context.Context, name string) (kopiafs.Entry, error) {
	if name == "." {
		return s.root, nil
	}
	if err := checkPath(name); err != nil {
		return nil, err
	}
	var at kopiafs.Entry = s.root
	for part := range strings.SplitSeq(name, "/") {
		dir, ok := at.(kopiafs.Directory)
		if !ok {
			return nil, &Error{State: NotFound, Object: s.name(name), Err: fs.ErrNotExist}
		}
		next, err := dir.Child(ctx, part)
		if errors.Is(err, kopiafs.ErrEntryNotFound) {
			return nil, &Error{State: NotFound, Object: s.name(name), Err: fs.ErrNotExist}
		}
		if err != nil {
			return nil, classified(s.name(name), "reading", err)
		}
		at = next
	}
	return at, nil
}

// Stat describes what lies at a path. Size of a directory is that of all files in it.
func (s *Set) Stat(ctx context.Context, name string) (Entry, error) {
	found, err := s.find(ctx, name)
	if err != nil {
		return Entry{}, err
	}
	return entryOf(found)
}

// Open opens a file.
func (s *Set) Open(ctx context.Context, name string) (*Reader, error) {
	found, err := s.find(ctx, name)
	if err != nil {
		return nil, err
	}
	file, ok := found.(kopiafs.File)
	if !ok {
		return nil, &Error{State: Invalid, Object: s.name(name), Err: errors.New("not a file")}
	}
	return s.reader(ctx, name, file)
}

// Readlink is the target of a symbolic link.
func (s *Set) Readlink(ctx context.Context, name string) (string, error) {
	found, err := s.find(ctx, name)
	if err != nil {
		return "", err
	}
	link, ok := found.(kopiafs.Symlink)
	if !ok {
		return "", &Error{State: Invalid, Object: s.name(name), Err: errors.New("not a link")}
	}
	target, err := link.Readlink(ctx)
	return target, classified(s.name(name), "reading", err)
}

// Walk calls fn for everything below a path (a directory before what is in it, names in order), not for the path itself. fs.SkipDir from fn
// leaves a directory out.
func (s *Set) Walk(ctx context.Context, name string, fn func(name string, e Entry) error) error {
	found, err := s.find(ctx, name)
	if err != nil {
		return err
	}
	dir, ok := found.(kopiafs.Directory)
	if !ok {
		return &Error{State: Invalid, Object: s.name(name), Err: errors.New("not a directory")}
	}
	return s.walk(ctx, dir, name, fn)
}

func (s *Set) walk(ctx context.Context, dir kopiafs.Directory, at string, fn func(string, Entry) error) error {
	children, err := kopiafs.GetAllEntries(ctx, dir)
	if err != nil {
		return classified(s.name(at), "reading", err)
	}
	slices.SortFunc(children, func(a, b kopiafs.Entry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, child := range children {
		if err := ctx.Err(); err != nil {
			return err
		}
		where := path.Join(at, child.Name())
		e, err := entryOf(child)
		if err != nil {
			return err
		}
		err = fn(where, e)
		sub, isDir := child.(kopiafs.Directory)
		if isDir && errors.Is(err, fs.SkipDir) {
			continue
		}
		if err != nil {
			return err
		}
		if isDir {
			if err := s.walk(ctx, sub, where, fn); err != nil {
				return err
			}
		}
	}
	return nil
}

// Digests are the SHA-256 of every file and link target of a component, by path within it, as they were when it was stored.
func (s *Set) Digests(ctx context.Context, component string) (map[string]string, error) {
	lines, err := s.listing(ctx, component)
	if err != nil {
		return nil, err
	}
	digests := make(map[string]string, len(lines))
	for name, l := range lines {
		if l.kind != TypeDirectory {
			digests[name] = l.digest
		}
	}
	return digests, nil
}

func (s *Set) listing(ctx context.Context, component string) (map[string]line, error) {
	f, err := s.Open(ctx, path.Join(digestsName, component))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := readListing(f)
	if err != nil {
		return nil, classified(s.name(path.Join(digestsName, component)), "reading", err)
	}
	lines := make(map[string]line, len(list.lines))
	for _, l := range list.lines {
		lines[l.path] = l
	}
	return lines, nil
}

func (s *Set) component(ctx context.Context, name string) (*component, error) {
	found, err := s.find(ctx, name)
	if err != nil {
		return nil, err
	}
	e, ok := found.(snapshot.HasDirEntry)
	if !ok {
		return nil, &Error{State: Damaged, Object: s.name(name)}
	}
	lines, err := s.listing(ctx, name)
	if err != nil {
		return nil, err
	}
	return &component{r: s.r.kopia, root: *e.DirEntry(), digests: lines}, nil
}

func entryOf(e kopiafs.Entry) (Entry, error) {
	has, ok := e.(snapshot.HasDirEntry)
	if !ok {
		return Entry{}, &Error{State: Damaged, Object: e.Name(), Err: errors.New("an entry of an unknown type")}
	}
	d := has.DirEntry()
	out := Entry{
		Attr: Attr{Mode: fs.FileMode(d.Permissions), ModTime: d.ModTime.ToTime(), UID: d.UserID, GID: d.GroupID},
		Type: TypeFile, Size: d.FileSize, object: d.ObjectID,
	}
	switch d.Type {
	case snapshot.EntryTypeDirectory:
		out.Type = TypeDirectory
	case snapshot.EntryTypeSymlink:
		out.Type = TypeSymlink
	}
	return out, nil
}
