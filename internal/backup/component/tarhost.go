package component

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"golang.org/x/sync/errgroup"

	"kanrin.dev/kanrin/internal/hosts"
)

// existScript prints which of its arguments exist.
const existScript = `for p in "$@"; do if [ -e "$p" ] || [ -L "$p" ]; then printf '%s\n' "$p"; fi; done`

// existing are the paths that the host has.
func existing(ctx context.Context, m *hosts.Machine, paths []string) ([]string, error) {
	r, err := m.Run(ctx, hosts.Command{Args: append([]string{"sh", "-c", existScript, "sh"}, paths...)})
	if err != nil {
		return nil, err
	}
	var out []string
	for line := range strings.Lines(string(r.Stdout)) {
		out = append(out, strings.TrimSuffix(line, "\n"))
	}
	return out, nil
}

// relative makes a path that tar takes for no option and that is the same below /.
func relative(p string) string {
	if strings.HasPrefix(p, "/") {
		return "." + path.Clean(p)
	}
	return p
}

// tarFrom streams an archive of some paths of a host to fn.
func tarFrom(ctx context.Context, m *hosts.Machine, paths, exclude []string, limit hosts.Command, fn func(io.Reader) error) error {
	args := []string{"tar", "--create", "--file=-", "--directory=/", "--numeric-owner", "--one-file-system", "--hard-dereference", "--warning=no-file-changed"}
	for _, x := range exclude {
		args = append(args, "--exclude="+relative(x))
	}
	args = append(args, "--")
	for _, p := range paths {
		args = append(args, relative(p))
	}
	pr, pw := io.Pipe()
	var both errgroup.Group
	var reading error
	both.Go(func() error {
		limit.Args, limit.Stdout = args, pw
		_, err := m.Run(ctx, limit)
		var exit *hosts.ExitError
		if errors.As(err, &exit) && exit.Code == 1 {
			err = nil // a file changed while it was read
		}
		pw.CloseWithError(err)
		return err
	})
	both.Go(func() error {
		reading = fn(pr)
		if reading != nil {
			pr.CloseWithError(reading)
			return reading
		}
		_, err := io.Copy(io.Discard, pr) // what tar writes after its end mark; and the error of the command, if it failed
		return err
	})
	err := both.Wait()
	if reading != nil {
		return reading
	}
	return err
}

// maxEntries bounds the files of one host in one component.
const maxEntries = 20_000_000

// unpack writes the entries of an archive below a directory of the set. Symbolic links are kept as they are, wherever they lead: they are
// data here, and judged when they are restored. Sockets, pipes and devices hold no data and are left out.
func unpack(ctx context.Context, r io.Reader, below string, w Writer) (int, error) {
	in := tar.NewReader(r)
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return n, context.Cause(ctx)
		}
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("reading the archive: %w", err)
		}
		if n > maxEntries || strings.ContainsRune(h.Name, 0) {
			return n, fmt.Errorf("reading the archive: %w", errUnlikely)
		}
		clean := path.Clean("/" + h.Name)
		if clean == "/" {
			continue
		}
		p := path.Join(below, clean)
		a := Attr{Mode: h.FileInfo().Mode().Perm(), ModTime: h.ModTime, UID: uint32(h.Uid), GID: uint32(h.Gid)}
		switch h.Typeflag {
		case tar.TypeDir:
			err = w.Dir(p, a)
		case tar.TypeSymlink:
			err = w.Symlink(p, h.Linkname, a)
		case tar.TypeReg, tar.TypeGNUSparse:
			_, err = w.File(p, a, in)
		}
		if err != nil {
			return n, err
		}
	}
}

var errUnlikely = errors.New("it has too many entries, or names that are none")
