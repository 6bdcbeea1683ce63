package repository

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	kopiafs "github.com/kopia/kopia/fs"
	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/manifest"
	"github.com/kopia/kopia/snapshot"
	"github.com/kopia/kopia/snapshot/snapshotfs"
)

// Where sets and parts of unfinished ones are for kopia: the path of their source. Parts are marked as incomplete, so that kopia keeps what
// they hold and shows them only when asked for.
const (
	setsPath       = "/sets"
	unfinishedPath = "/unfinished"
	tagSet         = "tag:set"
	tagComponent   = "tag:component"
	tagFormat      = "tag:kanrin-format"
	tagUser        = "tag:x-"
	setFormat      = 1
	incomplete     = "checkpoint"
)

// Item is a component of a set.
type Item struct {
	Component string        `json:"component"`
	Files     int           `json:"files"` // files and links
	Bytes     int64         `json:"bytes"` // of all files, before deduplication and compression
	Reused    int           `json:"reused"`
	Digest    string        `json:"digest"` // SHA-256 of the listing: path, mode, size and SHA-256 of everything, whatever stores it
	Started   time.Time     `json:"started"`
	Duration  time.Duration `json:"duration"`
	Failed    []Failure     `json:"failed,omitempty"` // what could not be read: it is not in the set
}

// Failure is a file that could not be read.
type Failure struct {
	Path  string `json:"path"`
	Error string `json:"error"`
}

// Session makes one set. It is over with Seal or Close.
type Session struct {
	r    *Repository
	set  string
	w    repo.DirectRepositoryWriter
	lock *lock
	from time.Time

	mu       sync.Mutex
	parts    map[string]part
	previous *Set
	looked   bool
	over     bool
}

// part is a component that was stored.
type part struct {
	item    Item
	root    snapshot.DirEntry // the component
	listing snapshot.DirEntry
	ids     []manifest.ID
}

// record is what the manifest of a part holds; the tree below it is there to keep kopia from collecting the part.
type record struct {
	Item    Item              `json:"item"`
	Root    snapshot.DirEntry `json:"root"`
	Listing snapshot.DirEntry `json:"listing"`
}

// Begin starts a set, or goes on with one: components Put before, by whatever process, are there again. A name that is sealed already is
// AlreadyExists.
func (r *Repository) Begin(ctx context.Context, set string) (*Session, error) {
	if err := r.usable(true); err != nil {
		return nil, err
	}
	if r.options.Cluster == "" || set == "" {
		return nil, &Error{State: Invalid, Object: set, Err: errors.New("a set needs a name and a cluster")}
	}
	held, err := r.lock(ctx, lockWrite)
	if err != nil {
		return nil, err
	}
	s, err := r.begin(ctx, set)
	if err != nil {
		return nil, errors.Join(err, held.release(ctx))
	}
	s.lock = held
	return s, nil
}

func (r *Repository) begin(ctx context.Context, set string) (*Session, error) {
	if err := r.kopia.Refresh(ctx); err != nil {
		return nil, classified(r.location.String(), "reading", err)
	}
	switch found, err := r.find(ctx, set); {
	case err != nil:
		return nil, err
	case found != nil:
		return nil, &Error{State: AlreadyExists, Object: "set " + set}
	}
	// Writing outlives a cancelled context only as far as the blob that is being written.
	_, w, err := r.kopia.NewDirectWriter(context.WithoutCancel(ctx), repo.WriteSessionOptions{Purpose: "kanrin-set"})
	if err != nil {
		return nil, classified(r.location.String(), "writing to", err)
	}
	s := &Session{r: r, set: set, w: w, from: r.clock.Now(), parts: map[string]part{}}
	if err := s.resume(ctx); err != nil {
		return nil, errors.Join(err, w.Close(ctx))
	}
	return s, nil
}

func (s *Session) source(path string) snapshot.SourceInfo {
	return snapshot.SourceInfo{Host: s.r.options.Cluster, UserName: user, Path: path}
}

// resume finds the parts of an earlier try.
func (s *Session) resume(ctx context.Context) error {
	source := s.source(unfinishedPath)
	ids, err := snapshot.ListSnapshotManifests(ctx, s.r.kopia, &source, map[string]string{tagSet: s.set})
	if err != nil {
		return classified("set "+s.set, "looking for parts of", err)
	}
	for _, id := range ids {
		p, err := s.loadPart(ctx, id)
		if err != nil {
			s.r.log.Warn("part of an unfinished set is not used", "set", s.set, "error", err)
			continue
		}
		if before, ok := s.parts[p.item.Component]; ok {
			p.ids = append(p.ids, before.ids...)
			if before.item.Started.After(p.item.Started) {
				before.ids = p.ids
				p = before
			}
		}
		s.parts[p.item.Component] = p
		if p.item.Started.Before(s.from) {
			s.from = p.item.Started
		}
	}
	return nil
}

func (s *Session) loadPart(ctx context.Context, id manifest.ID) (part, error) {
	p := part{ids: []manifest.ID{id}}
	m, err := snapshot.LoadSnapshot(ctx, s.r.kopia, id)
	if err != nil {
		return p, classified("set "+s.set, "reading part of", err)
	}
	var saved record
	if err := json.Unmarshal([]byte(m.Description), &saved); err != nil {
		return p, &Error{State: Damaged, Object: "set " + s.set, Err: err}
	}
	p.item, p.root, p.listing = saved.Item, saved.Root, saved.Listing
	if _, err := s.r.kopia.VerifyObject(ctx, p.root.ObjectID); err != nil {
		return p, classified("set "+s.set, "reading part of", err)
	}
	return p, nil
}

