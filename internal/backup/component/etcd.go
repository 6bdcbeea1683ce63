package component

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/archive"
	"kanrin.dev/kanrin/internal/backup/snapshot"
	"kanrin.dev/kanrin/internal/backup/spool"
)

// Names of the files of the etcd component.
const (
	snapshotFile   = "snapshot.db"
	indexFile      = "index.bin"
	encryptionFile = "encryption.yaml.age"
)

// defaultPrefix of the API server's keys in etcd.
const defaultPrefix = "/registry"

// containsCorrupt recognises the alarm CORRUPT: etcd gives alarms as text.
func containsCorrupt(alarm string) bool { return strings.Contains(alarm, "CORRUPT") }

// etcd takes a snapshot from one healthy member, reads all of it, and writes it with its index.
func (e Env) etcd(ctx context.Context, c v1alpha1.BackupComponent, w Writer) (*Record, error) {
	prefix := defaultPrefix
	if e.Cluster.Spec.Etcd != nil {
		if p := e.Cluster.Spec.Etcd.Prefix; p != "" {
			prefix = p
		}
		a, secret, err := directAccess(ctx, e.Management, e.Cluster)
		if err != nil {
			return nil, absent("EtcdUnreadable", e.Cluster.Name, err)
		}
		return e.fromMembers(ctx, a, secret, prefix, w)
	}
	names := e.chosen(c)
	if len(names) == 0 {
		return nil, absent("NoEtcdAccess", e.Cluster.Name, nil)
	}
	var errs []error
	for _, name := range names {
		m, err := e.machine(ctx, name)
		if err == nil {
			var a *etcdAccess
			if a, err = hostAccess(ctx, m); err == nil {
				var r *Record
				if r, err = e.fromMembers(ctx, a, nil, prefix, w); err == nil {
					return r, nil
				}
			}
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !errors.As(err, new(*memberError)) {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			continue
		}
		return nil, err // the writer's: no other host makes that better
	}
	return nil, absent("EtcdUnreadable", e.Cluster.Name, errors.Join(errs...))
}

// memberError is one of writing what a member gave.
type memberError struct{ error }

func (e *memberError) Unwrap() error { return e.error }

// fromMembers tries one member after the other: one may be lost while its snapshot streams.
func (e Env) fromMembers(ctx context.Context, a *etcdAccess, secret *corev1.Secret, prefix string, w Writer) (*Record, error) {
	members, err := a.members(ctx)
	if err != nil {
		return nil, absent("EtcdUnreadable", e.Cluster.Name, err)
	}
	var errs []error
	for _, m := range members {
		r, err := e.fromMember(ctx, a, m, prefix, w)
		if err == nil {
			if secret != nil && len(secret.Data[SecretEncryption]) > 0 {
				if err := e.seal(w, encryptionFile, secret.Data[SecretEncryption]); err != nil {
					return nil, &memberError{err}
				}
				r.Encryption = encryptionFile
			}
			return r, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if errors.As(err, new(*memberError)) {
			return nil, err
		}
		e.Log.Warn("no snapshot from this member of etcd", "cluster", e.Cluster.Name, "member", m.name, "error", err)
		errs = append(errs, fmt.Errorf("%s: %w", m.name, err))
	}
	return nil, absent("EtcdUnreadable", e.Cluster.Name, errors.Join(errs...))
}

// fromMember streams one member's snapshot into a spool, reads all of it, and only then gives it to the writer.
func (e Env) fromMember(ctx context.Context, a *etcdAccess, m member, prefix string, w Writer) (*Record, error) {
	c, err := a.client(m.url)
	if err != nil {
		return nil, err
	}
	defer c.Close() //nolint:errcheck // nothing is lost by it
	f, err := spool.New(e.Scratch)
	if err != nil {
		return nil, &memberError{err}
	}
	defer f.Close() //nolint:errcheck // it has no name and its key is forgotten
	stream, err := c.SnapshotWithVersion(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking for a snapshot: %w", err)
	}
	defer stream.Snapshot.Close() //nolint:errcheck // only read from
	if err := copyStream(f, stream.Snapshot); err != nil {
		return nil, err
	}
	index, stats, err := snapshot.Build(ctx, f, f.Size(), snapshot.Options{RequireChecksum: true})
	if err != nil {
		return nil, fmt.Errorf("verifying the snapshot: %w", err)
	}
	if stats.SHA256 == "" {
		return nil, errors.New("verifying the snapshot: it does not end with its hash")
	}
	if err := writeSnapshot(w, f, index); err != nil {
		return nil, &memberError{err}
	}
	version := m.version
	if version == "" {
		version = stream.Version // that of the storage
	}
	return &Record{Version: version, From: m.name, Etcd: &EtcdRecord{
		Member: m.name, Version: version, SHA256: stats.SHA256, Prefix: prefix, Revision: stats.Revision, Bytes: f.Size(), Keys: stats.Keys,
	}}, nil
}

// copyStream tells an error of the source from one of the spool.
func copyStream(to io.Writer, from io.Reader) error {
	buf := make([]byte, 1<<20)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				return &memberError{werr}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the snapshot: %w", err)
		}
	}
}

func writeSnapshot(w Writer, f *spool.File, index *snapshot.Index) error {
	if _, err := w.File(snapshotFile, stamp(0o600), f.Reader()); err != nil {
		return err
	}
	pr, pw := io.Pipe()
	var both errgroup.Group
	both.Go(func() error {
		_, err := index.WriteTo(pw)
		pw.CloseWithError(err)
		return err
	})
	both.Go(func() error {
		_, err := w.File(indexFile, stamp(0o600), pr)
		pr.CloseWithError(err)
		return err
	})
	return both.Wait()
}

// seal writes a small secret file, sealed.
func (e Env) seal(w Writer, path string, content []byte) error {
	return e.sealed(w, path, func(to io.Writer) error {
		_, err := to.Write(content)
		return err
	})
}

// sealed writes a file whose content fill produces, sealed to the recipients. When fill fails, so does the file.
func (e Env) sealed(w Writer, path string, fill func(io.Writer) error) error {
	if len(e.Recipients) == 0 {
		return errors.New("sealing: the policy has no recipient")
	}
	pr, pw := io.Pipe()
	var both errgroup.Group
	var filling error
	both.Go(func() error {
		s, err := archive.Seal(pw, e.Recipients...)
		if err == nil {
			if err = fill(s); err == nil {
				err = s.Close()
			}
		}
		filling = err
		pw.CloseWithError(err)
		return err
	})
	both.Go(func() error {
		_, err := w.File(path, stamp(0o600), pr)
		pr.CloseWithError(err)
		return err
	})
	err := both.Wait()
	if filling != nil {
		return filling
	}
	return err
}
