package console

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"kanrin.dev/kanrin/internal/lang"
)

// static serves the built front end. Every path that is no file is the front end's own place (a view and its filters are in the URL), so
// that it gets index.html.
type static struct {
	files fs.FS
	tags  map[string]string
	built bool
}

// contentTypes by extension. The machine's own table differs from one to the next.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
	".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2", ".json": "application/json", ".webmanifest": "application/manifest+json",
	".txt": "text/plain; charset=utf-8", ".map": "application/json",
}

// encodings that the build may have prepared, best first.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

func newStatic(files fs.FS) (*static, error) {
	s := &static{files: files, tags: map[string]string{}}
	if files == nil {
		return s, nil
	}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		f, err := files.Open(name)
		if err != nil {
			return err
		}
		sum := sha256.New()
		_, err = io.Copy(sum, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		s.tags[name] = `"` + hex.EncodeToString(sum.Sum(nil)[:12]) + `"`
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the built console: %w", err)
	}
	_, s.built = s.tags["index.html"]
	return s, nil
}

func (s *static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !isRead(r.Method) {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the console's files can only be read", http.StatusMethodNotAllowed)
		return
	}
	if !s.built {
		notBuilt(w, r)
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if _, ok := s.tags[name]; !ok {
		if path.Ext(name) != "" && !strings.Contains(r.Header.Get("Accept"), "text/html") || strings.HasPrefix(name, "assets/") {
			http.Error(w, "there is no such file", http.StatusNotFound)
			return
		}
		name = "index.html"
	}
	s.file(w, r, name)
}

func (s *static) file(w http.ResponseWriter, r *http.Request, name string) {
	header := w.Header()
	if kind, ok := contentTypes[path.Ext(name)]; ok {
		header.Set("Content-Type", kind)
	} else {
		header.Set("Content-Type", "application/octet-stream")
	}
	header.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "assets/") { // their names hold a hash of their content
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	header.Set("Vary", "Accept-Encoding")
	for _, e := range encodings {
		if _, prepared := s.tags[name+e.suffix]; prepared && accepts(r.Header.Get("Accept-Encoding"), e.name) {
			header.Set("Content-Encoding", e.name)
			name += e.suffix
			break
		}
	}
	header.Set("ETag", s.tags[name])
	for _, tag := range strings.Split(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(tag), "W/") == s.tags[name] {
			header.Del("Content-Type")
			header.Del("Content-Encoding")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	f, err := s.files.Open(name)
	if err != nil {
		http.Error(w, "the file cannot be read", http.StatusInternalServerError)
		return
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		header.Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	}
	if r.Method != http.MethodHead {
		_, _ = io.Copy(w, f) // the client is gone: nobody left to tell
	}
}

// accepts reports whether an Accept-Encoding header allows the encoding (RFC 9110, 12.5.3).
func accepts(header, encoding string) bool {
	for _, item := range strings.Split(header, ",") {
		name, params, _ := strings.Cut(item, ";")
		if !strings.EqualFold(strings.TrimSpace(name), encoding) {
			continue
		}
		q, found := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(params), " ", ""), "q=")
		if !found {
			return true
		}
		weight, err := strconv.ParseFloat(q, 64)
		return err == nil && weight > 0
	}
	return false
}

// notBuilt is the page of a program that was built without the console.
func notBuilt(w http.ResponseWriter, r *http.Request) {
	l := lang.English
	if strings.HasPrefix(r.Header.Get("Accept-Language"), "ja") {
		l = lang.Japanese
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Vary", "Accept-Language")
	w.WriteHeader(http.StatusServiceUnavailable)
	title := html.EscapeString(l.T("access.notBuilt.title"))
	fmt.Fprintf(w, "<!doctype html>\n<html lang=%q>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>Kanrin</title>\n<h1>%s</h1>\n<p>%s</p>\n</html>\n",
		string(l), title, html.EscapeString(l.T("access.notBuilt.text")))
}
