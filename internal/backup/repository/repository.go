package repository

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/content"
	"github.com/kopia/kopia/repo/format"
	"github.com/kopia/kopia/repo/maintenance"
)

// user is the name that kopia shows before the host of every set of Kanrin's.
const user = "kanrin"

// Repository is an open repository, safe for concurrent use. Close it.
type Repository struct {
	location Location
	options  Options
	log      *slog.Logger
	store    *storage
	kopia    repo.DirectRepository
	sealer   sealer
	clock    *clock
	password string

	inventory sync.Mutex // one inventory is written at a time

	mu    sync.Mutex
	fatal error
}

// Create makes a new repository and opens it. A place that holds one already is AlreadyExists.
func Create(ctx context.Context, l Location, c Credentials, o Options) (*Repository, error) {
	if c.Password == "" {
		return nil, &Error{State: Invalid, Object: l.String(), Err: errors.New("a repository needs a password")}
	}
	base, err := l.storage(ctx, c, true)
	if err != nil {
		return nil, err
	}
	store := register(base, Options{wrap: o.wrap})
	if err := initialize(ctx, store, c.Password); err != nil {
		return nil, errors.Join(classified(l.String(), "creating repository", err), store.Close(ctx))
	}
	r, err := open(ctx, store, l, c, o)
	if err != nil {
		return nil, err
	}
	if err := r.own(ctx); err != nil {
		return nil, errors.Join(err, r.Close(ctx))
	}
	return r, nil
}

// Open opens an existing repository.
func Open(ctx context.Context, l Location, c Credentials, o Options) (*Repository, error) {
	base, err := l.storage(ctx, c, false)
	if err != nil {
		return nil, err
	}
	return open(ctx, register(base, o), l, c, o)
}

func initialize(ctx context.Context, store *storage, password string) error {
	err := store.GetBlob(ctx, format.KopiaRepositoryBlobID, 0, -1, &buffer{})
	switch {
	case err == nil:
		return repo.ErrAlreadyInitialized
	case !errors.Is(err, blob.ErrBlobNotFound):
		return err
	}
	// What was cut off while being created has its configuration and nothing else: it begins anew.
	blobs, err := blob.ListAllBlobs(ctx, store, "")
	if err != nil {
		return err
	}
	for _, b := range blobs {
		if b.BlobID != format.KopiaBlobCfgBlobID {
			return fmt.Errorf("blob %s lies there, but the blob %s is missing: %w", b.BlobID, format.KopiaRepositoryBlobID, blob.ErrBlobNotFound)
		}
		if err := store.DeleteBlob(ctx, b.BlobID); err != nil {
			return err
		}
	}
	return repo.Initialize(ctx, store, &repo.NewRepositoryOptions{
		BlockFormat: format.ContentFormat{EnablePasswordChange: true},
	}, password)
}

func open(ctx context.Context, store *storage, l Location, c Credentials, o Options) (*Repository, error) {
	store.readOnly, store.appendOnly = o.ReadOnly, o.AppendOnly
	r := &Repository{location: l, options: o, log: o.Log, store: store, clock: &clock{}, password: c.Password}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if err := r.use(ctx); err != nil {
		state := classified(l.String(), "opening repository", r.explain(ctx, err, c.Password))
		return nil, errors.Join(state, store.Close(ctx))
	}
	return r, nil
}

func (r *Repository) use(ctx context.Context) error {
	if err := r.store.GetBlob(ctx, format.KopiaRepositoryBlobID, 0, -1, &buffer{}); err != nil {
		if errors.Is(err, blob.ErrBlobNotFound) {
			return repo.ErrRepositoryNotInitialized
		}
		return err
	}
	direct, err := r.connect(ctx, r.caching())
	if err != nil {
		return err
	}
	key, err := direct.DeriveKey("kanrin-inventory-v1", 32)
	if err == nil {
		r.sealer, err = newSealer(key)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("deriving inventory key: %w", err), direct.Close(ctx))
	}
	r.kopia = direct
	return nil
}

