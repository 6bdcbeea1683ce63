package repository

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/manifest"
	"github.com/kopia/kopia/snapshot"
)

// SetInfo is a sealed set.
type SetInfo struct {
	Name    string
	ID      string // kopia's, for its own program
	Cluster string
	Start   time.Time
	End     time.Time
	Files   int64
	Bytes   int64 // of all files, before deduplication and compression
	Format  int   // newer ones than this version knows cannot be opened
	Tags    map[string]string

	manifest *snapshot.Manifest
}

// Sets are the sealed sets of the cluster that the repository was opened for, or of all, oldest first.
func (r *Repository) Sets(ctx context.Context) ([]SetInfo, error) {
	if err := r.usable(false); err != nil {
		return nil, err
	}
	if err := r.kopia.Refresh(ctx); err != nil {
		return nil, classified(r.location.String(), "reading", err)
	}
	return r.sets(ctx, nil)
}

func (r *Repository) sets(ctx context.Context, tags map[string]string) ([]SetInfo, error) {
	manifests, err := r.manifests(ctx, setsPath, tags)
	if err != nil {
		return nil, err
	}
	var sets []SetInfo
	for _, m := range manifests {
		if m.Tags[tagSet] != "" && m.IncompleteReason == "" {
			sets = append(sets, infoOf(m))
		}
	}
	slices.SortFunc(sets, func(a, b SetInfo) int {
		return cmp.Or(a.Start.Compare(b.Start), strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return sets, nil
}

// manifests reads kopia's snapshots of one path. One that cannot be read is an error here, never left out.
func (r *Repository) manifests(ctx context.Context, path string, tags map[string]string) ([]*snapshot.Manifest, error) {
	labels := map[string]string{
		manifest.TypeLabelKey: snapshot.ManifestType, snapshot.UsernameLabel: user, snapshot.PathLabel: path,
	}
	if r.options.Cluster != "" {
		labels[snapshot.HostnameLabel] = r.options.Cluster
	}
	for k, v := range tags {
		labels[k] = v
	}
	found, err := r.kopia.FindManifests(ctx, labels)
	if err != nil {
		return nil, classified(r.location.String(), "listing sets of", err)
	}
	manifests := make([]*snapshot.Manifest, 0, len(found))
	for _, e := range found {
		m, err := snapshot.LoadSnapshot(ctx, r.kopia, e.ID)
		if errors.Is(err, snapshot.ErrSnapshotNotFound) {
			continue // deleted since
		}
		if err != nil {
			return nil, classified("set "+e.Labels[tagSet], "reading manifest of", err)
		}
		manifests = append(manifests, m)
	}
	return manifests, nil
}

// find looks for a sealed set by name; nil when there is none. Of several, by a race of two servers, it is the last.
func (r *Repository) find(ctx context.Context, name string) (*SetInfo, error) {
	sets, err := r.sets(ctx, map[string]string{tagSet: name})
	if err != nil || len(sets) == 0 {
		return nil, err
	}
	return &sets[len(sets)-1], nil
}

// OpenSet opens a sealed set for reading.
func (r *Repository) OpenSet(ctx context.Context, name string) (*Set, error) {
	if err := r.usable(false); err != nil {
		return nil, err
	}
	if err := r.kopia.Refresh(ctx); err != nil {
		return nil, classified(r.location.String(), "reading", err)
	}
	info, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if info == nil {
		return nil, &Error{State: NotFound, Object: "set " + name}
	}
	return r.open(ctx, *info)
}

// DeleteSet removes a set. The space it took is freed by Maintain, later. Deleting what is not there is NotFound.
func (r *Repository) DeleteSet(ctx context.Context, name string) error {
	if err := r.usable(true); err != nil {
		return err
	}
	if r.options.AppendOnly {
		return &Error{State: Forbidden, Object: "set " + name, Err: errAppendOnly}
	}
	if err := r.kopia.Refresh(ctx); err != nil {
		return classified(r.location.String(), "reading", err)
	}
	sets, err := r.sets(ctx, map[string]string{tagSet: name})
	if err != nil {
		return err
	}
	if len(sets) == 0 {
		return &Error{State: NotFound, Object: "set " + name}
	}
	err = repo.WriteSession(ctx, r.kopia, repo.WriteSessionOptions{Purpose: "kanrin-delete"}, func(ctx context.Context, w repo.RepositoryWriter) error {
		for _, s := range sets {
			if err := r.deleteManifest(ctx, w, manifest.ID(s.ID)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return classified("set "+name, "deleting", err)
	}
	return r.saveInventory(ctx, nil)
}

// deleteManifest makes sure that the deletion counts as later than what it deletes.
func (r *Repository) deleteManifest(ctx context.Context, w repo.RepositoryWriter, id manifest.ID) error {
	e, err := w.GetManifest(ctx, id, nil)
	if errors.Is(err, manifest.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading manifest %s: %w", id, err)
	}
	r.clock.after(e.ModTime)
	return w.DeleteManifest(ctx, id)
}
