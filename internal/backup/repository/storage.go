package repository

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"

	"github.com/kopia/kopia/repo/blob"
)

// storageType is how kopia's configuration names our storage; it says nothing but which of the open ones is meant, so that no credential is
// ever written to a file.
const storageType = "kanrin"

type handle struct {
	Handle string `json:"handle"`
}

var opened = struct {
	sync.Mutex
	storages map[string]*storage
}{storages: map[string]*storage{}}

func init() {
	blob.AddSupportedStorage(storageType, handle{}, func(_ context.Context, h *handle, _ bool) (blob.Storage, error) {
		opened.Lock()
		defer opened.Unlock()
		s := opened.storages[h.Handle]
		if s == nil {
			return nil, fmt.Errorf("storage %q is not open", h.Handle)
		}
		return borrowed{s}, nil
	})
}

// borrowed is the storage in kopia's hands: it stays open after kopia is done with it, or has failed to open what is there.
type borrowed struct{ *storage }

func (borrowed) Close(context.Context) error { return nil }

// storage stands between kopia and the place: it learns what is written, and keeps what may not be changed from being changed.
type storage struct {
	blob.Storage
	disk       *disk // the place itself, where it is one
	handle     string
	readOnly   bool
	appendOnly bool

	mu      sync.Mutex
	written map[blob.ID]sealedBlob // since the last inventory
	serving map[blob.ID][]byte     // blobs in memory, parts of which are being read while the whole is verified
}

// sealedBlob is what the inventory knows about a blob.
type sealedBlob struct {
	Size   int64
	SHA256 [sha256.Size]byte
}

func register(place blob.Storage, o Options) *storage {
	base := place
	if o.wrap != nil {
		base = o.wrap(place)
	}
	s := &storage{Storage: base, handle: rand.Text(), readOnly: o.ReadOnly, appendOnly: o.AppendOnly, written: map[blob.ID]sealedBlob{}, serving: map[blob.ID][]byte{}}
	s.disk, _ = place.(*disk)
	opened.Lock()
	defer opened.Unlock()
	opened.storages[s.handle] = s
	return s
}

func (s *storage) ConnectionInfo() blob.ConnectionInfo {
	return blob.ConnectionInfo{Type: storageType, Config: &handle{s.handle}}
}

func (s *storage) IsReadOnly() bool { return s.readOnly }

func (s *storage) Close(ctx context.Context) error {
	opened.Lock()
	delete(opened.storages, s.handle)
	opened.Unlock()
	return s.Storage.Close(ctx)
}

func (s *storage) PutBlob(ctx context.Context, id blob.ID, data blob.Bytes, opts blob.PutOptions) error {
	if s.readOnly {
		return errReadOnly
	}
	if passing(id) {
		return s.Storage.PutBlob(ctx, id, data, opts)
	}
	h := sha256.New()
	size, err := data.WriteTo(h)
	if err != nil {
		return fmt.Errorf("hashing blob %s: %w", id, err)
	}
	if err := s.Storage.PutBlob(ctx, id, data, opts); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written[id] = sealedBlob{Size: size, SHA256: [sha256.Size]byte(h.Sum(nil))}
	return nil
}

func (s *storage) DeleteBlob(ctx context.Context, id blob.ID) error {
	switch {
	case s.readOnly:
		return errReadOnly
	case s.appendOnly && !passing(id):
		return errAppendOnly
	}
	err := s.Storage.DeleteBlob(ctx, id)
	if s.appendOnly && err != nil && ctx.Err() == nil {
		return nil // the storage itself may be append-only; markers go stale by themselves
	}
	if err == nil {
		s.mu.Lock()
		delete(s.written, id)
		s.mu.Unlock()
	}
	return err
}

func (s *storage) GetBlob(ctx context.Context, id blob.ID, offset, length int64, output blob.OutputBuffer) error {
	s.mu.Lock()
	held, ok := s.serving[id]
	s.mu.Unlock()
	if !ok || length < 0 {
		return s.Storage.GetBlob(ctx, id, offset, length, output)
	}
	if offset < 0 || offset+length > int64(len(held)) {
		return blob.ErrInvalidRange
	}
	output.Reset()
	_, err := output.Write(held[offset : offset+length])
	return err
}

// serve lets parts of a blob come from memory until it is called with nil.
func (s *storage) serve(id blob.ID, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if data == nil {
		delete(s.serving, id)
		return
	}
	s.serving[id] = data
}

// unlisted returns what was written since the last inventory.
func (s *storage) unlisted() map[blob.ID]sealedBlob {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.written)
}

// listed forgets what has come into an inventory.
func (s *storage) listed(entries map[blob.ID]sealedBlob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, e := range entries {
		if s.written[id] == e {
			delete(s.written, id)
		}
	}
}

// passing blobs come and go by themselves: no set rests on them, and the inventory does not list them.
func passing(id blob.ID) bool {
	for _, prefix := range []string{"s", "_log_", "kopia.maintenance", lockPrefix, inventoryPrefix} {
		if strings.HasPrefix(string(id), prefix) {
			return true
		}
	}
	return false
}

// buffer is kopia's blob.OutputBuffer.
type buffer struct{ bytes.Buffer }

func (b *buffer) Length() int { return b.Len() }

// raw is kopia's blob.Bytes.
type raw []byte

func (r raw) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(r)
	return int64(n), err
}
func (r raw) Length() int               { return len(r) }
func (r raw) Reader() io.ReadSeekCloser { return rawReader{bytes.NewReader(r)} }

type rawReader struct{ *bytes.Reader }

func (rawReader) Close() error { return nil }

// readBlob reads a whole blob.
func readBlob(ctx context.Context, s blob.Reader, id blob.ID) ([]byte, error) {
	var b buffer
	if err := s.GetBlob(ctx, id, 0, -1, &b); err != nil {
		if errors.Is(err, blob.ErrBlobNotFound) {
			return nil, blob.ErrBlobNotFound
		}
		return nil, fmt.Errorf("reading blob %s: %w", id, err)
	}
	return b.Bytes(), nil
}

// shardsID stands for the file that says in which directories a disk's blobs lie. It is no blob, but nothing is found without it.
const shardsID blob.ID = ".shards"

// readStored reads a blob, or the file .shards of a disk.
func (r *Repository) readStored(ctx context.Context, id blob.ID) ([]byte, error) {
	if id != shardsID {
		return readBlob(ctx, r.store, id)
	}
	if r.store.disk == nil {
		return nil, blob.ErrBlobNotFound
	}
	data, err := r.store.disk.dir.root.ReadFile(string(shardsID))
	if err != nil {
		return nil, r.store.disk.dir.missing(err)
	}
	return data, nil
}