// connect opens kopia's side. It wants a configuration file; ours holds no secret and is gone at once.
func (r *Repository) connect(ctx context.Context, caching *content.CachingOptions) (repo.DirectRepository, error) {
	configuration, remove, err := r.configure(caching)
	if err != nil {
		return nil, err
	}
	defer remove()
	opened, err := repo.Open(context.WithoutCancel(ctx), configuration, r.password, &repo.Options{
		TimeNowFunc:          r.clock.Now,
		DisableRepositoryLog: true,
		DoNotWaitForUpgrade:  true,
		OnFatalError:         r.fail,
	})
	if err != nil {
		return nil, err
	}
	direct, ok := opened.(repo.DirectRepository)
	if !ok {
		return nil, errors.Join(errors.New("the repository cannot be reached directly"), opened.Close(ctx))
	}
	return direct, nil
}

func (r *Repository) configure(caching *content.CachingOptions) (file string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "kanrin-repository-")
	if err != nil {
		return "", nil, fmt.Errorf("making configuration: %w", err)
	}
	remove = func() { _ = os.RemoveAll(dir) }
	connection := r.store.ConnectionInfo()
	local := repo.LocalConfig{
		Storage: &connection,
		Caching: caching,
		ClientOptions: repo.ClientOptions{
			Hostname:                r.host(),
			Username:                user,
			ReadOnly:                r.options.ReadOnly,
			FormatBlobCacheDuration: -1, // what is stored, not what was stored a while ago
		},
	}
	content, err := json.Marshal(local)
	if err == nil {
		file = filepath.Join(dir, "repository.config")
		err = os.WriteFile(file, content, 0o600)
	}
	if err != nil {
		remove()
		return "", nil, fmt.Errorf("writing configuration: %w", err)
	}
	return file, remove, nil
}

// caching keeps indexes and what was read lately of storage behind a network, encrypted as it is there. A disk is its own cache.
func (r *Repository) caching() *content.CachingOptions {
	if r.options.CacheDir == "" || r.location.Type == Filesystem {
		return &content.CachingOptions{}
	}
	place := sha256.Sum256([]byte(r.location.String()))
	return &content.CachingOptions{
		CacheDirectory:        filepath.Join(r.options.CacheDir, hex.EncodeToString(place[:8])),
		ContentCacheSizeBytes: 256 << 20, MetadataCacheSizeBytes: 512 << 20,
	}
}

func (r *Repository) host() string {
	if r.options.Cluster != "" {
		return r.options.Cluster
	}
	return "all"
}

// own names Kanrin as the one that maintains the repository, so that no kopia program does so by itself.
func (r *Repository) own(ctx context.Context) error {
	err := repo.WriteSession(ctx, r.kopia, repo.WriteSessionOptions{Purpose: "kanrin-create"}, func(ctx context.Context, w repo.RepositoryWriter) error {
		p := maintenance.DefaultParams()
		p.Owner = owner
		return maintenance.SetParams(ctx, w, &p)
	})
	if err != nil {
		return classified(r.location.String(), "naming the owner of", err)
	}
	var more map[blob.ID]sealedBlob
	if data, err := r.readStored(ctx, shardsID); err == nil {
		more = map[blob.ID]sealedBlob{shardsID: {Size: int64(len(data)), SHA256: sha256.Sum256(data)}}
	}
	return r.saveInventory(ctx, more)
}

// fail remembers that kopia gave up on the repository (an upgrade of its format by somebody else).
func (r *Repository) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fatal == nil {
		r.fatal = &Error{State: Newer, Object: r.location.String(), Err: err}
	}
	r.log.Error("repository gave up", "repository", r.location.String(), "error", err)
}

func (r *Repository) usable(change bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fatal != nil {
		return r.fatal
	}
	if change && r.options.ReadOnly {
		return &Error{State: Forbidden, Object: r.location.String(), Err: errReadOnly}
	}
	return nil
}

// Location is where the repository lies.
func (r *Repository) Location() Location { return r.location }

// Close ends the use of the repository. Sessions must be over.
func (r *Repository) Close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	return classified(r.location.String(), "closing", errors.Join(r.kopia.Close(ctx), r.store.Close(ctx)))
}
