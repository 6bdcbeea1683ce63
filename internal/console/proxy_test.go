package console

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"kanrin.dev/kanrin/internal/access"
	"kanrin.dev/kanrin/internal/httpapi"
)

func TestPassable(t *testing.T) {
	for path, want := range map[string]bool{
		"/api": true, "/api/": true, "/apis/kanrin.dev/v1alpha1/namespaces/prod/operations": true, "/version": true, "/openapi/v3/apis/kanrin.dev/v1alpha1": true,
		"/apis/rbac.authorization.k8s.io/v1/clusterroles/kanrin%3Aviewer": true, "/api/v1/namespaces/proxy": true,
		"/api/v1/namespaces/a/pods/proxy": true, "/api/v1/namespaces/a/pods/exec/log": true, "/api/v1/watch/namespaces": true,
		"/api/v1/nodes/n/proxy": false, "/api/v1/nodes/n/proxy/": false, "/api/v1/nodes/n/proxy/logs/x": false,
		"/api/v1/namespaces/a/pods/b/proxy": false, "/api/v1/namespaces/a/services/https:b:1/proxy/x": false, "/api/v1/proxy/nodes/n": false,
		"/api/v1/namespaces/a/pods/b/exec": false, "/api/v1/namespaces/a/pods/b/attach": false, "/api/v1/namespaces/a/pods/b/portforward": false,
		"/api/v1/namespaces/a/pods/b/%70roxy": false, "/api/v1/namespaces/a%2Fb": false, "/api/v1/%2e%2e/x": false, "/api//v1": false, "/api/v1/../x": false,
		"/api/v1/a%5Cb": false, "/api/v1/a%00": false, "/api/./v1": false,
	} {
		u, err := url.Parse("https://127.0.0.1" + path)
		if err != nil {
			t.Fatal(err)
		}
		if got := passable(u); got != want {
			t.Errorf("passable(%s) = %v, want %v", path, got, want)
		}
	}
}

func FuzzPassable(f *testing.F) {
	for _, s := range []string{"/api/v1/nodes/n/proxy", "/api/%2e%2e/x", "/api/v1/a%2fb", "/apis/a/../b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || !passable(u) {
			return
		}
		for _, part := range strings.Split(u.Path, "/") {
			if part == ".." || part == "." {
				t.Fatalf("%q was let through: it reads as %q", path, u.Path)
			}
		}
		if strings.Count(u.Path, "/") != strings.Count(u.EscapedPath(), "/") {
			t.Fatalf("%q was let through: it has other segments once unescaped", path)
		}
	})
}

// echo is a server that answers with the request that it got.
func echo(t *testing.T) (*rest.Config, func(http.Header)) {
	var also http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for name, values := range also {
			w.Header()[name] = values
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"header": r.Header, "uri": r.RequestURI, "method": r.Method, "host": r.Host})
	}))
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL + "/k8s/clusters/a", BearerToken: "kanrins-own"}, func(h http.Header) { also = h }
}

