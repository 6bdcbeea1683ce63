package console

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestHostOf(t *testing.T) {
	for header, want := range map[string]string{
		"localhost": "localhost", "LocalHost:8443": "localhost", "127.0.0.1:8443": "127.0.0.1", "[::1]:8443": "::1", "[::1]": "::1",
		"ops.example.:443": "ops.example", "a-b.example": "a-b.example", "[0:0::1]:1": "::1",
		"": "", ":8443": "", "a:b": "", "a:8443x": "", "[::1": "", "a/b": "", "a@b": "", "a b": "", "a?b": "", "a%41": "", "*": "", "a:1:2": "",
		strings.Repeat("a", 301): "",
	} {
		if got, ok := hostOf(header); got != want && ok || ok != (want != "") {
			t.Errorf("hostOf(%q) = %q, %v, want %q", header, got, ok, want)
		}
	}
}

func FuzzHostOf(f *testing.F) {
	for _, s := range []string{"localhost:8443", "[::1]:1", "[fe80::1%25eth0]:1", "a..b", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		host, ok := hostOf(header)
		if !ok {
			return
		}
		if host == "" || host != strings.ToLower(host) || strings.ContainsAny(host, "/\\@?# \r\n\t") {
			t.Fatalf("hostOf(%q) = %q", header, host)
		}
		if strings.Contains(host, ":") {
			if _, err := netip.ParseAddr(host); err != nil {
				t.Fatalf("hostOf(%q) = %q, which has a port left", header, host)
			}
		}
		// A name that a browser would resolve by DNS must not come out as one of ours.
		if host == "localhost" && !strings.HasPrefix(strings.ToLower(header), "localhost") && !strings.HasPrefix(strings.ToLower(header), "[localhost") {
			t.Fatalf("hostOf(%q) = localhost", header)
		}
	})
}

func TestOwnOrigin(t *testing.T) {
	const host = "127.0.0.1:8443"
	for origin, want := range map[string]bool{
		"https://127.0.0.1:8443": true, "https://127.0.0.1": false, "http://127.0.0.1:8443": false, "null": false, "": false,
		"https://127.0.0.1:8443.evil.example": false, "https://evil.example": false, "https://127.0.0.1:8443@evil.example": false,
		"https://u@127.0.0.1:8443": false, "https://127.0.0.1:8443/": false, "https://127.0.0.1:8443?x": false, "https:127.0.0.1:8443": false,
		"https://127.0.0.1:9443": false, " https://127.0.0.1:8443": false,
	} {
		if got := isOwnOrigin(origin, host); got != want {
			t.Errorf("isOwnOrigin(%q) = %v", origin, got)
		}
	}
	if !isOwnOrigin("https://OPS.example", "ops.example:443") {
		t.Error("the default port or the case makes a difference")
	}
}

func FuzzOwnOrigin(f *testing.F) {
	f.Add("https://ops.example", "ops.example")
	f.Add("https://ops.example:443", "OPS.example")
	f.Add("https://ops.example\x00", "ops.example")
	f.Fuzz(func(t *testing.T, origin, host string) {
		if _, ok := hostOf(host); !ok || !isOwnOrigin(origin, host) {
			return
		}
		u, err := url.Parse(origin)
		if err != nil || !strings.EqualFold(u.Scheme, "https") {
			t.Fatalf("origin %q was taken for one of host %q", origin, host)
		}
		if a, _ := hostOf(u.Host); a == "" || a != must(hostOf(host)) {
			t.Fatalf("origin %q was taken for one of host %q", origin, host)
		}
	})
}

func must(host string, _ bool) string { return host }

