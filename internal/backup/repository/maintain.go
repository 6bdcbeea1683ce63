package repository

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/content/indexblob"
	"github.com/kopia/kopia/repo/maintenance"
	"github.com/kopia/kopia/repo/manifest"
	"github.com/kopia/kopia/snapshot"
	"github.com/kopia/kopia/snapshot/snapshotgc"
	"github.com/kopia/kopia/snapshot/snapshotmaintenance"
)

// owner maintains the repository, for kopia.
const owner = user + "@kanrin"

// unfinishedAge is how long parts of a set that was never sealed are kept for going on with it.
const unfinishedAge = 7 * 24 * time.Hour

// MaintainOptions are how space is freed.
type MaintainOptions struct {
	// Alone promises that no other program (kopia's own) works on the repository now: space is then freed at once. Other Kanrins that
	// write are looked for; sets that are open for reading must be opened again. Without it, kopia's waiting times hold: what nothing refers to goes away after a day or two, in several runs.
	Alone bool
}

// Maintenance is what Maintain did.
type Maintenance struct {
	Blobs      int   // fewer than before
	Bytes      int64 // freed
	Unfinished int   // parts of sets that were never sealed, given up
}

// Maintain frees the space of deleted sets and keeps the indexes small. It is Forbidden under AppendOnly, and Locked while another one runs
// or when the repository is maintained by somebody who is not Kanrin.
func (r *Repository) Maintain(ctx context.Context, o MaintainOptions) (_ *Maintenance, err error) {
	if err := r.usable(true); err != nil {
		return nil, err
	}
	if r.options.AppendOnly {
		return nil, &Error{State: Forbidden, Object: r.location.String(), Err: errAppendOnly}
	}
	kind, safety := lockMaintain, maintenance.SafetyFull
	if o.Alone {
		kind, safety = lockAlone, maintenance.SafetyNone
	}
	held, err := r.lock(ctx, kind)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, held.release(ctx)) }()
	before, err := r.usage(ctx)
	if err != nil {
		return nil, err
	}
	m := &Maintenance{}
	if m.Unfinished, err = r.prepare(ctx); err != nil {
		return nil, err
	}
	if err := r.maintain(ctx, safety); err != nil {
		return nil, classified(r.location.String(), "maintaining", err)
	}
	if err := r.saveInventory(ctx, nil); err != nil {
		return nil, err
	}
	if err := r.joinInventory(ctx); err != nil {
		return nil, err
	}
	r.sweep()
	after, err := r.usage(ctx)
	if err != nil {
		return nil, err
	}
	m.Blobs, m.Bytes = before.Blobs-after.Blobs, before.Bytes-after.Bytes
	return m, nil
}

// Usage is what the repository takes on the storage.
type Usage struct {
	Blobs int
	Bytes int64
}

// Usage counts what lies on the storage.
func (r *Repository) Usage(ctx context.Context) (Usage, error) {
	if err := r.usable(false); err != nil {
		return Usage{}, err
	}
	return r.usage(ctx)
}

func (r *Repository) usage(ctx context.Context) (u Usage, err error) {
	err = r.store.ListBlobs(ctx, "", func(m blob.Metadata) error {
		u.Blobs++
		u.Bytes += m.Length
		return nil
	})
	return u, classified(r.location.String(), "listing", err)
}

