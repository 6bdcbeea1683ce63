package repository

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/content"
	"github.com/kopia/kopia/repo/format"
	"golang.org/x/sync/errgroup"
)

// Report is what Verify found.
type Report struct {
	Sets     int
	Objects  int   // files, links and directories, each content of which was looked up
	Contents int   // decrypted and decompressed (with readData)
	Blobs    int   // looked at
	Bytes    int64 // read (with readData)
	Unlisted int   // blobs that no inventory lists, made by another program or just before a crash; checked by kopia's means alone
	Problems []Problem
	Duration time.Duration
}

// OK says that no problem was found.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// Fault is what is wrong with something stored.
type Fault string

// The faults.
const (
	Missing    Fault = "Missing"    // it is not there
	Truncated  Fault = "Truncated"  // its size is not the one that was written
	Altered    Fault = "Altered"    // its bytes are not those that were written
	Unreadable Fault = "Unreadable" // it cannot be read or understood
)

// Problem is something stored that is not as it was written.
type Problem struct {
	Fault  Fault
	Object string   // a blob, or "set NAME: path"
	Sets   []string // that rest on it, where known
	Err    error
}

const problemLimit = 1000 // more of them say nothing new

// Verify checks a set, or with "" the whole repository: that every blob it rests on is there with the size it was written with, and that
// every object can be put together. With readData every byte of those blobs is read and compared with what was written, and every content
// is decrypted. An error means that the check itself could not be made.
func (r *Repository) Verify(ctx context.Context, readData bool, set string) (*Report, error) {
	if err := r.usable(false); err != nil {
		return nil, err
	}
	began := time.Now()
	v := &verifier{r: r, kopia: r.kopia, read: readData, report: &Report{}, packs: map[blob.ID][]content.ID{}}
	// What a cache holds proves nothing about the storage.
	if readData && r.caching().CacheDirectory != "" {
		direct, err := r.connect(ctx, &content.CachingOptions{})
		if err != nil {
			return nil, classified(r.location.String(), "opening", err)
		}
		defer direct.Close(context.WithoutCancel(ctx))
		v.kopia = direct
	}
	if err := v.run(ctx, set); err != nil {
		return nil, err
	}
	v.report.Duration = time.Since(began)
	if len(v.adopted) > 0 && r.usable(true) == nil {
		if err := r.saveInventory(ctx, v.adopted); err != nil {
			r.log.Warn("inventory not written", "repository", r.location.String(), "error", err)
		}
	}
	return v.report, nil
}

type verifier struct {
	r     *Repository
	kopia repo.DirectRepository
	read  bool
	adopt bool // only what is not in the inventory yet

	inventory map[blob.ID]sealedBlob
	present   map[blob.ID]blob.Metadata

	mu      sync.Mutex
	report  *Report
	packs   map[blob.ID][]content.ID // by pack, what is needed of it
	adopted map[blob.ID]sealedBlob
}

func (v *verifier) problem(f Fault, object string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.report.Problems) < problemLimit {
		v.report.Problems = append(v.report.Problems, Problem{Fault: f, Object: object, Err: err})
	}
}

// fault tells damage, which is a finding, from a storage that cannot be asked, which is not.
func (v *verifier) fault(ctx context.Context, object string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	state := StateOf(err)
	if state == "" {
		state = classify(err)
	}
	switch state {
	case Unreachable, Forbidden, NoSpace, Newer, Locked:
		return classified(object, "reading", err)
	}
	f := Unreadable
	if errors.Is(err, blob.ErrBlobNotFound) || errors.Is(err, content.ErrContentNotFound) {
		f = Missing
	}
	v.problem(f, object, err)
	return nil
}

func (v *verifier) run(ctx context.Context, set string) error {
	if err := v.load(ctx); err != nil {
		return err
	}
	if err := v.objects(ctx, set); err != nil {
		return err
	}
	if err := v.blobs(ctx, v.needed(set == "")); err != nil {
		return err
	}
	return v.attribute(ctx)
}

