package console

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestStatic(t *testing.T) {
	s, err := newStatic(fstest.MapFS{
		"index.html":            {Data: []byte("<html>")},
		"index.html.gz":         {Data: []byte("index gz")},
		"assets/app-1a2b.js":    {Data: []byte("script")},
		"assets/app-1a2b.js.br": {Data: []byte("script br")},
		"assets/app-1a2b.js.gz": {Data: []byte("script gz")},
		"favicon.svg":           {Data: []byte("<svg>")},
		".gitkeep":              {},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		path, accept, encodings string
		code                    int
		body, kind, cache, enc  string
	}{
		{"/", "text/html", "", 200, "<html>", "text/html; charset=utf-8", "no-cache", ""},
		{"/", "text/html", "gzip, deflate, br", 200, "index gz", "text/html; charset=utf-8", "no-cache", "gzip"},
		{"/clusters/prod?tab=nodes", "text/html", "", 200, "<html>", "text/html; charset=utf-8", "no-cache", ""},
		{"/nodes/w3.example", "text/html,*/*", "", 200, "<html>", "text/html; charset=utf-8", "no-cache", ""},
		{"/assets/app-1a2b.js", "*/*", "gzip, br", 200, "script br", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", "br"},
		{"/assets/app-1a2b.js", "*/*", "br;q=0, gzip;q=0.5", 200, "script gz", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", "gzip"},
		{"/assets/app-1a2b.js", "*/*", "identity", 200, "script", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", ""},
		{"/favicon.svg", "*/*", "br", 200, "<svg>", "image/svg+xml", "no-cache", ""},
		{"/assets/none.js", "text/html", "", 404, "there is no such file\n", "text/plain; charset=utf-8", "", ""},
		{"/none.png", "image/*", "", 404, "there is no such file\n", "text/plain; charset=utf-8", "", ""},
		{"/.gitkeep", "*/*", "", 404, "there is no such file\n", "text/plain; charset=utf-8", "", ""},
		{"/../index.html", "*/*", "", 200, "<html>", "text/html; charset=utf-8", "no-cache", ""},
	} {
		r := httptest.NewRequest("GET", tc.path, nil)
		r.Header.Set("Accept", tc.accept)
		r.Header.Set("Accept-Encoding", tc.encodings)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		h := w.Header()
		if w.Code != tc.code || w.Body.String() != tc.body || h.Get("Content-Type") != tc.kind || h.Get("Cache-Control") != tc.cache || h.Get("Content-Encoding") != tc.enc {
			t.Errorf("%s (%s): %d %q %v", tc.path, tc.encodings, w.Code, w.Body, h)
		}
		if tc.code != 200 {
			continue
		}
		r.Header.Set("If-None-Match", `"x", W/`+h.Get("ETag"))
		again := httptest.NewRecorder()
		s.ServeHTTP(again, r)
		if again.Code != 304 || again.Body.Len() != 0 {
			t.Errorf("%s again: %d %q", tc.path, again.Code, again.Body)
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("HEAD", "/", nil))
	if w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "6" {
		t.Errorf("HEAD: %d %q %v", w.Code, w.Body, w.Header())
	}
}

func TestStaticNotBuilt(t *testing.T) {
	s, err := newStatic(fstest.MapFS{".gitkeep": {}})
	if err != nil {
		t.Fatal(err)
	}
	for language, want := range map[string]string{"": "was not built", "en-GB": "was not built", "ja,en;q=0.5": "組み込まれていません"} {
		r := httptest.NewRequest("GET", "/clusters", nil)
		r.Header.Set("Accept-Language", language)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != 503 || !strings.Contains(w.Body.String(), want) || !strings.Contains(w.Body.String(), "make build") {
			t.Errorf("%q: %d %s", language, w.Code, w.Body)
		}
	}
}