func TestSameOrigin(t *testing.T) {
	const own = "https://127.0.0.1:8443"
	for _, tc := range []struct {
		name, method, path       string
		origin, site, mode, dest string
		want                     bool
	}{
		{"a program", "POST", "/kanrin/v1/login", "", "", "", "", true},
		{"our page", "POST", "/kanrin/v1/login", own, "same-origin", "cors", "empty", true},
		{"another site", "POST", "/kanrin/v1/login", "https://evil.example", "cross-site", "cors", "empty", false},
		{"another site that hides its origin", "POST", "/kanrin/v1/login", "null", "cross-site", "navigate", "document", false},
		{"another port of this host", "POST", "/kanrin/v1/login", "https://127.0.0.1:9443", "same-site", "cors", "empty", false},
		{"an old browser at another site", "POST", "/kanrin/v1/login", "https://evil.example", "", "", "", false},
		{"a form elsewhere", "POST", "/kanrin/v1/logout", "", "cross-site", "navigate", "document", false},
		{"typed address", "GET", "/api/v1/namespaces", "", "none", "navigate", "document", true},
		{"typed address that changes", "POST", "/kanrin/v1/logout", "", "none", "navigate", "document", false},
		{"link elsewhere to a page", "GET", "/clusters/prod", "", "cross-site", "navigate", "document", true},
		{"link elsewhere to an API", "GET", "/kanrin/v1/session", "", "cross-site", "navigate", "document", false},
		{"frame elsewhere", "GET", "/", "", "cross-site", "navigate", "iframe", false},
		{"picture elsewhere", "GET", "/favicon.svg", "", "cross-site", "no-cors", "image", false},
		{"script elsewhere", "GET", "/api/v1/pods", "", "same-site", "no-cors", "script", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest(tc.method, own+tc.path, nil)
			for name, value := range map[string]string{"Origin": tc.origin, "Sec-Fetch-Site": tc.site, "Sec-Fetch-Mode": tc.mode, "Sec-Fetch-Dest": tc.dest} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			if got := sameOrigin(r); got != tc.want {
				t.Fatalf("sameOrigin = %v, want %v", got, tc.want)
			}
		})
	}
	r := httptest.NewRequest("POST", own+"/kanrin/v1/login", nil)
	r.Header["Origin"] = []string{own, "https://evil.example"}
	if sameOrigin(r) {
		t.Fatal("a second Origin went unseen")
	}
}

func TestIsUpgrade(t *testing.T) {
	for _, tc := range []struct {
		header http.Header
		want   bool
	}{
		{http.Header{}, false},
		{http.Header{"Connection": {"keep-alive"}}, false},
		{http.Header{"Upgrade": {"websocket"}}, true},
		{http.Header{"Connection": {"keep-alive, Upgrade"}}, true},
		{http.Header{"Connection": {"close", "UPGRADE"}}, true},
	} {
		if got := isUpgrade(&http.Request{Method: "GET", Header: tc.header}); got != tc.want {
			t.Errorf("isUpgrade(%v) = %v", tc.header, got)
		}
	}
}

func TestIsPage(t *testing.T) {
	for path, want := range map[string]bool{
		"/": true, "/clusters/a": true, "/apisx": true, "/assets/a.js": true, "/kanrin": false, "/kanrin/v1/x": false, "/api": false, "/api/v1": false,
		"/apis/kanrin.dev": false, "/openapi/v2": false, "/version": false, "/versions": true, "/metrics": false, "/healthz": false, "/readyz": false,
	} {
		if got := isPage(path); got != want {
			t.Errorf("isPage(%s) = %v", path, got)
		}
	}
}

func TestFromLoopback(t *testing.T) {
	for _, tc := range []struct {
		address string
		header  http.Header
		want    bool
	}{
		{"127.0.0.1:5", nil, true},
		{"[::1]:5", nil, true},
		{"[::ffff:127.0.0.1]:5", nil, true},
		{"192.0.2.1:5", nil, false},
		{"", nil, false},
		{"127.0.0.1:5", http.Header{"X-Forwarded-For": {"127.0.0.1"}}, false},
		{"127.0.0.1:5", http.Header{"Forwarded": {"for=127.0.0.1"}}, false},
	} {
		if got := fromLoopback(&http.Request{RemoteAddr: tc.address, Header: tc.header}); got != tc.want {
			t.Errorf("fromLoopback(%s, %v) = %v", tc.address, tc.header, got)
		}
	}
}
