package repository

import (
	"context"
	"path"
	"slices"
	"strings"

	kopiafs "github.com/kopia/kopia/fs"
	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/content"
	"github.com/kopia/kopia/repo/manifest"
	"github.com/kopia/kopia/repo/object"
	"github.com/kopia/kopia/snapshot"
	"github.com/kopia/kopia/snapshot/snapshotfs"
)

// objects walks through the sets and finds every content they are made of, and the pack it is in.
func (v *verifier) objects(ctx context.Context, set string) error {
	known := map[object.ID]bool{}
	contents := map[content.ID]bool{}
	if err := v.manifests(ctx, contents); err != nil {
		return err
	}
	snapshots, err := v.snapshots(ctx, set)
	if err != nil {
		return err
	}
	for _, m := range snapshots {
		v.report.Sets++
		name := m.Tags[tagSet]
		if name == "" {
			name = string(m.ID)
		}
		if m.RootEntry == nil {
			v.problem(Unreadable, "set "+name, nil)
			continue
		}
		w := objectWalk{v, "set " + name + ": ", known, contents}
		if err := w.entry(ctx, snapshotfs.EntryFromDirEntry(v.kopia, m.RootEntry), "."); err != nil {
			return err
		}
	}
	return nil
}

// snapshots are the manifests to look at. Those of the whole repository include unfinished parts and what other programs stored.
func (v *verifier) snapshots(ctx context.Context, set string) ([]*snapshot.Manifest, error) {
	labels := map[string]string{manifest.TypeLabelKey: snapshot.ManifestType}
	if set != "" {
		labels[tagSet], labels[snapshot.PathLabel] = set, setsPath
		if v.r.options.Cluster != "" {
			labels[snapshot.HostnameLabel] = v.r.options.Cluster
		}
	}
	found, err := v.kopia.FindManifests(ctx, labels)
	if err != nil {
		return nil, v.fault(ctx, "manifests", err)
	}
	var out []*snapshot.Manifest
	for _, e := range found {
		m, err := snapshot.LoadSnapshot(ctx, v.kopia, e.ID)
		if err != nil {
			if err := v.fault(ctx, "set "+e.Labels[tagSet], err); err != nil {
				return nil, err
			}
			continue
		}
		out = append(out, m)
	}
	if set != "" && len(out) == 0 && v.report.OK() {
		return nil, &Error{State: NotFound, Object: "set " + set}
	}
	return out, nil
}

// manifests are contents of their own, which nothing but the index refers to.
func (v *verifier) manifests(ctx context.Context, contents map[content.ID]bool) error {
	err := v.kopia.ContentReader().IterateContents(ctx, content.IterateOptions{
		Range: content.IDRange{StartID: manifest.ContentPrefix, EndID: manifest.ContentPrefix + "~"},
	}, func(i content.Info) error {
		contents[i.ContentID] = true
		v.packs[i.PackBlobID] = append(v.packs[i.PackBlobID], i.ContentID)
		return nil
	})
	if err != nil {
		return v.fault(ctx, "index", err)
	}
	return nil
}

type objectWalk struct {
	v        *verifier
	prefix   string
	known    map[object.ID]bool
	contents map[content.ID]bool
}

func (w objectWalk) entry(ctx context.Context, e kopiafs.Entry, at string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	has, ok := e.(snapshot.HasDirEntry)
	if !ok {
		w.v.problem(Unreadable, w.prefix+at, nil)
		return nil
	}
	id := has.DirEntry().ObjectID
	if w.known[id] {
		return nil
	}
	w.known[id] = true
	w.v.report.Objects++
	ids, err := w.v.kopia.VerifyObject(ctx, id)
	if err != nil {
		return w.v.fault(ctx, w.prefix+at, err)
	}
	for _, c := range ids {
		if w.contents[c] {
			continue
		}
		w.contents[c] = true
		i, err := w.v.kopia.ContentInfo(ctx, c)
		if err != nil {
			if err := w.v.fault(ctx, w.prefix+at, err); err != nil {
				return err
			}
			continue
		}
		w.v.packs[i.PackBlobID] = append(w.v.packs[i.PackBlobID], c)
	}
	dir, ok := e.(kopiafs.Directory)
	if !ok {
		return nil
	}
	children, err := kopiafs.GetAllEntries(ctx, dir)
	if err != nil {
		return w.v.fault(ctx, w.prefix+at, err)
	}
	for _, child := range children {
		if err := w.entry(ctx, child, path.Join(at, child.Name())); err != nil {
			return err
		}
	}
	return nil
}

// attribute says which sets rest on the packs that have a problem.
func (v *verifier) attribute(ctx context.Context) error {
	bad := map[blob.ID]*Problem{}
	for i := range v.report.Problems {
		p := &v.report.Problems[i]
		name, isBlob := strings.CutPrefix(p.Object, "blob ")
		if isBlob && isPack(blob.ID(name)) {
			bad[blob.ID(name)] = p
		}
	}
	if len(bad) == 0 || v.adopt {
		return nil
	}
	snapshots, err := v.snapshots(ctx, "")
	if err != nil {
		return err
	}
	for _, m := range snapshots {
		name := m.Tags[tagSet]
		if name == "" || m.IncompleteReason != "" || m.RootEntry == nil {
			continue
		}
		one := &verifier{r: v.r, kopia: v.kopia, report: &Report{}, packs: map[blob.ID][]content.ID{}}
		w := objectWalk{one, "", map[object.ID]bool{}, map[content.ID]bool{}}
		if err := w.entry(ctx, snapshotfs.EntryFromDirEntry(v.kopia, m.RootEntry), "."); err != nil {
			return err
		}
		for id := range one.packs {
			if p := bad[id]; p != nil && !slices.Contains(p.Sets, name) {
				p.Sets = append(p.Sets, name)
			}
		}
	}
	return nil
}

// inventory writes down what the sealed set rests on: what this session wrote, and what a crash before it left unlisted.
func (s *Session) inventory(ctx context.Context, info SetInfo) error {
	r := s.r
	entries, _, _, err := r.loadInventory(ctx)
	if err != nil {
		return err
	}
	unlisted := false
	err = r.store.ListBlobs(ctx, "", func(m blob.Metadata) error {
		_, listed := entries[m.BlobID]
		unlisted = unlisted || !listed && !passing(m.BlobID)
		return nil
	})
	if err != nil {
		return classified(r.location.String(), "listing", err)
	}
	if !unlisted {
		return r.saveInventory(ctx, nil)
	}
	v := &verifier{r: r, kopia: r.kopia, read: true, adopt: true, report: &Report{}, packs: map[blob.ID][]content.ID{}}
	if err := v.run(ctx, info.Name); err != nil {
		return err
	}
	return r.saveInventory(ctx, v.adopted)
}