// prepare makes sure that collecting is safe. kopia leaves a manifest that it cannot read out of account, and would collect what the set
// is made of: here that stops everything.
func (r *Repository) prepare(ctx context.Context) (dropped int, err error) {
	if err := r.kopia.Refresh(ctx); err != nil {
		return 0, classified(r.location.String(), "reading", err)
	}
	p, err := maintenance.GetParams(ctx, r.kopia)
	if err != nil {
		return 0, classified(r.location.String(), "reading owner of", err)
	}
	if p.Owner != "" && !strings.HasPrefix(p.Owner, user+"@") {
		return 0, &Error{State: Locked, Object: "maintained by " + p.Owner}
	}
	found, err := r.kopia.FindManifests(ctx, map[string]string{manifest.TypeLabelKey: snapshot.ManifestType})
	if err != nil {
		return 0, classified(r.location.String(), "listing sets of", err)
	}
	var old []manifest.ID
	for _, e := range found {
		m, err := snapshot.LoadSnapshot(ctx, r.kopia, e.ID)
		if err != nil && !errors.Is(err, snapshot.ErrSnapshotNotFound) {
			return 0, &Error{State: Damaged, Object: "set " + e.Labels[tagSet], Err: err}
		}
		ours := err == nil && m.Source.UserName == user && strings.HasPrefix(m.Source.Path, unfinishedPath) && m.IncompleteReason != ""
		if ours && r.clock.Now().Sub(m.EndTime.ToTime()) > unfinishedAge {
			old = append(old, e.ID)
		}
	}
	if len(old) == 0 {
		return 0, nil
	}
	err = repo.WriteSession(ctx, r.kopia, repo.WriteSessionOptions{Purpose: "kanrin-unfinished"}, func(ctx context.Context, w repo.RepositoryWriter) error {
		for _, id := range old {
			if err := r.deleteManifest(ctx, w, id); err != nil {
				return err
			}
		}
		return nil
	})
	return len(old), classified(r.location.String(), "giving up unfinished sets of", err)
}

func (r *Repository) maintain(ctx context.Context, safety maintenance.SafetyParameters) error {
	// kopia locks a file beside its configuration, which ours does not leave there.
	dir := filepath.Dir(r.kopia.ConfigFilename())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("preparing lock: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	return repo.DirectWriteSession(ctx, r.kopia, repo.WriteSessionOptions{Purpose: "kanrin-maintain"}, func(ctx context.Context, w repo.DirectRepositoryWriter) error {
		if safety.RequireTwoGCCycles {
			return snapshotmaintenance.Run(ctx, w, maintenance.ModeFull, true, safety)
		}
		return maintenance.RunExclusive(ctx, w, maintenance.ModeFull, true, func(ctx context.Context, p maintenance.RunParameters) error {
			return freeAtOnce(ctx, w, p, safety)
		})
	})
}

// freeAtOnce forgets deleted contents before the packs with free room are rewritten: kopia's own order would carry them over into new
// packs, to be freed by a later run.
func freeAtOnce(ctx context.Context, w repo.DirectRepositoryWriter, p maintenance.RunParameters, safety maintenance.SafetyParameters) error {
	if err := snapshotgc.Run(ctx, w, true, safety, p.MaintenanceStartTime); err != nil {
		return err
	}
	if err := w.Flush(ctx); err != nil {
		return err
	}
	// Deletions are told apart by the second, and count from the one after the content's own.
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(2100 * time.Millisecond):
	}
	_, err := w.ContentManager().CompactIndexes(ctx, indexblob.CompactOptions{
		AllIndexes: true, DropDeletedBefore: w.Time(), DisableEventualConsistencySafety: true,
	})
	if err != nil {
		return err
	}
	return maintenance.Run(ctx, p, safety)
}

// joinInventory makes one part of many, without what is not there any more.
func (r *Repository) joinInventory(ctx context.Context) error {
	r.inventory.Lock()
	defer r.inventory.Unlock()
	entries, parts, bad, err := r.loadInventory(ctx)
	if err != nil || len(parts) <= inventoryParts || len(bad) > 0 {
		return err
	}
	present := map[blob.ID]bool{shardsID: true}
	err = r.store.ListBlobs(ctx, "", func(m blob.Metadata) error {
		present[m.BlobID] = true
		return nil
	})
	if err != nil {
		return classified(r.location.String(), "listing", err)
	}
	maps.DeleteFunc(entries, func(id blob.ID, _ sealedBlob) bool {
		return !present[id] && !strings.HasPrefix(string(id), "kopia.")
	})
	if _, err := r.putInventory(ctx, entries); err != nil {
		return err
	}
	for _, id := range parts {
		if err := r.store.DeleteBlob(ctx, id); err != nil {
			return classified(r.location.String(), "joining inventory of", err)
		}
	}
	return nil
}

// sweep removes what a crash left half written on a disk.
func (r *Repository) sweep() {
	d := r.store.disk
	if d == nil {
		return
	}
	_ = fs.WalkDir(d.dir.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || !strings.Contains(e.Name(), ".tmp.") {
			return nil //nolint:nilerr // what cannot be looked at stays
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			_ = d.dir.root.Remove(name)
		}
		return nil
	})
}
