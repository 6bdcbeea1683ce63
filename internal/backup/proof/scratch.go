package proof

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"kanrin.dev/kanrin/internal/controlplane"
)

// DefaultScratch is in memory on every Linux.
const DefaultScratch = "/dev/shm"

// scratchPrefix of the names of scratch directories.
const scratchPrefix = "kanrin-proof-"

// serverDir is the directory in it of a database server's supervisor.
const serverDir = "server"

// etcdOverhead is what etcd needs beside the data: the files of its log are made at full size.
const etcdOverhead = 192 << 20

// Reasons of NoScratch.
const (
	NotMemory = "NotMemory" // the directory is not on a tmpfs or ramfs
	NoRoom    = "NoRoom"    // it has, or the machine has, too little free memory (on a disk: too little room)
	Unusable  = "Unusable"  // the directory cannot be used at all
)

// NoScratch is the error for a proof that has no place.
type NoScratch struct {
	Dir    string
	Reason string
	// Need and Have are bytes, for NoRoom.
	Need, Have int64
	Err        error
}

func (e *NoScratch) Error() string {
	switch e.Reason {
	case NotMemory:
		return fmt.Sprintf("the scratch directory %s is not in memory, and Secrets would be written to a disk in clear; name one on a tmpfs", e.Dir)
	case NoRoom:
		return fmt.Sprintf("the proof needs %d MiB in %s, and %d MiB are free", e.Need>>20, e.Dir, e.Have>>20)
	}
	return fmt.Sprintf("the scratch directory %s cannot be used: %v", e.Dir, e.Err)
}

func (e *NoScratch) Unwrap() error { return e.Err }

// scratch is a directory of its own that is locked for as long as its owner lives.
type scratch struct {
	dir  string
	need int64
	lock *os.File
}

// openScratch makes a scratch directory after it has looked for need free bytes.
func openScratch(conf Configuration, need int64) (*scratch, error) {
	fs, err := filesystem(conf.Scratch)
	if err != nil {
		return nil, &NoScratch{Dir: conf.Scratch, Reason: Unusable, Err: err}
	}
	if !fs.memory && !conf.AllowDisk {
		return nil, &NoScratch{Dir: conf.Scratch, Reason: NotMemory}
	}
	if fs.free < need {
		return nil, &NoScratch{Dir: conf.Scratch, Reason: NoRoom, Need: need, Have: fs.free}
	}
	for range 10 { // a sweep may take a directory between its making and its locking
		dir, err := os.MkdirTemp(conf.Scratch, scratchPrefix)
		if err != nil {
			return nil, &NoScratch{Dir: conf.Scratch, Reason: Unusable, Err: err}
		}
		lock, err := lockDir(dir)
		if err == nil {
			return &scratch{dir: dir, need: need, lock: lock}, nil
		}
		_ = os.Remove(dir) // still empty; the next sweep takes what stays
	}
	return nil, &NoScratch{Dir: conf.Scratch, Reason: Unusable, Err: errors.New("its directories vanish")}
}

// lockDir opens and locks a directory; the lock ends with the process. It fails when another process holds it, or when the
// directory has been removed meanwhile.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	mine, err := f.Stat()
	if err == nil {
		var now os.FileInfo
		if now, err = os.Lstat(dir); err == nil && !os.SameFile(mine, now) {
			err = os.ErrNotExist
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (s *scratch) path(name string) string { return filepath.Join(s.dir, name) }

// Close removes the directory.
func (s *scratch) Close() error {
	err := os.RemoveAll(s.dir)
	if closeErr := s.lock.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("removing the scratch directory: %w", err)
	}
	return nil
}

// explain turns a failure for want of room into a NoScratch.
func (s *scratch) explain(err error) error {
	if err == nil || !errors.Is(err, syscall.ENOSPC) && !s.full() {
		return err
	}
	return &NoScratch{Dir: filepath.Dir(s.dir), Reason: NoRoom, Need: s.need, Err: err}
}

// full says that not even one more file of etcd's log fits in, which explains whatever has failed.
func (s *scratch) full() bool {
	fs, err := filesystem(s.dir)
	return err == nil && fs.free < 64<<20
}

// Sweep removes the scratch directories in dir (empty means DefaultScratch) whose owners were killed, and ends what they
// may have left running. Those of proofs that run stay. It returns how many it has removed.
func Sweep(ctx context.Context, dir string, log *slog.Logger) (int, error) {
	if dir == "" {
		dir = DefaultScratch
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, fmt.Errorf("looking for scratch directories left behind: %w", err)
	}
	removed := 0
	var errs []error
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), scratchPrefix) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		lock, err := lockDir(path)
		if err != nil {
			continue // in use, gone, or another user's
		}
		// Only what is ours: the run files in it say which processes are ended.
		if info, err := lock.Stat(); err == nil && !ours(info) {
			lock.Close()
			continue
		}
		log.Warn("removing a scratch directory that an earlier run left behind", "directory", path)
		err = errors.Join(controlplane.StopLeftovers(ctx, path), controlplane.StopLeftovers(ctx, filepath.Join(path, serverDir)))
		if err != nil {
			errs = append(errs, err)
		} else if err := os.RemoveAll(path); err != nil {
			errs = append(errs, fmt.Errorf("removing a scratch directory left behind: %w", err))
		} else {
			removed++
		}
		lock.Close()
	}
	return removed, errors.Join(errs...)
}

func ours(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Getuid()
}