func testProxy(t *testing.T, management *rest.Config) *proxy {
	t.Helper()
	p, err := newProxy(management, &streams{}, slog.New(slog.DiscardHandler), func(w http.ResponseWriter, _ *http.Request, err error) { httpapi.WriteError(w, err) })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func asCaller(r *http.Request) *http.Request {
	return r.WithContext(httpapi.WithCaller(r.Context(), httpapi.Caller{User: "hanako", Groups: []string{access.AuthenticatedGroup}}))
}

// Whatever a client sends, the management API sees these headers and no others.
func TestProxyPassesOnOnlyWhatItShould(t *testing.T) {
	management, answerWith := echo(t)
	answerWith(http.Header{
		"Set-Cookie": {"a=b"}, "Access-Control-Allow-Origin": {"*"}, "Content-Security-Policy": {"default-src *"}, "Location": {"https://evil.example"},
		"Warning": {`299 - "deprecated"`}, "Audit-Id": {"x"}, "Cache-Control": {"public"},
	})
	p := testProxy(t, management)
	r := httptest.NewRequest("PATCH", "https://127.0.0.1:8443/apis/kanrin.dev/v1alpha1/namespaces/prod/operations/a%3Ab?fieldManager=x", strings.NewReader("{}"))
	for _, name := range []string{
		"Authorization", "Cookie", "Proxy-Authorization", "X-Remote-User", "X-Remote-Group", "X-Remote-Extra-Scopes", "X-Remote-Uid",
		"Impersonate-User", "Impersonate-Group", "Impersonate-Uid", "Impersonate-Extra-Scopes", "impersonate-user", "IMPERSONATE-GROUP",
		"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "X-Kanrin-Csrf", "Origin", "Referer", "Sec-Fetch-Site", "Te", "Trailer",
		"X-Http-Method-Override", "Keep-Alive", "Audit-Id", "Via",
	} {
		r.Header[name] = []string{"system:masters"}
	}
	r.Header.Set("Connection", "close, Impersonate-User, Content-Type")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/merge-patch+json")
	r.Header.Set("User-Agent", "kubectl/v1")
	w := httptest.NewRecorder()
	p.ServeHTTP(w, asCaller(r))

	var got struct {
		Header http.Header
		URI    string
		Method string
		Host   string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	want := http.Header{
		"Accept": {"application/json"}, "Content-Type": {"application/merge-patch+json"}, "User-Agent": {"kubectl/v1"}, "Content-Length": {"2"},
		"Accept-Encoding": {"identity"}, "Authorization": {"Bearer kanrins-own"}, "Impersonate-User": {"hanako"}, "Impersonate-Group": {"system:authenticated"},
	}
	if !reflect.DeepEqual(got.Header, want) {
		t.Errorf("the management API saw\n%v\nwant\n%v", got.Header, want)
	}
	if got.Method != "PATCH" || got.URI != "/k8s/clusters/a/apis/kanrin.dev/v1alpha1/namespaces/prod/operations/a%3Ab?fieldManager=x" {
		t.Errorf("it was asked to %s %s", got.Method, got.URI)
	}
	if strings.Contains(got.Host, "8443") {
		t.Errorf("its host is %s, the client's", got.Host)
	}
	for _, name := range []string{"Set-Cookie", "Access-Control-Allow-Origin", "Content-Security-Policy", "Location", "Cache-Control"} {
		if w.Header().Get(name) != "" {
			t.Errorf("the client saw %s: %s", name, w.Header().Get(name))
		}
	}
	if w.Header().Get("Warning") == "" || w.Header().Get("Audit-Id") == "" {
		t.Error("headers that kubectl shows got lost")
	}
}

func FuzzProxyHeaders(f *testing.F) {
	f.Add("Impersonate-User", "admin")
	f.Add("Connection", "Impersonate-Group")
	f.Add("x-remote-user", "a")
	f.Fuzz(func(t *testing.T, name, value string) {
		r := httptest.NewRequest("GET", "https://127.0.0.1:8443/api", nil)
		r.Header[name] = []string{value}
		r.Header[http.CanonicalHeaderKey(name)] = []string{value}
		var seen http.Header
		p := testProxy(t, &rest.Config{Host: "https://127.0.0.1:1", WrapTransport: func(http.RoundTripper) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				seen = r.Header
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
			})
		}})
		p.ServeHTTP(httptest.NewRecorder(), asCaller(r))
		for key, values := range seen {
			switch lower := strings.ToLower(key); {
			case lower == "impersonate-user" && reflect.DeepEqual(values, []string{"hanako"}):
			case lower == "impersonate-group" && reflect.DeepEqual(values, []string{access.AuthenticatedGroup}):
			case strings.HasPrefix(lower, "impersonate"), strings.HasPrefix(lower, "x-remote"), lower == "authorization", lower == "cookie":
				t.Fatalf("%q: %q reached the management API as %q: %q", name, value, key, values)
			}
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestProxyRefuses(t *testing.T) {
	management, _ := echo(t)
	p := testProxy(t, management)
	for _, tc := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/api/v1/nodes/n/proxy/x", 403},
		{"OPTIONS", "/api/v1", 405},
		{"TRACE", "/api/v1", 405},
		{"BREW", "/api/v1", 405},
		{"GET", "/api/v1", 200},
		{"DELETE", "/api/v1/namespaces/a", 200},
	} {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, asCaller(httptest.NewRequest(tc.method, "https://127.0.0.1:8443"+tc.path, nil)))
		if w.Code != tc.want {
			t.Errorf("%s %s = %d, want %d", tc.method, tc.path, w.Code, tc.want)
		}
	}
	t.Run("without a caller nothing is passed on", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Fatal("it was")
			}
		}()
		p.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "https://127.0.0.1:8443/api", nil))
	})
	t.Run("a management API that is away", func(t *testing.T) {
		away := testProxy(t, &rest.Config{Host: "https://127.0.0.1:1"})
		w := httptest.NewRecorder()
		away.ServeHTTP(w, asCaller(httptest.NewRequest("GET", "https://127.0.0.1:8443/api", nil)))
		if w.Code != 503 || !strings.Contains(w.Body.String(), `"reason":"ServiceUnavailable"`) || strings.Contains(w.Body.String(), "127.0.0.1:1") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
	t.Run("a body that is too large", func(t *testing.T) {
		r := httptest.NewRequest("POST", "https://127.0.0.1:8443/api/v1/namespaces", io.LimitReader(zeros{}, maxProxyBody+10))
		r.Body = http.MaxBytesReader(nil, r.Body, maxProxyBody)
		w := httptest.NewRecorder()
		p.ServeHTTP(w, asCaller(r))
		if w.Code != 413 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestIsStream(t *testing.T) {
	for uri, want := range map[string]bool{
		"/api/v1/pods?watch=true": true, "/api/v1/pods?watch=1": true, "/api/v1/pods?watch": false, "/api/v1/pods?watch=false": false, "/api/v1/watch/pods": true,
		"/api/v1/namespaces/a/pods/b/log?follow=true": true, "/api/v1/pods": false,
	} {
		if got := isStream(httptest.NewRequest("GET", uri, nil)); got != want {
			t.Errorf("isStream(%s) = %v", uri, got)
		}
	}
}

func TestStreams(t *testing.T) {
	var s streams
	begin := func(session, user string) (context.Context, func()) {
		ctx, end, ok := s.begin(context.Background(), access.Session{ID: session, User: user})
		if !ok {
			t.Fatal("refused")
		}
		return ctx, end
	}
	a1, end1 := begin("a1", "a")
	a2, _ := begin("a2", "a")
	b1, _ := begin("b1", "b")
	s.cut(access.Ended{Session: "a1"})
	if a1.Err() == nil || a2.Err() != nil || b1.Err() != nil {
		t.Fatal("ending a session cut others, or not its own")
	}
	end1()
	if s.count() != 2 {
		t.Fatalf("%d streams are counted", s.count())
	}
	s.cut(access.Ended{User: "a"})
	if a2.Err() == nil || b1.Err() != nil {
		t.Fatal("a changed user's streams go on, or another's were cut")
	}
	s.check(context.Background(), func(context.Context, string) (bool, error) { return false, errors.New("unknown") })
	if b1.Err() != nil {
		t.Fatal("a stream was cut although nobody knows whether its session is in force")
	}
	s.check(context.Background(), func(context.Context, string) (bool, error) { return false, nil })
	if b1.Err() == nil {
		t.Fatal("a stream outlived its session")
	}
	for range maxStreams {
		begin("c", "c")
	}
	if _, _, ok := s.begin(context.Background(), access.Session{ID: "c", User: "c"}); ok {
		t.Fatal("a user has more streams than are allowed")
	}
	s.close()
	if _, _, ok := s.begin(context.Background(), access.Session{ID: "d", User: "d"}); ok {
		t.Fatal("a stream began after the end")
	}
}