// load reads the inventory and lists the storage.
func (v *verifier) load(ctx context.Context) error {
	entries, _, bad, err := v.r.loadInventory(ctx)
	if err != nil {
		return err
	}
	for id, err := range bad {
		v.problem(Altered, "blob "+string(id), err)
	}
	v.inventory, v.present = entries, map[blob.ID]blob.Metadata{}
	err = v.r.store.ListBlobs(ctx, "", func(m blob.Metadata) error {
		v.present[m.BlobID] = m
		return nil
	})
	if err != nil {
		return classified(v.r.location.String(), "listing", err)
	}
	if err := v.kopia.Refresh(ctx); err != nil {
		return v.fault(ctx, "index", err)
	}
	return nil
}

// needed are the blobs to look at: those that the sets rest on, and of the whole repository all that were ever written down.
func (v *verifier) needed(all bool) []blob.ID {
	ids := map[blob.ID]bool{format.KopiaRepositoryBlobID: true}
	for id := range v.packs {
		ids[id] = true
	}
	for id := range v.present {
		_, listed := v.inventory[id]
		switch {
		case passing(id):
		case isPack(id):
			ids[id] = ids[id] || all && listed
		default:
			ids[id] = true // indexes and formats belong to every set
		}
	}
	for id := range v.inventory {
		// These are never removed. A repository that was copied from a disk to another kind of storage needs no directories.
		if id == shardsID && v.r.store.disk != nil || strings.HasPrefix(string(id), "kopia.") {
			ids[id] = true
		}
	}
	needed := slices.Collect(maps.Keys(ids))
	slices.Sort(needed)
	return slices.DeleteFunc(needed, func(id blob.ID) bool { return !ids[id] })
}

func isPack(id blob.ID) bool {
	return strings.HasPrefix(string(id), "p") || strings.HasPrefix(string(id), "q")
}

func (v *verifier) blobs(ctx context.Context, ids []blob.ID) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(2, min(4, runtime.NumCPU())))
	for _, id := range ids {
		if _, listed := v.inventory[id]; v.adopt && listed {
			continue
		}
		group.Go(func() error { return v.blob(ctx, id) })
	}
	return group.Wait()
}

func (v *verifier) blob(ctx context.Context, id blob.ID) error {
	name := "blob " + string(id)
	want, listed := v.inventory[id]
	m, there := v.present[id]
	v.mu.Lock()
	v.report.Blobs++
	if !listed {
		v.report.Unlisted++
	}
	v.mu.Unlock()
	if id != shardsID {
		if !there {
			v.problem(Missing, name, nil)
			return nil
		}
		if listed && m.Length != want.Size {
			v.problem(Truncated, name, fmt.Errorf("%d bytes instead of %d", m.Length, want.Size))
			return nil
		}
		if !v.read {
			return nil
		}
	}
	data, err := v.r.readStored(ctx, id)
	if err != nil {
		return v.fault(ctx, name, err)
	}
	got := sealedBlob{Size: int64(len(data)), SHA256: sha256.Sum256(data)}
	v.mu.Lock()
	v.report.Bytes += got.Size
	v.mu.Unlock()
	if listed && got != want {
		v.problem(Altered, name, nil)
		return nil
	}
	if id == shardsID {
		return nil
	}
	whole, err := v.contents(ctx, id, data)
	if whole && !listed {
		v.mu.Lock()
		if v.adopted == nil {
			v.adopted = map[blob.ID]sealedBlob{}
		}
		v.adopted[id] = got
		v.mu.Unlock()
	}
	return err
}

// contents decrypts what is needed of a pack, out of the bytes that were just read.
func (v *verifier) contents(ctx context.Context, id blob.ID, data []byte) (whole bool, err error) {
	v.r.store.serve(id, data)
	defer v.r.store.serve(id, nil)
	whole = true
	for _, c := range v.packs[id] {
		if _, err := v.kopia.ContentReader().GetContent(ctx, c); err != nil {
			whole = false
			if err := v.fault(ctx, fmt.Sprintf("content %s of blob %s", c, id), err); err != nil {
				return false, err
			}
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.report.Contents += len(v.packs[id])
	return whole, nil
}
