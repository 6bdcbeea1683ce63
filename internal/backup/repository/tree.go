package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	kopiafs "github.com/kopia/kopia/fs"
	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/object"
	"github.com/kopia/kopia/snapshot"
	"github.com/kopia/kopia/snapshot/snapshotfs"
)

// compressor is quick enough to cost less than it saves. kopia writes what does not shrink as it is.
const compressor = "zstd-fastest"

// Attr are the attributes of a file, directory or link.
type Attr struct {
	Mode     fs.FileMode // permission bits, set-user-ID, set-group-ID and sticky
	ModTime  time.Time
	UID, GID uint32
}

// FileInfo is what was written.
type FileInfo struct {
	Size   int64
	SHA256 string // hexadecimal
}

// Entry is something in a set.
type Entry struct {
	Attr
	Type   Type
	Size   int64
	SHA256 string // of a file's content or a link's target; empty where the listing was not read
	object object.ID
}

// TreeWriter fills one component of a set. Paths are relative to the component, with slashes, clean. A directory that nothing was said about
// gets mode 0755. It is safe for concurrent use.
type TreeWriter struct {
	ctx      context.Context //nolint:containedctx // lives as long as one Put
	w        repo.RepositoryWriter
	previous func() *component
	now      time.Time

	mu   sync.Mutex
	root *node
}

type node struct {
	entry    snapshot.DirEntry
	digest   string
	children map[string]*node // of a directory
}

// component is one of a sealed set, as far as needed to take over what did not change.
type component struct {
	r       repo.Repository
	root    snapshot.DirEntry
	digests map[string]line
}

func newTree(ctx context.Context, w repo.RepositoryWriter, now time.Time, previous func() *component) *TreeWriter {
	t := &TreeWriter{ctx: ctx, w: w, previous: previous, now: now}
	t.root = t.directory("", Attr{Mode: 0o755, ModTime: now})
	return t
}

func (t *TreeWriter) directory(name string, a Attr) *node {
	n := &node{digest: "-", children: map[string]*node{}}
	n.entry = entry(name, snapshot.EntryTypeDirectory, a)
	return n
}

func entry(name string, kind snapshot.EntryType, a Attr) snapshot.DirEntry {
	return snapshot.DirEntry{
		Name: name, Type: kind, Permissions: snapshot.Permissions(a.Mode & kopiafs.ModBits),
		ModTime: kopiafs.UTCTimestampFromTime(a.ModTime), UserID: a.UID, GroupID: a.GID,
	}
}

// Dir makes a directory, or sets the attributes of one that is there. "." is the component itself.
func (t *TreeWriter) Dir(name string, a Attr) error {
	if name == "." {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.root.entry = entry("", snapshot.EntryTypeDirectory, a)
		return nil
	}
	return t.place(name, t.directory(path.Base(name), a))
}

// File writes a file with all of r. An error of r is returned as it is, and the file is then not part of the component.
func (t *TreeWriter) File(name string, a Attr, r io.Reader) (FileInfo, error) {
	if err := checkPath(name); err != nil {
		return FileInfo{}, err
	}
	id, info, err := writeObject(t.ctx, t.w, name, r)
	if err != nil {
		return FileInfo{}, err
	}
	n := &node{digest: info.SHA256, entry: entry(path.Base(name), snapshot.EntryTypeFile, a)}
	n.entry.FileSize, n.entry.ObjectID = info.Size, id
	return info, t.place(name, n)
}

// Symlink makes a symbolic link. Where it leads is not looked at.
func (t *TreeWriter) Symlink(name, target string, a Attr) error {
	if err := checkPath(name); err != nil {
		return err
	}
	id, info, err := writeObject(t.ctx, t.w, name, strings.NewReader(target))
	if err != nil {
		return err
	}
	n := &node{digest: info.SHA256, entry: entry(path.Base(name), snapshot.EntryTypeSymlink, a)}
	n.entry.FileSize, n.entry.ObjectID = info.Size, id
	return t.place(name, n)
}

// Previous finds a file or link in the same component of the last sealed set of this cluster.
func (t *TreeWriter) Previous(name string) (Entry, bool) {
	last := t.previous()
	if last == nil {
		return Entry{}, false
	}
	known, ok := last.digests[name]
	if !ok || known.kind == TypeDirectory {
		return Entry{}, false
	}
	found, err := snapshotfs.GetNestedEntry(t.ctx, snapshotfs.EntryFromDirEntry(last.r, &last.root), strings.Split(name, "/"))
	if err != nil {
		return Entry{}, false
	}
	e, err := entryOf(found)
	if err != nil || e.Size != known.size {
		return Entry{}, false
	}
	e.SHA256 = known.digest
	return e, true
}

