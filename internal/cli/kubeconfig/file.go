package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

// maxBytes bounds a kubeconfig file; the largest real ones hold a few hundred contexts.
const maxBytes = 4 << 20

// ErrTooLarge is returned for a file that is larger than any kubeconfig.
var ErrTooLarge = errors.New("larger than 4 MiB")

// Read reads a kubeconfig file, bounded.
func Read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(data) > maxBytes {
		return nil, fmt.Errorf("reading %s: %w", path, ErrTooLarge)
	}
	return data, nil
}

// Files are the files that hold the configuration: the explicit one, those of $KUBECONFIG, or ~/.kube/config.
func Files(explicit string) []string {
	if explicit != "" {
		return []string{explicit}
	}
	if list := filepath.SplitList(os.Getenv(clientcmd.RecommendedConfigPathEnvVar)); len(list) > 0 {
		var out []string
		for _, f := range list {
			if f != "" {
				out = append(out, f)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return []string{filepath.Join(home(), clientcmd.RecommendedHomeDir, clientcmd.RecommendedFileName)}
}

func home() string {
	h, err := os.UserHomeDir()
	if err != nil {
		return "." // no home: the error that follows names the path
	}
	return h
}

// FileFor is the file among Files where the context of that name is, or else where kubectl would put a new one: the first
// that exists, or the last.
func FileFor(explicit, context string) string {
	files := Files(explicit)
	for _, f := range files {
		if data, err := Read(f); err == nil {
			if config, err := load(data); err == nil && config.Contexts[context] != nil {
				return f
			}
		}
	}
	for _, f := range files {
		if _, err := os.Stat(f); err == nil {
			return f
		}
	}
	return files[len(files)-1]
}

// ErrHeld is returned when another program holds the file's lock.
var ErrHeld = errors.New("another program is changing the file")

// Update changes a file under kubectl's own lock (F.lock), and so that a crash leaves the old or the new content, never less. A missing
// file is made. The result can be read by its owner only, because it holds a token.
func Update(ctx context.Context, path string, change func([]byte) ([]byte, error)) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // keep the link, change what it points to
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the directory of %s: %w", path, err)
	}
	unlock, err := lock(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer unlock()

	before, err := Read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	after, err := change(before)
	if err != nil {
		return fmt.Errorf("changing %s: %w", path, err)
	}
	return write(path, dir, after)
}

func write(path, dir string, data []byte) (err error) {
	tmp, err := os.CreateTemp(dir, ".kubeconfig-*") // mode 0600
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = tmp.Close()           // closed twice at worst
			_ = os.Remove(tmp.Name()) // gone already when the rename failed half way
		}
	}()
	if _, err = tmp.Write(data); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err = tmp.Sync(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err = tmp.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err = os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("putting %s in place: %w", path, err)
	}
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync() // a file system that cannot sync directories is not ours to mend
		_ = d.Close()
	}
	return nil
}

// lockPatience is how long another program may hold the lock: kubectl needs milliseconds.
const lockPatience = 3 * time.Second

func lock(ctx context.Context, path string) (func(), error) {
	deadline := time.Now().Add(lockPatience)
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0)
		if err == nil {
			_ = f.Close() // only its existence counts
			return func() { _ = os.Remove(path) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("locking the kubeconfig: %w", err)
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%s exists: %w; remove %s when no program is", path, ErrHeld, path)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
