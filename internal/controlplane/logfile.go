package controlplane

import (
	"fmt"
	"io"
	"os"
)

const (
	maxLogBytes = 16 << 20
	keptLogs    = 3
)

// openLog opens the log of a child for appending. The child writes to the file itself, so that its last words are kept even
// when this process dies first.
func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLogBytes {
		shiftLogs(path)
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, fmt.Errorf("rotating log: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening log: %w", err)
	}
	return f, nil
}

// rotateLog keeps the log of a running child small: its content is copied away and the file emptied in place, which an
// appending writer does not notice. Lines written between the two are lost.
func rotateLog(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() <= maxLogBytes {
		return nil // a log that is not there yet is small enough
	}
	shiftLogs(path)
	if err := copyFile(path, path+".1"); err != nil {
		os.Remove(path + ".1") // half a copy; the room is needed more
	}
	if err := os.Truncate(path, 0); err != nil {
		return fmt.Errorf("emptying log %s: %w", path, err)
	}
	return nil
}

func shiftLogs(path string) {
	for i := keptLogs - 1; i >= 1; i-- {
		_ = os.Rename(fmt.Sprintf("%s.%d", path, i), fmt.Sprintf("%s.%d", path, i+1)) // most often there is none
	}
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	return err
}

// tail returns at most the last n bytes of a file, and nothing when it cannot be read.
func tail(path string, n int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > n {
		if _, err := f.Seek(-n, io.SeekEnd); err != nil {
			return ""
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, n))
	if err != nil {
		return ""
	}
	return string(data)
}
