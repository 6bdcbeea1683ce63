package repository

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"syscall"

	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/blob/sharded"
)

// disk is a directory of blobs in kopia's own layout. Unlike kopia's storage of the kind it makes blobs durable before anything refers to
// them, leaves no partial file behind when the disk is full, and notices when the directory itself goes away (an unmounted disk) instead of
// filling the place below it.
type disk struct {
	sharded.Storage
	blob.DefaultProviderImplementation
	dir *directory
}

func (d *disk) ConnectionInfo() blob.ConnectionInfo { return blob.ConnectionInfo{} } // the layer above has the right one
func (d *disk) DisplayName() string                 { return "Filesystem: " + d.dir.path }

func (d *disk) Close(context.Context) error {
	err := d.dir.settle()
	return errors.Join(err, d.dir.root.Close())
}

func (d *disk) GetCapacity(context.Context) (blob.Capacity, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(d.dir.path, &s); err != nil {
		return blob.Capacity{}, fmt.Errorf("reading capacity of %s: %w", d.dir.path, err)
	}
	return blob.Capacity{SizeB: s.Blocks * uint64(s.Bsize), FreeB: s.Bavail * uint64(s.Bsize)}, nil
}

// directory implements sharded.Impl below an open root: names are relative to it.
type directory struct {
	path   string
	root   *os.Root
	create bool

	mu      sync.Mutex
	pending sync.WaitGroup
	dirs    map[string]bool // changed since the last settle
	failed  error           // of a write that kopia believes to be done: nothing may refer to it any more
}

func openDisk(dir string, create bool) (blob.Storage, error) {
	object := Filesystem + " " + dir
	if create {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, classified(object, "making directory", err)
		}
	}
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{State: NotFound, Object: object, Err: err}
	}
	if err != nil {
		return nil, classified(object, "opening directory", err)
	}
	d := &directory{path: dir, root: root, create: create, dirs: map[string]bool{}}
	// Two levels as of kopia's own; the file .shards says so to every later reader.
	return &disk{Storage: sharded.New(d, ".", sharded.Options{DirectoryShards: []int{1, 3}}, create), dir: d}, nil
}

// missing tells a blob that is not there from a directory that is not there any more.
func (d *directory) missing(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	info, statErr := d.root.Stat(".")
	if statErr != nil {
		return errGone
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Nlink == 0 {
		return errGone
	}
	return blob.ErrBlobNotFound
}

func (d *directory) GetBlobFromPath(_ context.Context, _, name string, offset, length int64, output blob.OutputBuffer) error {
	output.Reset()
	f, err := d.root.Open(name)
	if err != nil {
		return d.missing(err)
	}
	defer f.Close()
	if length < 0 {
		_, err = io.Copy(output, f)
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if offset < 0 || offset+length > info.Size() {
		return blob.ErrInvalidRange
	}
	_, err = io.Copy(output, io.NewSectionReader(f, offset, length))
	return err
}

func (d *directory) GetMetadataFromPath(_ context.Context, _, name string) (blob.Metadata, error) {
	info, err := d.root.Stat(name)
	if err != nil {
		return blob.Metadata{}, d.missing(err)
	}
	return blob.Metadata{Length: info.Size(), Timestamp: info.ModTime()}, nil
}

func (d *directory) PutBlobInPath(_ context.Context, dir, name string, data blob.Bytes, opts blob.PutOptions) error {
	if opts.HasRetentionOptions() || opts.DoNotRecreate {
		return blob.ErrUnsupportedPutBlobOption
	}
	if path.Base(name) == sharded.ParametersFile && !d.create {
		return errGone // no repository here: most likely the place where a disk is to be mounted
	}
	// Packs go to the disk while the next ones are made; whatever refers to them waits for that.
	pack := len(name) > 0 && (name[0] == 'p' || name[0] == 'q')
	if !pack {
		if err := d.settle(); err != nil {
			return err
		}
	}
	temporary := name + ".tmp." + rand.Text()
	f, err := d.make(dir, temporary)
	if err != nil {
		return err
	}
	if err := d.write(f, temporary, name, data, opts, !pack); err != nil {
		_ = d.root.Remove(temporary)
		return err
	}
	d.mu.Lock()
	d.dirs[dir] = true
	d.mu.Unlock()
	if pack {
		return d.failure()
	}
	return d.settle()
}

func (d *directory) make(dir, name string) (*os.File, error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := d.root.OpenFile(name, flags, 0o600)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := d.missing(err); errors.Is(err, errGone) {
		return nil, err
	}
	if err := d.root.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	d.mu.Lock()
	for above := path.Dir(dir); ; above = path.Dir(above) {
		d.dirs[above] = true
		if above == "." {
			break
		}
	}
	d.mu.Unlock()
	return d.root.OpenFile(name, flags, 0o600)
}

func (d *directory) write(f *os.File, temporary, name string, data blob.Bytes, opts blob.PutOptions, durable bool) (err error) {
	closing := true
	defer func() {
		if closing {
			err = errors.Join(err, f.Close())
		}
	}()
	if _, err := data.WriteTo(f); err != nil {
		return err
	}
	if durable {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	if err := d.root.Rename(temporary, name); err != nil {
		return err
	}
	if t := opts.SetModTime; !t.IsZero() {
		if err := d.root.Chtimes(name, t, t); err != nil {
			return err
		}
	}
	if opts.GetModTime != nil {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		*opts.GetModTime = info.ModTime()
	}
	if !durable {
		closing = false
		d.pending.Go(func() {
			if err := errors.Join(f.Sync(), f.Close()); err != nil {
				d.mu.Lock()
				d.failed = errors.Join(d.failed, err)
				d.mu.Unlock()
			}
		})
	}
	return nil
}

func (d *directory) failure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// settle waits until everything written is on the disk, names included.
func (d *directory) settle() error {
	d.pending.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	for dir := range d.dirs {
		f, err := d.root.Open(dir)
		if err != nil {
			if err = d.missing(err); errors.Is(err, blob.ErrBlobNotFound) {
				delete(d.dirs, dir)
				continue
			}
			return err
		}
		err = errors.Join(f.Sync(), f.Close())
		if err != nil {
			d.failed = errors.Join(d.failed, err)
			break
		}
		delete(d.dirs, dir)
	}
	return d.failed
}

func (d *directory) DeleteBlobInPath(_ context.Context, _, name string) error {
	err := d.root.Remove(name)
	if err = d.missing(err); errors.Is(err, blob.ErrBlobNotFound) {
		return nil
	}
	return err
}

func (d *directory) ReadDir(_ context.Context, dir string) ([]os.FileInfo, error) {
	f, err := d.root.Open(path.Clean(dir))
	if err != nil {
		return nil, d.missing(err)
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	infos := make([]os.FileInfo, 0, len(entries))
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted since
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}
