package restore

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// File names in a set, below its components.
const (
	fileSnapshot   = "snapshot.db"
	fileEncryption = "encryption.yaml.age"
	fileKeys       = ".tar.age" // after the name of a host
	fileCA         = "etc/kubernetes/pki/ca.crt"
)

// openSet looks into the set: whether it can be opened, how large its snapshot is, and which cluster its keys are of.
func (b base) openSet(ctx context.Context, f *Facts) {
	s := f.Set
	if s.Etcd == "" {
		return
	}
	set, err := b.d.Sets.Open(ctx, f.Cluster, s.Name)
	if err != nil {
		s.Error = oneLine(err)
		return
	}
	defer set.Close() //nolint:errcheck // only read from
	rc, size, err := set.Open(ctx, path.Join(s.Etcd, fileSnapshot))
	if err != nil {
		s.Error = oneLine(err)
		return
	}
	_ = rc.Close() // only asked for its size
	s.Bytes = size
	if s.Keys == "" {
		s.KeysError = "the set has none"
		return
	}
	config, err := readSealed(ctx, set, path.Join(s.Keys, fileEncryption))
	switch {
	case err == nil:
		s.Encryption = short(bytes.TrimSpace(config))
	case !errors.Is(err, fs.ErrNotExist):
		s.KeysError = oneLine(err)
		return
	}
	for _, h := range f.controlPlanes() {
		ca, err := sealedFile(ctx, set, path.Join(s.Keys, h.Name+fileKeys), fileCA)
		if err == nil {
			s.CA, s.CAKnown = short(bytes.TrimSpace(ca)), true
			return
		}
		if !errors.Is(err, fs.ErrNotExist) {
			s.KeysError = oneLine(err)
		}
	}
	if s.KeysError == "" {
		s.KeysError = "none of its hosts is one of this cluster"
	}
}

func readSealed(ctx context.Context, set Set, name string) ([]byte, error) {
	r, err := set.Unseal(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // only read from
	return readSmall(r)
}

func readSmall(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err == nil && len(data) > maxManifest {
		err = errors.New("it is too large")
	}
	return data, err
}

// sealedFile reads one file of a sealed archive.
func sealedFile(ctx context.Context, set Set, name, file string) (data []byte, err error) {
	err = walkSealed(ctx, set, name, func(h *tar.Header, clean string, content io.Reader) error {
		if clean != file || h.Typeflag != tar.TypeReg {
			return nil
		}
		if data, err = readSmall(content); err == nil {
			err = errFound
		}
		return err
	})
	switch {
	case errors.Is(err, errFound):
		return data, nil
	case err == nil:
		err = fs.ErrNotExist
	}
	return nil, err
}

var errFound = errors.New("found")

// maxEntries of an archive are looked at.
const maxEntries = 1_000_000

// walkSealed calls fn for each entry of a sealed archive, with its path: relative, without any dots.
func walkSealed(ctx context.Context, set Set, name string, fn func(h *tar.Header, clean string, content io.Reader) error) error {
	r, err := set.Unseal(ctx, name)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // only read from
	in := tar.NewReader(r)
	for range maxEntries {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, r) // to the end: only then the seal is known to be whole
			return err
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		if err := fn(h, strings.TrimPrefix(path.Clean("/"+h.Name), "/"), in); err != nil {
			return err
		}
	}
	return fmt.Errorf("reading %s: it has too many entries", name)
}
