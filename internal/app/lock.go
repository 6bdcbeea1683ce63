package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// InUseError says that another process uses the data directory.
type InUseError struct {
	DataDir string
	// PID of the other process; 0 when it has not said.
	PID int
}

func (e *InUseError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("data directory %s is in use by another kanrin up", e.DataDir)
	}
	return fmt.Sprintf("data directory %s is in use by process %d", e.DataDir, e.PID)
}

// lock holds D/lock. The kernel lets go of it when this process ends, however it ends.
type lock struct{ file *os.File }

// takeLock makes the data directory and locks it.
func takeLock(dataDir string) (*lock, error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, fmt.Errorf("making data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dataDir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the data directory's lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			data, _ := io.ReadAll(io.LimitReader(f, 32)) // without a number the error still says what is wrong
			pid, _ := strconv.Atoi(strings.TrimSpace(string(data)))
			return nil, &InUseError{DataDir: dataDir, PID: pid}
		}
		return nil, fmt.Errorf("locking data directory %s: %w", dataDir, err)
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("writing the data directory's lock: %w", err)
	}
	return &lock{file: f}, nil
}

func (l *lock) release() error { return l.file.Close() }
