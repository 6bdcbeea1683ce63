package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/archive"
	"kanrin.dev/kanrin/internal/backup/object"
	"kanrin.dev/kanrin/internal/backup/repository"
	"kanrin.dev/kanrin/internal/backup/snapshot"
)

// Set is one set, open for reading.
type Set struct {
	Backup   *v1alpha1.Backup
	Policy   *v1alpha1.BackupPolicy
	Manifest *Manifest
	// Raw are the bytes of the manifest.
	Raw []byte

	store   *Store
	set     *repository.Set
	secrets *Secrets

	mu       sync.Mutex
	snapshot *repository.Reader
	keys     *object.Keys
}

// maxIndex bounds the index of a set: some ten million objects.
const maxIndex = 2 << 30

// Close ends the reading.
func (s *Set) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.snapshot != nil {
		err = s.snapshot.Close()
		s.snapshot = nil
	}
	return err
}

// Stored gives access to the set in its repository.
func (s *Set) Stored() *repository.Set { return s.set }

// Secrets of the set's policy.
func (s *Set) Secrets() *Secrets { return s.secrets }

// file opens a file of the set; one that is not there is fs.ErrNotExist too.
func (s *Set) file(ctx context.Context, path string) (*repository.Reader, error) {
	f, err := s.set.Open(ctx, path)
	if repository.StateOf(err) == repository.NotFound {
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return f, err
}

// Open opens a file of the set.
func (s *Set) Open(ctx context.Context, path string) (io.ReadCloser, int64, error) {
	f, err := s.file(ctx, path)
	if err != nil {
		return nil, 0, err
	}
	return f, f.Size(), nil
}

// Unseal opens a file that was sealed.
func (s *Set) Unseal(ctx context.Context, path string) (io.ReadCloser, error) {
	f, err := s.file(ctx, path)
	if err != nil {
		return nil, err
	}
	r, err := archive.Unseal(f, s.secrets.Identity)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening %s of set %s: %w", path, s.Backup.Name, err), f.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{r, f}, nil
}

// ErrNoEtcd is the error of sets that hold no etcd snapshot.
var ErrNoEtcd = errors.New("the set holds no etcd snapshot")

// Index of the etcd snapshot.
func (s *Set) Index(ctx context.Context) (*snapshot.Index, error) {
	if s.Manifest.Etcd == nil {
		return nil, ErrNoEtcd
	}
	return s.store.cached(s.Backup.Namespace+"/"+s.Backup.Name+"/"+s.Manifest.Etcd.SHA256, func() (*snapshot.Index, error) {
		f, err := s.file(ctx, IndexPath)
		if errors.Is(err, fs.ErrNotExist) { // made again from the snapshot
			db, err := s.db(ctx)
			if err != nil {
				return nil, err
			}
			x, _, err := snapshot.Build(ctx, db, db.Size(), snapshot.Options{})
			return x, err
		}
		if err != nil {
			return nil, err
		}
		defer f.Close() //nolint:errcheck // only read from
		return snapshot.ReadIndex(f, maxIndex)
	})
}

// db is the etcd snapshot.
func (s *Set) db(ctx context.Context) (*repository.Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.snapshot == nil {
		f, err := s.set.Open(context.WithoutCancel(ctx), SnapshotPath)
		if err != nil {
			return nil, err
		}
		s.snapshot = f
	}
	return s.snapshot, nil
}

// Encryption is the API server's EncryptionConfiguration, nil when it has none.
func (s *Set) Encryption(ctx context.Context) ([]byte, error) {
	if s.Manifest.Etcd == nil || s.Manifest.Etcd.Encryption == "" {
		return nil, nil
	}
	r, err := s.Unseal(ctx, s.Manifest.Etcd.Encryption)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // only read from
	return io.ReadAll(io.LimitReader(r, 1<<20))
}

// decryption are the keys with which values are read.
func (s *Set) decryption(ctx context.Context) (*object.Keys, error) {
	s.mu.Lock()
	keys := s.keys
	s.mu.Unlock()
	if keys != nil {
		return keys, nil
	}
	config, err := s.Encryption(ctx)
	if err != nil {
		return nil, err
	}
	if keys, err = object.LoadKeys(config); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.keys = keys
	s.mu.Unlock()
	return keys, nil
}

// Object reads one object of the snapshot. The error is fs.ErrNotExist when it was not there.
func (s *Set) Object(ctx context.Context, name snapshot.Name) (*unstructured.Unstructured, error) {
	x, err := s.Index(ctx)
	if err != nil {
		return nil, err
	}
	e, ok := x.Lookup(name)
	if !ok {
		return nil, fmt.Errorf("%s in set %s: %w", name, s.Backup.Name, fs.ErrNotExist)
	}
	return s.At(ctx, e)
}

// At reads the object of an entry of the index.
func (s *Set) At(ctx context.Context, e snapshot.Entry) (*unstructured.Unstructured, error) {
	db, err := s.db(ctx)
	if err != nil {
		return nil, err
	}
	value, err := snapshot.Value(db, e)
	if err != nil {
		return nil, err
	}
	keys, err := s.decryption(ctx)
	if err != nil {
		return nil, err
	}
	if value, err = keys.Decrypt(e.Key, value); err != nil {
		return nil, fmt.Errorf("decrypting %s of set %s: %w", e.Key, s.Backup.Name, err)
	}
	u, err := object.Decode(value)
	if err != nil {
		return nil, fmt.Errorf("reading %s of set %s: %w", e.Key, s.Backup.Name, err)
	}
	return u, nil
}

// Verify reads all of the set and compares it with what was written.
func (s *Set) Verify(ctx context.Context) error {
	repo, _, err := s.store.Repository(ctx, s.Policy)
	if err != nil {
		return err
	}
	report, err := repo.Verify(ctx, true, s.Backup.Name)
	if err != nil {
		return err
	}
	if s.Backup.Status.Digest != "" && s.Backup.Status.Digest != Digest(s.Raw) {
		return fmt.Errorf("set %s: its manifest is not the one that was recorded", s.Backup.Name)
	}
	if !report.OK() {
		return &repository.Error{State: repository.Damaged, Object: report.Problems[0].Object, Err: errors.New(report.Problems[0].String())}
	}
	return nil
}

// Dump opens the one file of a component that is the output of a program, unsealed when it was sealed.
func (s *Set) Dump(ctx context.Context, component string) (content io.ReadCloser, size int64, err error) {
	var file string
	err = s.set.Walk(ctx, component, func(name string, e repository.Entry) error {
		if e.Type == repository.TypeFile {
			file, size = name, e.Size
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	if file == "" {
		return nil, 0, fmt.Errorf("component %s of set %s: %w", component, s.Backup.Name, fs.ErrNotExist)
	}
	if strings.HasSuffix(file, ".age") {
		content, err = s.Unseal(ctx, file)
		return content, size, err
	}
	return s.Open(ctx, file)
}
