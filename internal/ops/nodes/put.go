package nodes

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"kanrin.dev/kanrin/internal/hosts"
)

// item is a file or link that a host shall have.
type item struct {
	path, sum, link string
	mode            fs.FileMode
	open            func() (io.ReadCloser, error)
}

func textItem(path, text string) item {
	sum := sha256.Sum256([]byte(text))
	return item{path: path, sum: hex.EncodeToString(sum[:]), mode: 0o644, open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(text)), nil
	}}
}

// missingScript reads lines "sum path" or "->target path" and prints the numbers of those that are not so.
const missingScript = `
n=0
while IFS='	' read -r want path; do
  case $want in
  '->'*) [ -L "$path" ] && [ "->$(readlink "$path")" = "$want" ] || echo $n ;;
  *)
    if [ -f "$path" ] && [ ! -L "$path" ]; then
      have=$(sha256sum <"$path")
      [ "${have%% *}" = "$want" ] || echo $n
    else echo $n; fi ;;
  esac
  n=$((n + 1))
done
`

// missing are the items that the host does not have as they shall be.
func missing(ctx context.Context, m *hosts.Machine, items []item) ([]item, error) {
	if len(items) == 0 {
		return nil, nil
	}
	var list bytes.Buffer
	for _, i := range items {
		want := i.sum
		if i.link != "" {
			want = "->" + i.link
		}
		fmt.Fprintf(&list, "%s\t%s\n", want, i.path)
	}
	r, err := m.Run(ctx, hosts.Command{Args: []string{"sh", "-c", missingScript}, Stdin: &list})
	if err != nil {
		return nil, fmt.Errorf("comparing files: %w", err)
	}
	var out []item
	for line := range strings.Lines(string(r.Stdout)) {
		var n int
		if _, err := fmt.Sscanf(line, "%d", &n); err == nil && n >= 0 && n < len(items) {
			out = append(out, items[n])
		}
	}
	return out, nil
}

// keepScript copies what is at a path, if anything is. It prints kept or none.
const keepScript = `
set -eu
if [ -e "$1" ] || [ -L "$1" ]; then
  umask 077
  mkdir -p "$(dirname "$2")"
  rm -rf "$2"
  cp -a "$1" "$2"
  sync "$2" 2>/dev/null || :
  echo kept
else echo none; fi
`

// put brings items to the host. What was there before is kept, and written down before it is replaced.
func put(ctx context.Context, m *hosts.Machine, r *Record, guard func() error, items []item, progress func(done int)) error {
	need, err := missing(ctx, m, items)
	if err != nil {
		return err
	}
	fresh := false
	for _, i := range need {
		if f := r.file(i.path); f != nil {
			f.SHA256, f.Link = i.sum, i.link
			continue
		}
		f := RecordFile{Path: i.path, SHA256: i.sum, Link: i.link}
		backup := path.Join(backupDir, i.path)
		kept, err := m.Script(ctx, keepScript, i.path, backup)
		if err != nil {
			return fmt.Errorf("keeping %s: %w", i.path, err)
		}
		if strings.TrimSpace(string(kept.Stdout)) == "kept" {
			f.Backup = backup
		}
		r.Files = append(r.Files, f)
		fresh = true
	}
	if fresh || len(need) > 0 {
		if err := guard(); err != nil {
			return err
		}
		if err := r.write(ctx, m); err != nil {
			return err
		}
	}
	for n, i := range need {
		if err := guard(); err != nil {
			return err
		}
		if err := write(ctx, m, i); err != nil {
			return err
		}
		progress(len(items) - len(need) + n + 1)
	}
	return nil
}

func write(ctx context.Context, m *hosts.Machine, i item) error {
	if i.link != "" {
		_, err := m.Script(ctx, `set -eu; mkdir -p "$(dirname "$2")"; ln -sfnT -- "$1" "$2"`, i.link, i.path)
		return err
	}
	// Looked at before it is sent: a damaged bundle changes nothing on the host.
	content, err := i.open()
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, content)
	_ = content.Close() // only read
	if err != nil {
		return fmt.Errorf("reading %s: %w", i.path, err)
	}
	if have := hex.EncodeToString(sum.Sum(nil)); have != i.sum {
		return fmt.Errorf("the content for %s has the SHA-256 %s and not %s: the bundle is damaged", i.path, have[:12], i.sum[:12])
	}
	if content, err = i.open(); err != nil {
		return err
	}
	defer content.Close() //nolint:errcheck // only read
	return m.WriteFile(ctx, i.path, i.mode, content)
}

// items of a bundle.
func (b *BundleFiles) items() []item {
	var out []item
	for _, f := range b.Files {
		out = append(out, item{path: f.Path, sum: f.SHA256, mode: fs.FileMode(f.Mode), open: func() (io.ReadCloser, error) { return b.Open(f.Source) }})
	}
	for _, l := range b.Links {
		out = append(out, item{path: l.Path, link: l.Target})
	}
	return out
}
