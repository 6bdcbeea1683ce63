package nodes

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// BundleDir below the data directory holds the bundles, each a directory with a bundle.json.
const BundleDir = "bundles"

// Bundle is what a host gets that has neither a registry nor the internet.
type Bundle struct {
	// Kubernetes is the version of its kubelet and kubeadm, v1.36.3.
	Kubernetes string       `json:"kubernetes"`
	Files      []BundleFile `json:"files,omitempty"`
	Links      []BundleLink `json:"links,omitempty"`
	// Debs and Images are paths below the bundle's directory: packages for dpkg, and archives of images for the runtime.
	Debs   []string `json:"debs,omitempty"`
	Images []string `json:"images,omitempty"`
	// Units are enabled and, all but the kubelet (which kubeadm starts), started, in this order.
	Units []string `json:"units,omitempty"`
}

// BundleFile is one file.
type BundleFile struct {
	Path   string `json:"path"`   // on the host
	Source string `json:"source"` // below the bundle's directory
	Mode   uint32 `json:"mode"`
	SHA256 string `json:"sha256"`
}

// BundleLink is a symbolic link; its target is as ln -s takes it.
type BundleLink struct {
	Path   string `json:"path"`
	Target string `json:"target"`
}

const (
	maxBundleJSON  = 1 << 20
	maxBundleItems = 2000
)

var (
	bundleVersion = regexp.MustCompile(`^v1\.[0-9]{1,3}\.[0-9]{1,3}$`)
	bundleUnit    = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9:_.@-]{0,100}\.(service|socket|target|timer)$`)
	bundleSum     = regexp.MustCompile(`^[0-9a-f]{64}$`)
	bundleName    = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$`)
)

// ParseBundle reads a bundle.json strictly: unknown fields, paths that lead elsewhere and things that are there twice are refused.
func ParseBundle(data []byte) (*Bundle, error) {
	if len(data) > maxBundleJSON {
		return nil, fmt.Errorf("bundle.json is larger than %d bytes", maxBundleJSON)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var b Bundle
	if err := d.Decode(&b); err != nil {
		return nil, fmt.Errorf("reading bundle.json: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("bundle.json holds more than one document")
	}
	return &b, b.validate()
}

func (b *Bundle) validate() error {
	if !bundleVersion.MatchString(b.Kubernetes) {
		return fmt.Errorf("kubernetes %q is not a version such as v1.36.3", b.Kubernetes)
	}
	if n := len(b.Files) + len(b.Links) + len(b.Debs) + len(b.Images) + len(b.Units); n > maxBundleItems {
		return fmt.Errorf("the bundle has %d parts, more than %d", n, maxBundleItems)
	}
	seen := map[string]bool{}
	for _, f := range b.Files {
		if err := hostPath(f.Path, seen); err != nil {
			return err
		}
		if err := bundlePath(f.Source); err != nil {
			return err
		}
		if f.Mode == 0 || f.Mode&^0o755 != 0 {
			return fmt.Errorf("%s: mode %#o is not one of 0400 to 0755 without set-user-id and writers other than root", f.Path, f.Mode)
		}
		if !bundleSum.MatchString(f.SHA256) {
			return fmt.Errorf("%s: sha256 is not 64 hexadecimal digits", f.Path)
		}
	}
	for _, l := range b.Links {
		if err := hostPath(l.Path, seen); err != nil {
			return err
		}
		if l.Target == "" || len(l.Target) > 1024 || strings.ContainsAny(l.Target, "\x00\n\t") {
			return fmt.Errorf("%s: the link's target %q cannot be used", l.Path, l.Target)
		}
	}
	for _, list := range [][]string{b.Debs, b.Images} {
		for _, p := range list {
			if err := bundlePath(p); err != nil {
				return err
			}
		}
	}
	for _, u := range b.Units {
		if !bundleUnit.MatchString(u) {
			return fmt.Errorf("%q is not the name of a unit", u)
		}
	}
	return nil
}

// closed are directories of a host into which no bundle writes.
var closed = []string{"/proc", "/sys", "/dev", "/run", "/var/run", "/tmp", "/boot", "/root", stateDir}

func hostPath(p string, seen map[string]bool) error {
	if !path.IsAbs(p) || path.Clean(p) != p || p == "/" || len(p) > 1024 || strings.ContainsAny(p, "\x00\n\t") {
		return fmt.Errorf("%q is not the absolute path of a file", p)
	}
	for _, c := range closed {
		if p == c || strings.HasPrefix(p, c+"/") {
			return fmt.Errorf("%s: a bundle does not write below %s", p, c)
		}
	}
	if seen[p] {
		return fmt.Errorf("%s is there twice", p)
	}
	seen[p] = true
	return nil
}

func bundlePath(p string) error {
	if !filepath.IsLocal(p) || path.Clean(p) != p || p == "." || strings.ContainsAny(p, "\x00\n\\") {
		return fmt.Errorf("%q is not a path below the bundle", p)
	}
	return nil
}

// BundleFiles opens what a bundle names. Symbolic links that lead out of it are refused.
type BundleFiles struct {
	*Bundle
	Name string
	root *os.Root
}

// OpenBundle reads a bundle below dir (the directory bundles).
func OpenBundle(dir, name string) (*BundleFiles, error) {
	if !bundleName.MatchString(name) {
		return nil, fmt.Errorf("%q is not the name of a bundle", name)
	}
	root, err := os.OpenRoot(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("opening bundle %s: %w", name, err)
	}
	b, err := readBundle(root)
	if err != nil {
		_ = root.Close()
		return nil, fmt.Errorf("bundle %s: %w", name, err)
	}
	return &BundleFiles{Bundle: b, Name: name, root: root}, nil
}

func readBundle(root *os.Root) (*Bundle, error) {
	f, err := root.Open("bundle.json")
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(f, maxBundleJSON+1))
	if err != nil {
		return nil, err
	}
	return ParseBundle(data)
}

// Close ends the use of it.
func (b *BundleFiles) Close() { _ = b.root.Close() } // only read

// Open opens one of its files for reading.
func (b *BundleFiles) Open(source string) (fs.File, error) {
	f, err := b.root.Open(source)
	if err != nil {
		return nil, fmt.Errorf("bundle %s: %w", b.Name, err)
	}
	if s, err := f.Stat(); err != nil || !s.Mode().IsRegular() {
		_ = f.Close()
		return nil, fmt.Errorf("bundle %s: %s is no ordinary file", b.Name, source)
	}
	return f, nil
}

// Bytes is how much a host has to take: files, packages and images.
func (b *BundleFiles) Bytes() int64 {
	var sum int64
	count := func(p string) {
		if s, err := b.root.Stat(p); err == nil {
			sum += s.Size()
		}
	}
	for _, f := range b.Files {
		count(f.Source)
	}
	for _, p := range append(append([]string{}, b.Debs...), b.Images...) {
		count(p)
	}
	return sum
}

// Has reports whether the bundle brings a program, as file or link.
func (b *Bundle) Has(program string) bool {
	for _, f := range b.Files {
		if path.Base(f.Path) == program {
			return true
		}
	}
	for _, l := range b.Links {
		if path.Base(l.Path) == program {
			return true
		}
	}
	for _, d := range b.Debs {
		if strings.HasPrefix(path.Base(d), program+"_") {
			return true
		}
	}
	return false
}

// sum is the digest of the whole list, for the plan: another bundle of the same name is another plan.
func (b *Bundle) sum() string {
	raw, _ := json.Marshal(b) // plain data marshals
	s := sha256.Sum256(raw)
	return hex.EncodeToString(s[:])[:12]
}
