package restore

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// ownFiles are the paths that a host gets back, below /. Settings of its runtime and of its system stay what they are.
var ownFiles = []string{"etc/kubernetes/", "var/lib/kubelet/", "etc/cni/net.d/", "etc/default/kubelet"}

// repack writes those entries of a host's archive that it gets back, and nothing that would lead elsewhere: foreign bytes reach the host
// only as files and links below ownFiles.
func repack(ctx context.Context, set Set, name string, w io.Writer) error {
	out := tar.NewWriter(w)
	count := 0
	err := walkSealed(ctx, set, name, func(h *tar.Header, clean string, content io.Reader) error {
		if !slices.ContainsFunc(ownFiles, func(p string) bool { return strings.HasPrefix(clean, p) || clean == p }) || strings.ContainsAny(clean, "\n\x00") {
			return nil
		}
		to := &tar.Header{Name: clean, Mode: h.Mode & 0o777, ModTime: h.ModTime, Uid: h.Uid, Gid: h.Gid, Typeflag: h.Typeflag}
		switch h.Typeflag {
		case tar.TypeReg:
			if h.Size > maxOwnFile {
				return errors.New(clean + " is too large")
			}
			to.Size = h.Size
		case tar.TypeSymlink:
			target := h.Linkname
			if !path.IsAbs(target) {
				target = path.Join("/", path.Dir(clean), target)
			}
			if target = strings.TrimPrefix(path.Clean(target), "/"); !slices.ContainsFunc(ownFiles, func(p string) bool { return strings.HasPrefix(target, p) }) {
				return nil
			}
			to.Linkname = h.Linkname
		default:
			return nil // directories are made where they are needed
		}
		count++
		if err := out.WriteHeader(to); err != nil {
			return err
		}
		if to.Size == 0 {
			return nil
		}
		_, err := io.Copy(out, content)
		return err
	})
	if err == nil && count == 0 {
		err = fs.ErrNotExist
	}
	return errors.Join(err, out.Close())
}

const maxOwnFile = 64 << 20

// packed is repack into memory: the files of a host are few and small.
func packed(ctx context.Context, set Set, name string) ([]byte, error) {
	var buf bytes.Buffer
	if err := repack(ctx, set, name, &limited{&buf, 256 << 20}); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// limited is a writer that refuses more than so much.
type limited struct {
	to   io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, errors.New("the files of the host are too many")
	}
	return l.to.Write(p)
}
