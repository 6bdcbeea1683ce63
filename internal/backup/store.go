package backup

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/repository"
	"kanrin.dev/kanrin/internal/backup/snapshot"
)

// Configuration of a Store.
type Configuration struct {
	// CacheDir holds what repositories keep between uses (unreadable without their password), and spool files.
	CacheDir string
}

// Store opens the repositories of policies and keeps them open.
type Store struct {
	conf   Configuration
	client client.Client
	log    *slog.Logger

	mu     sync.Mutex
	closed bool
	open   map[string]*handle
	index  map[string]*snapshot.Index // by cluster/backup/digest; see indexes
	recent []string
}

// handle is a repository that is open, or being opened.
type handle struct {
	identity [sha256.Size]byte
	ready    chan struct{}
	repo     *repository.Repository
	secrets  *Secrets
	err      error
	created  bool // by this opening, until somebody was told
}

// New makes a store. Close it.
func New(conf Configuration, c client.Client, log *slog.Logger) *Store {
	return &Store{conf: conf, client: c, log: log, open: map[string]*handle{}, index: map[string]*snapshot.Index{}}
}

// Scratch is the directory for spool files.
func (s *Store) Scratch() string { return filepath.Join(s.conf.CacheDir, "spool") }

// Policy reads a policy.
func (s *Store) Policy(ctx context.Context, cluster, name string) (*v1alpha1.BackupPolicy, error) {
	var p v1alpha1.BackupPolicy
	if err := s.client.Get(ctx, client.ObjectKey{Namespace: cluster, Name: name}, &p); err != nil {
		return nil, fmt.Errorf("reading backup policy %s of cluster %s: %w", name, cluster, err)
	}
	return &p, nil
}

// Repository opens a policy's own repository, which is made when there is none yet.
func (s *Store) Repository(ctx context.Context, p *v1alpha1.BackupPolicy) (*repository.Repository, *Secrets, error) {
	return s.at(ctx, p.Namespace, p.Name, p.Spec.Repository)
}

// Copy opens the n-th of a policy's further repositories.
func (s *Store) Copy(ctx context.Context, p *v1alpha1.BackupPolicy, n int) (*repository.Repository, error) {
	r, _, err := s.at(ctx, p.Namespace, fmt.Sprintf("%s/%d", p.Name, n), p.Spec.Copies[n])
	return r, err
}

var errClosed = errors.New("the backup repositories are closed: Kanrin is stopping")

func (s *Store) at(ctx context.Context, cluster, name string, r v1alpha1.BackupRepository) (*repository.Repository, *Secrets, error) {
	secrets, err := ensureSecrets(ctx, s.client, cluster, r.SecretName)
	if err != nil {
		return nil, nil, err
	}
	spec, err := json.Marshal(struct {
		Spec        v1alpha1.BackupRepository
		Credentials repository.Credentials
	}{r, secrets.Credentials})
	if err != nil {
		return nil, nil, fmt.Errorf("opening the repository: %w", err)
	}
	identity := sha256.Sum256(spec)
	key := cluster + "/" + name
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, nil, errClosed
	}
	h := s.open[key]
	var old *handle
	if h == nil || h.identity != identity {
		old, h = h, &handle{identity: identity, ready: make(chan struct{}), secrets: secrets}
		s.open[key] = h
		go s.connect(context.WithoutCancel(ctx), h, key, cluster, r) // others wait for it too; it has the storage's own deadlines
	}
	s.mu.Unlock()
	if old != nil {
		s.release(old)
	}
	select {
	case <-h.ready:
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("opening the repository: %w", context.Cause(ctx))
	}
	if h.err != nil {
		s.mu.Lock()
		if s.open[key] == h {
			delete(s.open, key) // the next one tries again
		}
		s.mu.Unlock()
		return nil, nil, h.err
	}
	return h.repo, h.secrets, nil
}

func (s *Store) connect(ctx context.Context, h *handle, key, cluster string, r v1alpha1.BackupRepository) {
	defer close(h.ready)
	o := repository.Options{Cluster: cluster, CacheDir: filepath.Join(s.conf.CacheDir, "repositories", key), AppendOnly: r.AppendOnly, Log: s.log}
	l := location(r)
	h.repo, h.err = repository.Open(ctx, l, h.secrets.Credentials, o)
	var e *repository.Error
	if errors.As(h.err, &e) && e.State == repository.NotFound {
		h.repo, h.err = repository.Create(ctx, l, h.secrets.Credentials, o)
		h.created = h.err == nil
	}
}

func (s *Store) release(h *handle) {
	go func() {
		<-h.ready
		if h.repo != nil {
			if err := h.repo.Close(context.Background()); err != nil {
				s.log.Warn("closing a backup repository", "error", err)
			}
		}
	}()
}

// Close closes all repositories.
func (s *Store) Close(ctx context.Context) error {
	s.mu.Lock()
	all := s.open
	s.open, s.closed = map[string]*handle{}, true
	s.mu.Unlock()
	var errs []error
	for _, h := range all {
		select {
		case <-h.ready:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if h.repo != nil {
			errs = append(errs, h.repo.Close(ctx))
		}
	}
	return errors.Join(errs...)
}

// Set opens a set by its Backup.
func (s *Store) Set(ctx context.Context, cluster, backup string) (*Set, error) {
	var b v1alpha1.Backup
	if err := s.client.Get(ctx, client.ObjectKey{Namespace: cluster, Name: backup}, &b); err != nil {
		return nil, fmt.Errorf("reading backup %s of cluster %s: %w", backup, cluster, err)
	}
	p, err := s.Policy(ctx, cluster, b.Spec.Policy)
	if err != nil {
		return nil, err
	}
	repo, secrets, err := s.Repository(ctx, p)
	if err != nil {
		return nil, err
	}
	set, err := repo.OpenSet(ctx, backup)
	if err != nil {
		return nil, err
	}
	raw, err := set.Manifest(ctx)
	if err != nil {
		return nil, err
	}
	m, err := ReadManifest(raw)
	if err != nil {
		return nil, err
	}
	return &Set{Backup: &b, Policy: p, Manifest: m, Raw: raw, store: s, set: set, secrets: secrets}, nil
}

// keptIndexes is how many indexes stay in memory; each has about 100 bytes an object.
const keptIndexes = 6

// cached returns the index of a set, read once.
func (s *Store) cached(key string, read func() (*snapshot.Index, error)) (*snapshot.Index, error) {
	s.mu.Lock()
	x := s.index[key]
	s.mu.Unlock()
	if x != nil {
		return x, nil
	}
	x, err := read()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index[key] == nil {
		s.index[key] = x
		s.recent = append(s.recent, key)
		if len(s.recent) > keptIndexes {
			delete(s.index, s.recent[0])
			s.recent = s.recent[1:]
		}
	}
	return x, nil
}

var _ io.Closer = (*Set)(nil)