// Reuse takes a file or link over from the last set without reading it, with the attributes that e has now.
func (t *TreeWriter) Reuse(name string, e Entry) error {
	if err := checkPath(name); err != nil {
		return err
	}
	kind := snapshot.EntryTypeFile
	switch {
	case e.object == object.EmptyID || e.SHA256 == "" || e.Type == TypeDirectory:
		return &Error{State: Invalid, Object: name, Err: errors.New("only what Previous found can be reused")}
	case e.Type == TypeSymlink:
		kind = snapshot.EntryTypeSymlink
	}
	if _, err := t.w.VerifyObject(t.ctx, e.object); err != nil {
		return classified(name, "reusing", err)
	}
	n := &node{digest: e.SHA256, entry: entry(path.Base(name), kind, e.Attr)}
	n.entry.FileSize, n.entry.ObjectID = e.Size, e.object
	return t.place(name, n)
}

func (t *TreeWriter) place(name string, n *node) error {
	if err := checkPath(name); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	dir := t.root
	parts := strings.Split(name, "/")
	for _, part := range parts[:len(parts)-1] {
		next := dir.children[part]
		if next == nil {
			next = t.directory(part, Attr{Mode: 0o755, ModTime: t.now})
			dir.children[part] = next
		}
		if next.children == nil {
			return &Error{State: Invalid, Object: name, Err: fmt.Errorf("%q is no directory", part)}
		}
		dir = next
	}
	last := parts[len(parts)-1]
	if there := dir.children[last]; there != nil {
		if there.children == nil || n.children == nil {
			return &Error{State: AlreadyExists, Object: name}
		}
		n.children = there.children
	}
	dir.children[last] = n
	return nil
}

func checkPath(name string) error {
	if !fs.ValidPath(name) || name == "." || strings.ContainsRune(name, 0) {
		return &Error{State: Invalid, Object: name, Err: errors.New("not a clean relative path")}
	}
	return nil
}

// write stores the directories from the leaves up and lists everything.
func (t *TreeWriter) write(ctx context.Context, list *listing) (snapshot.DirEntry, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return writeDirectory(ctx, t.w, t.root, "", list)
}

func writeDirectory(ctx context.Context, w repo.RepositoryWriter, n *node, at string, list *listing) (snapshot.DirEntry, error) {
	if err := ctx.Err(); err != nil {
		return snapshot.DirEntry{}, err
	}
	var b snapshotfs.DirManifestBuilder
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		child := n.children[name]
		where := path.Join(at, name)
		list.add(lineOf(where, child))
		e := child.entry
		if child.children != nil {
			var err error
			if e, err = writeDirectory(ctx, w, child, where, list); err != nil {
				return e, err
			}
		}
		b.AddEntry(&e)
	}
	return writeManifest(ctx, w, n.entry, &b)
}

func writeManifest(ctx context.Context, w repo.RepositoryWriter, e snapshot.DirEntry, b *snapshotfs.DirManifestBuilder) (snapshot.DirEntry, error) {
	manifest := b.Build(e.ModTime, "")
	id, err := snapshotfs.WriteDirManifest(ctx, w, e.Name, manifest, compressor)
	if err != nil {
		return e, classified(e.Name, "writing directory", err)
	}
	e.ObjectID, e.DirSummary = id, manifest.Summary
	return e, nil
}

func lineOf(where string, n *node) line {
	l := line{kind: TypeFile, mode: fs.FileMode(n.entry.Permissions), size: n.entry.FileSize, digest: n.digest, path: where}
	switch n.entry.Type {
	case snapshot.EntryTypeDirectory:
		l.kind, l.size = TypeDirectory, 0
	case snapshot.EntryTypeSymlink:
		l.kind = TypeSymlink
	}
	return l
}

// writeObject stores all of r.
func writeObject(ctx context.Context, w repo.RepositoryWriter, name string, r io.Reader) (object.ID, FileInfo, error) {
	out := w.NewObjectWriter(ctx, object.WriterOptions{
		Description: name, Compressor: compressor, MetadataCompressor: compressor, AsyncWrites: 2,
	})
	defer out.Close()
	h := newDigest()
	size, err := copyObject(ctx, io.MultiWriter(out, h), r)
	if err != nil {
		return object.EmptyID, FileInfo{}, err
	}
	id, err := out.Result()
	if err != nil {
		return object.EmptyID, FileInfo{}, classified(name, "storing", err)
	}
	return id, FileInfo{Size: size, SHA256: h.text()}, nil
}

func copyObject(ctx context.Context, w io.Writer, r io.Reader) (int64, error) {
	buf := make([]byte, 256<<10)
	var size int64
	for {
		if err := ctx.Err(); err != nil {
			return size, err
		}
		n, err := r.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return size, classified("content", "storing", err)
			}
			size += int64(n)
		}
		if errors.Is(err, io.EOF) {
			return size, nil
		}
		if err != nil {
			return size, err
		}
	}
}
