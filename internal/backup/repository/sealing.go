package repository

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	kopiafs "github.com/kopia/kopia/fs"
	"github.com/kopia/kopia/snapshot"
	"github.com/kopia/kopia/snapshot/snapshotfs"
)

// What a set holds beside its components.
const (
	manifestName = "manifest.json"
	digestsName  = "digests" // a directory with the listing of every component
)

// Seal makes the set of all components Put, with manifest.json as given, and ends the session. tags come back with Sets. Either the set is
// there when Seal returns, or (after an error or a crash) all its parts are still there for the next Begin.
func (s *Session) Seal(ctx context.Context, manifestJSON []byte, tags map[string]string) (SetInfo, error) {
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		return SetInfo{}, &Error{State: Invalid, Object: "set " + s.set, Err: errors.New("the session is over")}
	}
	parts := maps.Clone(s.parts)
	s.mu.Unlock()
	m, err := s.snapshot(ctx, manifestJSON, tags, parts)
	if err != nil {
		return SetInfo{}, err
	}
	if err := s.commit(ctx, m, parts); err != nil {
		return SetInfo{}, classified("set "+s.set, "sealing", err)
	}
	info := infoOf(m)
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	// The set is sealed from here on; what fails below is caught up by the next inventory.
	if err := s.inventory(ctx, info); err != nil {
		s.r.log.Warn("inventory not written", "set", s.set, "error", err)
	}
	return info, s.end(ctx)
}

// snapshot builds the top directory and stores everything but the manifest that makes it a set.
func (s *Session) snapshot(ctx context.Context, manifestJSON []byte, tags map[string]string, parts map[string]part) (*snapshot.Manifest, error) {
	attr := Attr{Mode: 0o755, ModTime: s.from}
	var top, digests snapshotfs.DirManifestBuilder
	m := &snapshot.Manifest{
		Source: s.source(setsPath), Description: s.set, StartTime: kopiafs.UTCTimestampFromTime(s.from),
		Tags: map[string]string{tagSet: s.set, tagFormat: strconv.Itoa(setFormat)},
	}
	for k, v := range tags {
		m.Tags[tagUser+k] = v
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		p := parts[name]
		top.AddEntry(&p.root)
		digests.AddEntry(&p.listing)
	}
	listings, err := writeManifest(ctx, s.w, entry(digestsName, snapshot.EntryTypeDirectory, attr), &digests)
	if err != nil {
		return nil, err
	}
	top.AddEntry(&listings)
	id, info, err := writeObject(ctx, s.w, manifestName, bytes.NewReader(manifestJSON))
	if err != nil {
		return nil, err
	}
	file := entry(manifestName, snapshot.EntryTypeFile, Attr{Mode: 0o644, ModTime: s.r.clock.Now()})
	file.ObjectID, file.FileSize = id, info.Size
	top.AddEntry(&file)
	root, err := writeManifest(ctx, s.w, entry(s.set, snapshot.EntryTypeDirectory, attr), &top)
	if err != nil {
		return nil, err
	}
	m.RootEntry = &root
	m.Stats.TotalFileCount = int32(min(root.DirSummary.TotalFileCount, 1<<31-1))
	m.Stats.TotalFileSize = root.DirSummary.TotalFileSize
	m.Stats.TotalDirectoryCount = int32(min(root.DirSummary.TotalDirCount, 1<<31-1))
	// All of it on the storage before anything calls it a set.
	return m, classified("set "+s.set, "storing", s.w.Flush(ctx))
}

// commit makes the set appear and its parts disappear, in one write.
func (s *Session) commit(ctx context.Context, m *snapshot.Manifest, parts map[string]part) error {
	// A set of the same name may have been sealed by somebody else meanwhile.
	if err := s.r.kopia.Refresh(ctx); err != nil {
		return err
	}
	if found, err := s.r.find(ctx, s.set); err != nil || found != nil {
		if found != nil {
			err = &Error{State: AlreadyExists, Object: "set " + s.set}
		}
		return err
	}
	m.EndTime = kopiafs.UTCTimestampFromTime(s.r.clock.Now())
	id, err := snapshot.SaveSnapshot(ctx, s.w, m)
	if err != nil {
		return err
	}
	m.ID = id
	for _, p := range parts {
		for _, id := range p.ids {
			if err := s.r.deleteManifest(ctx, s.w, id); err != nil {
				return fmt.Errorf("removing part: %w", err)
			}
		}
	}
	return s.w.Flush(ctx)
}

func infoOf(m *snapshot.Manifest) SetInfo {
	info := SetInfo{
		Name: m.Tags[tagSet], ID: string(m.ID), Cluster: m.Source.Host, Start: m.StartTime.ToTime().UTC(), End: m.EndTime.ToTime().UTC(),
		Tags: map[string]string{}, manifest: m,
	}
	info.Format, _ = strconv.Atoi(m.Tags[tagFormat])
	if m.RootEntry != nil && m.RootEntry.DirSummary != nil {
		info.Files, info.Bytes = m.RootEntry.DirSummary.TotalFileCount, m.RootEntry.DirSummary.TotalFileSize
	}
	for k, v := range m.Tags {
		if name, ours := strings.CutPrefix(k, tagUser); ours {
			info.Tags[name] = v
		}
	}
	return info
}
