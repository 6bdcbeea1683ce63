package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	kopiafs "github.com/kopia/kopia/fs"
	"github.com/kopia/kopia/fs/localfs"
	"github.com/kopia/kopia/repo/manifest"
	"github.com/kopia/kopia/snapshot"
	"github.com/kopia/kopia/snapshot/policy"
	"github.com/kopia/kopia/snapshot/snapshotfs"
	"github.com/kopia/kopia/snapshot/upload"
)

// PutDirectory stores a local directory as a component, several files at a time. Files whose size, times, mode and owner are those of the
// last set are not read again. Sockets, pipes and devices are left out; what cannot be read is in Item.Failed.
func (s *Session) PutDirectory(ctx context.Context, name, dir string) (Item, error) {
	if err := s.check(name); err != nil {
		return Item{}, err
	}
	if !filepath.IsAbs(dir) {
		return Item{}, &Error{State: Invalid, Object: dir, Err: errors.New("the path is not absolute")}
	}
	started := s.r.clock.Now()
	local, err := localfs.Directory(dir)
	if err != nil {
		return Item{}, fmt.Errorf("opening %s: %w", dir, err)
	}
	u := &uploading{s: s, ctx: ctx, seen: map[string]line{}}
	if last := s.previousComponent(ctx, name); last != nil {
		u.known = last.digests
		u.previous = append(u.previous, &snapshot.Manifest{RootEntry: &last.root})
	}
	root, err := u.upload(name, hashedDirectory{local, u, ""})
	if err != nil {
		return Item{}, err
	}
	var list listing
	if err := u.list(ctx, root, "", &list); err != nil {
		return Item{}, err
	}
	return s.keep(ctx, name, started, root, &list, Item{Reused: u.reused, Failed: u.failed})
}

// uploading drives kopia's uploader and learns the digests of what it reads.
type uploading struct {
	upload.NullUploadProgress
	s        *Session
	ctx      context.Context //nolint:containedctx // lives as long as one PutDirectory
	known    map[string]line
	previous []*snapshot.Manifest
	reused   int

	mu     sync.Mutex
	seen   map[string]line
	failed []Failure
}

// Error is called by the uploader for what cannot be read.
func (u *uploading) Error(name string, err error, _ bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.failed = append(u.failed, Failure{Path: name, Error: err.Error()})
}

func (u *uploading) saw(name string, size int64, digest string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.seen[name] = line{size: size, digest: digest}
}

func (u *uploading) upload(name string, dir kopiafs.Directory) (snapshot.DirEntry, error) {
	s := u.s
	source := s.source(path.Join(unfinishedPath, s.set, name))
	// An earlier try may have got so far that kopia wrote a checkpoint.
	checkpoints, err := snapshot.ListSnapshotManifests(u.ctx, s.w, &source, nil)
	if err != nil {
		return snapshot.DirEntry{}, classified(name, "looking for parts of", err)
	}
	for _, id := range checkpoints {
		if m, err := snapshot.LoadSnapshot(u.ctx, s.w, id); err == nil {
			u.previous = append(u.previous, m)
		}
	}
	p := *policy.DefaultPolicy
	p.CompressionPolicy.CompressorName = compressor
	p.UploadPolicy.ParallelUploadAboveSize = nil // in one piece, for its digest
	uploader := upload.NewUploader(s.w)
	uploader.Progress, uploader.DisableIgnoreRules = u, true
	finished, stop := context.WithCancel(u.ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		<-finished.Done()
		uploader.Cancel() // of no consequence once it has finished
	})
	m, err := uploader.Upload(u.ctx, dir, policy.BuildTree(nil, &p), source, u.previous...)
	stop()
	watching.Wait()
	if err := u.ctx.Err(); err != nil {
		return snapshot.DirEntry{}, err
	}
	if err != nil {
		return snapshot.DirEntry{}, classified(name, "storing", err)
	}
	if m.IncompleteReason != "" {
		return snapshot.DirEntry{}, fmt.Errorf("storing %s: %s", name, m.IncompleteReason)
	}
	u.reused = int(m.Stats.CachedFiles)
	return *m.RootEntry, u.forget(source, checkpoints)
}

// forget removes the checkpoints, which the component takes the place of.
func (u *uploading) forget(source snapshot.SourceInfo, known []manifest.ID) error {
	left, err := snapshot.ListSnapshotManifests(u.ctx, u.s.w, &source, nil)
	if err != nil {
		return classified(u.s.set, "looking for parts of", err)
	}
	for _, id := range slices.Concat(known, left) {
		if err := u.s.r.deleteManifest(u.ctx, u.s.w, id); err != nil {
			return classified(u.s.set, "removing part of", err)
		}
	}
	return nil
}