// Put stores a component with what fn writes, in the place of one of the same name. It is durable when Put returns; after an error of fn
// nothing of it is in the set.
func (s *Session) Put(ctx context.Context, name string, fn func(w *TreeWriter) error) (Item, error) {
	if err := s.check(name); err != nil {
		return Item{}, err
	}
	started := s.r.clock.Now()
	tree := newTree(ctx, s.w, started, sync.OnceValue(func() *component { return s.previousComponent(ctx, name) }))
	if err := fn(tree); err != nil {
		return Item{}, err
	}
	var list listing
	root, err := tree.write(ctx, &list)
	if err != nil {
		return Item{}, err
	}
	return s.keep(ctx, name, started, root, &list, Item{})
}

func (s *Session) check(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over:
		return &Error{State: Invalid, Object: "set " + s.set, Err: errors.New("the session is over")}
	case name == "" || checkPath(name) != nil || name == manifestName || name == digestsName || strings.Contains(name, "/"):
		return &Error{State: Invalid, Object: name, Err: errors.New("not a name for a component")}
	}
	return s.r.usable(true)
}

// keep makes a component durable.
func (s *Session) keep(ctx context.Context, name string, started time.Time, root snapshot.DirEntry, list *listing, item Item) (Item, error) {
	root.Name = name
	p := part{root: root, item: item}
	p.item.Component, p.item.Started, p.item.Duration = name, started.UTC(), s.r.clock.Now().Sub(started)
	for _, l := range list.lines {
		if l.kind != TypeDirectory {
			p.item.Files++
		}
		if l.kind == TypeFile {
			p.item.Bytes += l.size
		}
	}
	var err error
	if p.listing, p.item.Digest, err = s.writeListing(ctx, name, list); err != nil {
		return Item{}, err
	}
	id, err := s.savePart(ctx, p)
	if err != nil {
		return Item{}, classified(name, "storing", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.ids = append(s.parts[name].ids, id)
	s.parts[name] = p
	return p.item, nil
}

func (s *Session) writeListing(ctx context.Context, name string, list *listing) (e snapshot.DirEntry, digest string, err error) {
	var text buffer
	if digest, err = list.write(&text); err != nil {
		return e, "", err
	}
	size := int64(text.Len())
	id, _, err := writeObject(ctx, s.w, "listing of "+name, &text)
	if err != nil {
		return e, "", err
	}
	e = entry(name, snapshot.EntryTypeFile, Attr{Mode: 0o644, ModTime: s.from})
	e.ObjectID, e.FileSize = id, size
	return e, digest, nil
}

func (s *Session) savePart(ctx context.Context, p part) (manifest.ID, error) {
	description, err := json.Marshal(record{p.item, p.root, p.listing})
	if err != nil {
		return "", fmt.Errorf("writing item: %w", err)
	}
	var b snapshotfs.DirManifestBuilder
	root, list := p.root, p.listing
	root.Name, list.Name = "component", "listing"
	b.AddEntry(&root)
	b.AddEntry(&list)
	top, err := writeManifest(ctx, s.w, entry("", snapshot.EntryTypeDirectory, Attr{Mode: 0o755, ModTime: s.from}), &b)
	if err != nil {
		return "", err
	}
	at := kopiafs.UTCTimestampFromTime(s.r.clock.Now())
	id, err := snapshot.SaveSnapshot(ctx, s.w, &snapshot.Manifest{
		Source: s.source(unfinishedPath), Description: string(description), StartTime: at, EndTime: at, IncompleteReason: incomplete,
		RootEntry: &top, Tags: map[string]string{tagSet: s.set, tagComponent: p.item.Component},
	})
	if err != nil {
		return "", err
	}
	return id, s.w.Flush(ctx)
}

// Items are the components stored so far, sorted by name.
func (s *Session) Items() []Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	items := make([]Item, 0, len(s.parts))
	for _, p := range s.parts {
		items = append(items, p.item)
	}
	slices.SortFunc(items, func(a, b Item) int { return cmp.Compare(a.Component, b.Component) })
	return items
}

// Close ends a session without sealing. What was Put stays for the next Begin. After Seal it does nothing.
func (s *Session) Close(ctx context.Context) error {
	s.mu.Lock()
	over := s.over
	s.over = true
	s.mu.Unlock()
	if over {
		return nil
	}
	return s.end(ctx)
}

func (s *Session) end(ctx context.Context) error {
	return errors.Join(classified("set "+s.set, "closing", s.w.Close(context.WithoutCancel(ctx))), s.lock.release(ctx))
}

// previousComponent is the component of the last sealed set; nil when there is none that can be read.
func (s *Session) previousComponent(ctx context.Context, name string) *component {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.looked {
		s.looked = true
		sets, err := s.r.Sets(ctx)
		if err == nil && len(sets) > 0 {
			s.previous, _ = s.r.open(ctx, sets[len(sets)-1])
		}
	}
	if s.previous == nil {
		return nil
	}
	c, err := s.previous.component(ctx, name)
	if err != nil {
		return nil
	}
	return c
}
