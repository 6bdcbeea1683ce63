package hosts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"time"
)

const fileTimeout = 2 * time.Minute // to read a file; writing one may take longer: Limits.Command

// Exit codes of the scripts below.
const (
	exitMissing = 44
	exitNoFile  = 45 // a directory, a device …
	exitPartial = 46
)

const readScript = `
[ -e "$1" ] || exit 44
[ -f "$1" ] || exit 45
exec head -c "$2" "$1"
`

// ReadFile reads a file as root. The error is fs.ErrNotExist when there is none, ErrTooLarge when it has more than max bytes.
func (m *Machine) ReadFile(ctx context.Context, path string, max int64) ([]byte, error) {
	if err := absolute(path); err != nil {
		return nil, err
	}
	var content bytes.Buffer
	_, err := m.Run(ctx, Command{
		Args: []string{"sh", "-c", readScript, "sh", path, strconv.FormatInt(max+1, 10)}, Stdout: &content, Timeout: fileTimeout,
	})
	switch {
	case exitCode(err) == exitMissing:
		return nil, fmt.Errorf("reading %s on %s: %w", path, m.Name, fs.ErrNotExist)
	case exitCode(err) == exitNoFile:
		return nil, fmt.Errorf("reading %s on %s: this is no ordinary file", path, m.Name)
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", path, err)
	case int64(content.Len()) > max:
		return nil, fmt.Errorf("reading %s on %s: %w (%d bytes)", path, m.Name, ErrTooLarge, max)
	}
	return content.Bytes(), nil
}

// writeScript takes the content followed by the 64 hexadecimal digits of its SHA-256. Whatever goes wrong, the path has either its
// old content or the new one. The temporary name begins with a dot: kubelet passes over such in its directory of manifests.
const writeScript = `
set -eu
path=$1 mode=$2
dir=$(dirname "$path")
umask 022
mkdir -p "$dir"
umask 077
find "$dir" -maxdepth 1 -name '.kanrin-*' -type f -mmin +60 -exec rm -f {} + 2>/dev/null || :
tmp=$(mktemp "$dir/.kanrin-XXXXXXXXXX")
trap 'rm -f "$tmp"' EXIT
trap 'exit 1' HUP INT PIPE TERM
cat >"$tmp"
want=$(tail -c 64 "$tmp")
truncate -s -64 "$tmp" 2>/dev/null || exit 46
have=$(sha256sum <"$tmp")
[ "$want" = "${have%% *}" ] || exit 46
chmod "$mode" "$tmp"
sync "$tmp" 2>/dev/null || sync
mv -fT "$tmp" "$path"
sync "$dir" 2>/dev/null || :
`

// ErrPartial is content that did not arrive whole; the file is as it was.
var ErrPartial = errors.New("the content did not arrive whole; the file is as it was")

// WriteFile replaces a file as root: missing directories are made (0755), the content is checked on arrival, and the file is renamed
// into place. It belongs to root. A symbolic link at path is replaced, not followed.
func (m *Machine) WriteFile(ctx context.Context, path string, mode fs.FileMode, content io.Reader) error {
	if err := absolute(path); err != nil {
		return err
	}
	sum := sha256.New()
	source := &summed{from: content, sum: sum}
	_, err := m.Run(ctx, Command{
		Args:  []string{"sh", "-c", writeScript, "sh", path, fmt.Sprintf("%04o", mode.Perm())},
		Stdin: source,
	})
	switch broken := source.failed(); {
	case broken != nil:
		return fmt.Errorf("writing %s on %s: reading the content: %w", path, m.Name, broken)
	case exitCode(err) == exitPartial:
		return fmt.Errorf("writing %s on %s: %w", path, m.Name, ErrPartial)
	case err != nil:
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// summed is a reader's content followed by its checksum; one that fails gets none.
type summed struct {
	from  io.Reader
	sum   hash.Hash
	after *strings.Reader

	mu  sync.Mutex // a Read may outlast Run
	err error
}

func (s *summed) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *summed) Read(p []byte) (int, error) {
	if s.after != nil {
		return s.after.Read(p)
	}
	n, err := s.from.Read(p)
	s.sum.Write(p[:n])
	if errors.Is(err, io.EOF) {
		s.after = strings.NewReader(hex.EncodeToString(s.sum.Sum(nil)))
		err = nil
	}
	if err != nil {
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
	}
	return n, err
}

func absolute(path string) error {
	if !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") {
		return fmt.Errorf("%q is not the absolute path of a file", path)
	}
	return nil
}

// exitCode of a command that failed, 0 for any other error.
func exitCode(err error) int {
	var exit *ExitError
	if errors.As(err, &exit) {
		return exit.Code
	}
	return 0
}
