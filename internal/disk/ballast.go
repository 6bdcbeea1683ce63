package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// haveBallast reports whether the file has its full size; one that was cut short is removed.
func haveBallast(path string, size int64) bool {
	info, err := os.Stat(path)
	if err == nil && size > 0 && info.Size() == size {
		return true
	}
	_ = removeBallast(path) // if it stays, making it again tells
	return false
}

func makeBallast(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("making ballast: %w", err)
	}
	err = reserve(f, size)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = removeBallast(path) // half a ballast is none
		return fmt.Errorf("making ballast %s: %w", path, err)
	}
	return nil
}

func removeBallast(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing ballast: %w", err)
	}
	return nil
}

// writeZeros reserves room where the file system cannot do so by itself.
func writeZeros(f *os.File, size int64) error {
	zeros := make([]byte, 1<<20)
	for size > 0 {
		n, err := f.Write(zeros[:min(size, int64(len(zeros)))])
		if err != nil {
			return err
		}
		size -= int64(n)
	}
	return f.Sync()
}