// list names everything that was stored, with the digests of what was read now or in the last set.
func (u *uploading) list(ctx context.Context, dir snapshot.DirEntry, at string, list *listing) error {
	d, ok := snapshotfs.EntryFromDirEntry(u.s.w, &dir).(kopiafs.Directory)
	if !ok {
		return &Error{State: Damaged, Object: at, Err: errors.New("not a directory")}
	}
	children, err := kopiafs.GetAllEntries(ctx, d)
	if err != nil {
		return classified(at, "reading", err)
	}
	for _, child := range children {
		where := path.Join(at, child.Name())
		has, ok := child.(snapshot.HasDirEntry)
		if !ok {
			return &Error{State: Damaged, Object: where, Err: errors.New("an entry of an unknown type")}
		}
		e := *has.DirEntry()
		n := &node{entry: e, digest: "-"}
		if e.Type == snapshot.EntryTypeDirectory {
			if err := u.list(ctx, e, where, list); err != nil {
				return err
			}
		} else if n.digest, err = u.digest(ctx, where, e); err != nil {
			return err
		}
		list.add(lineOf(where, n))
	}
	return nil
}

func (u *uploading) digest(ctx context.Context, where string, e snapshot.DirEntry) (string, error) {
	if l, ok := u.seen[where]; ok && l.size == e.FileSize {
		return l.digest, nil
	}
	if l, ok := u.known[where]; ok && l.size == e.FileSize {
		return l.digest, nil
	}
	r, err := u.s.w.OpenObject(ctx, e.ObjectID)
	if err != nil {
		return "", classified(where, "reading", err)
	}
	defer r.Close()
	h := newDigest()
	if _, err := io.Copy(h, r); err != nil {
		return "", classified(where, "reading", err)
	}
	return h.text(), nil
}

// hashedDirectory hands out its files such that what is read from them is hashed.
type hashedDirectory struct {
	kopiafs.Directory
	u  *uploading
	at string
}

func (d hashedDirectory) Child(ctx context.Context, name string) (kopiafs.Entry, error) {
	e, err := d.Directory.Child(ctx, name)
	if err != nil {
		return nil, err
	}
	return d.hashed(e), nil
}

func (d hashedDirectory) Iterate(ctx context.Context) (kopiafs.DirectoryIterator, error) {
	i, err := d.Directory.Iterate(ctx)
	if err != nil {
		return nil, err
	}
	return hashedIterator{i, d}, nil
}

func (d hashedDirectory) hashed(e kopiafs.Entry) kopiafs.Entry {
	where := path.Join(d.at, e.Name())
	switch e := e.(type) {
	case kopiafs.Directory:
		return hashedDirectory{e, d.u, where}
	case kopiafs.Symlink:
		return hashedSymlink{e, d.u, where}
	case kopiafs.File:
		return hashedFile{e, d.u, where}
	}
	return e
}

type hashedIterator struct {
	kopiafs.DirectoryIterator
	d hashedDirectory
}

func (i hashedIterator) Next(ctx context.Context) (kopiafs.Entry, error) {
	e, err := i.DirectoryIterator.Next(ctx)
	if e == nil || err != nil {
		return e, err
	}
	return i.d.hashed(e), nil
}

type hashedSymlink struct {
	kopiafs.Symlink
	u  *uploading
	at string
}

func (l hashedSymlink) Readlink(ctx context.Context) (string, error) {
	target, err := l.Symlink.Readlink(ctx)
	if err == nil {
		h := newDigest()
		_, _ = io.Copy(h, strings.NewReader(target))
		l.u.saw(l.at, int64(len(target)), h.text())
	}
	return target, err
}

type hashedFile struct {
	kopiafs.File
	u  *uploading
	at string
}

func (f hashedFile) Open(ctx context.Context) (kopiafs.Reader, error) {
	r, err := f.File.Open(ctx)
	if err != nil {
		return nil, err
	}
	return &hashedReader{Reader: r, file: f, h: newDigest()}, nil
}

type hashedReader struct {
	kopiafs.Reader
	file   hashedFile
	h      digest
	size   int64
	sought bool
}

func (r *hashedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	_, _ = r.h.Write(p[:n])
	r.size += int64(n)
	if errors.Is(err, io.EOF) && !r.sought {
		r.file.u.saw(r.file.at, r.size, r.h.text())
	}
	return n, err
}

func (r *hashedReader) Seek(offset int64, whence int) (int64, error) {
	r.sought = true
	return r.Reader.Seek(offset, whence)
}
