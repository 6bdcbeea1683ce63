package console_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/access"
	"kanrin.dev/kanrin/internal/console"
	"kanrin.dev/kanrin/internal/console/consoletest"
	"kanrin.dev/kanrin/internal/httpapi"
)

func TestSignInByCookie(t *testing.T) {
	b := newBed(t)
	c := b.client()
	c.do("GET", "/kanrin/v1/session", nil).want(401, access.CodeSignInRequired)
	w := c.do("POST", "/kanrin/v1/login", map[string]any{"username": "admin", "password": b.adminPassword()})
	w.want(200, "")
	if w.proto != 2 {
		t.Errorf("the answer came by HTTP/%d", w.proto)
	}
	cookie := w.header.Get("Set-Cookie")
	for _, part := range []string{"__Host-kanrin=kanrin-", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Strict", "; Max-Age=43"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the cookie lacks %q", part)
		}
	}
	if strings.Contains(strings.ToLower(cookie), "domain") || len(w.header.Values("Set-Cookie")) != 1 {
		t.Error("the cookie is for a domain, or not alone")
	}
	var session inventory.Session
	w.into(&session)
	if session.User != "admin" || session.Role != "Administrator" || session.Token != "" || session.CSRF == "" || session.Version != "v0.0.0-test" ||
		time.Until(session.Expires) < 11*time.Hour {
		t.Fatalf("session is %+v", session)
	}
	value := (&http.Response{Header: w.header}).Cookies()[0].Value
	b.secrets = append(b.secrets, secretPart(value), session.CSRF)
	if strings.Contains(string(w.body), secretPart(value)) {
		t.Fatal("the answer holds the cookie's secret, for every script to read")
	}
	c.cookie, c.csrf = value, session.CSRF

	var again inventory.Session
	w = c.do("GET", "/kanrin/v1/session", nil)
	w.want(200, "")
	w.into(&again)
	if again.CSRF != session.CSRF || again.User != "admin" {
		t.Fatalf("session is %+v, want the same as at sign-in", again)
	}
	for name, change := range map[string]func(*http.Request){
		"no CSRF header":    func(r *http.Request) { r.Header.Del("X-Kanrin-Csrf") },
		"wrong CSRF header": header("X-Kanrin-Csrf", session.CSRF[1:]),
	} {
		b.run(name, func(t *testing.T) {
			c.do("POST", "/kanrin/v1/clusters", nil, change).want(403, access.CodeCSRF)
			c.do("POST", "/apis/kanrin.dev/v1alpha1/namespaces/prod/operations", "{}", change).want(403, access.CodeCSRF)
			c.do("DELETE", "/api/v1/namespaces/prod", nil, change).want(403, access.CodeCSRF)
			c.do("POST", "/kanrin/v1/logout", nil, change).want(403, access.CodeCSRF)
		})
	}
	c.do("POST", "/kanrin/v1/clusters", nil).want(200, "")
	c.do("POST", "/kanrin/v1/clusters", nil, header("Origin", b.console.URL())).want(200, "")
	c.do("POST", "/kanrin/v1/clusters", nil, header("Origin", "https://evil.example")).want(403, access.CodeForeignOrigin)

	b.run("a cookie's token is no bearer token, and the reverse", func(t *testing.T) {
		asBearer := b.client()
		asBearer.bearer = c.cookie
		asBearer.do("GET", "/kanrin/v1/session", nil).want(401, access.CodeSessionUnknown)
		asCookie := b.client()
		asCookie.cookie = b.signedIn("admin", b.adminPassword(), true).bearer
		asCookie.do("GET", "/kanrin/v1/session", nil).want(401, access.CodeSessionUnknown)
	})
	b.run("two cookies", func(t *testing.T) {
		c.do("GET", "/kanrin/v1/session", nil, func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: "__Host-kanrin", Value: c.cookie})
		}).want(401, access.CodeSessionUnknown)
	})

	w = c.do("POST", "/kanrin/v1/logout", nil)
	w.want(200, "")
	if !strings.Contains(w.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("the cookie stays: %s", w.header.Get("Set-Cookie"))
	}
	c.do("GET", "/kanrin/v1/session", nil).want(401, access.CodeSessionUnknown)
}

func TestSignInRefused(t *testing.T) {
	b := newBed(t)
	b.user("hanako", nil)
	c := b.client()
	login := func(body any, change ...func(*http.Request)) answer {
		return c.do("POST", "/kanrin/v1/login", body, change...)
	}
	b.secrets = append(b.secrets, "wrong-secret-1")
	wrong := login(map[string]any{"username": "hanako", "password": "wrong-secret-1"})
	wrong.want(401, access.CodeSignInFailed)
	unknown := login(map[string]any{"username": "nobody-here", "password": "wrong-secret-1"})
	unknown.want(401, access.CodeSignInFailed)
	if string(wrong.body) != string(unknown.body) {
		t.Errorf("a wrong password is told from an unknown user:\n%s%s", wrong.body, unknown.body)
	}
	if strings.Contains(b.log.String(), "nobody-here") {
		t.Error("a name that no user has, maybe a password, stands in the log")
	}
	good := map[string]any{"username": "hanako", "password": password}
	for name, tc := range map[string]struct {
		body   any
		change func(*http.Request)
		code   int
		cause  access.Code
	}{
		"no JSON":            {"username=hanako", nil, 400, access.CodeBodyInvalid},
		"nothing":            {"", nil, 400, access.CodeBodyInvalid},
		"more than one":      {`{"username":"a","password":"b"}{}`, nil, 400, access.CodeBodyInvalid},
		"other fields":       {`{"username":"a","password":"b","groups":["system:masters"]}`, nil, 400, access.CodeBodyInvalid},
		"other types":        {`{"username":["a"],"password":1}`, nil, 400, access.CodeBodyInvalid},
		"a form's type":      {good, header("Content-Type", "text/plain"), 415, access.CodeBodyInvalid},
		"no type":            {good, header("Content-Type", ""), 415, access.CodeBodyInvalid},
		"too large":          {`{"username":"` + strings.Repeat("a", 9000) + `"}`, nil, 413, access.CodeBodyTooLarge},
		"another site":       {good, header("Sec-Fetch-Site", "cross-site"), 403, access.CodeForeignOrigin},
		"another origin":     {good, header("Origin", "https://evil.example"), 403, access.CodeForeignOrigin},
		"an origin of none":  {good, header("Origin", "null"), 403, access.CodeForeignOrigin},
		"another host":       {good, func(r *http.Request) { r.Host = "evil.example" }, 421, access.CodeHostNotAllowed},
		"a user that cannot": {map[string]any{"username": "system:masters", "password": password}, nil, 401, access.CodeSignInFailed},
	} {
		b.run(name, func(t *testing.T) {
			change := tc.change
			if change == nil {
				change = func(*http.Request) {}
			}
			login(tc.body, change).want(tc.code, tc.cause)
		})
	}
	b.run("too large without a length", func(t *testing.T) {
		r := c.request("POST", "/kanrin/v1/login", nil)
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"username":"`), strings.NewReader(strings.Repeat("a", 20000)), strings.NewReader(`"}`)))
		w, err := c.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		w.Body.Close()
		if w.StatusCode != 413 {
			t.Fatal(w.Status)
		}
	})
	b.run("too often", func(t *testing.T) {
		var last answer
		for range 7 {
			last = login(map[string]any{"username": "hanako", "password": "wrong-secret-1"})
		}
		last.want(429, access.CodeTooManyAttempts)
		if last.header.Get("Retry-After") == "" {
			t.Error("there is no Retry-After")
		}
		login(good).want(429, access.CodeTooManyAttempts)
		b.eventually("the pause ends", func() bool { return login(good).code == 200 })
	})
}

func TestPassword(t *testing.T) {
	b := newBed(t)
	b.user("hanako", nil)
	mine, other := b.signedIn("hanako", password, false), b.signedIn("hanako", password, true)
	b.secrets = append(b.secrets, "another-horse-8")
	mine.do("POST", "/kanrin/v1/password", map[string]string{"old": "wrong", "new": "another-horse-8"}).want(422, access.CodePasswordWrong)
	mine.do("POST", "/kanrin/v1/password", map[string]string{"old": password, "new": "short"}).want(422, access.CodePasswordShort)
	mine.do("POST", "/kanrin/v1/password", map[string]string{"old": password, "new": "another-horse-8"}).want(200, "")
	mine.do("GET", "/kanrin/v1/session", nil).want(200, "")
	other.do("GET", "/kanrin/v1/session", nil).want(401, access.CodeSessionUnknown)
	b.client().do("POST", "/kanrin/v1/login", map[string]string{"username": "hanako", "password": password}).want(401, access.CodeSignInFailed)
	b.signedIn("hanako", "another-horse-8", false)
	for range 6 {
		mine.do("POST", "/kanrin/v1/password", map[string]string{"old": "wrong", "new": "yet-another-9"})
	}
	mine.do("POST", "/kanrin/v1/password", map[string]string{"old": "wrong", "new": "yet-another-9"}).want(429, access.CodeTooManyAttempts)
}

func TestUsersByHTTP(t *testing.T) {
	b := newBed(t)
	b.cluster("prod")
	admin := b.signedIn("admin", b.adminPassword(), true)
	b.secrets = append(b.secrets, password)
	w := admin.do("POST", "/kanrin/v1/users", inventory.User{Name: "hanako", Password: password, Roles: map[string]string{"prod": "Viewer"}})
	w.want(201, "")
	if strings.Contains(string(w.body), password) {
		t.Error("the answer repeats the password")
	}
	admin.do("POST", "/kanrin/v1/users", inventory.User{Name: "hanako", Password: password}).want(409, access.CodeUserExists)
	hanako := b.signedIn("hanako", password, true)
	b.eventually("the role is effective", func() bool { return hanako.do("GET", "/kanrin/v1/clusters/prod/nodes", nil).code == 200 })
	refused := hanako.do("GET", "/kanrin/v1/users", nil)
	refused.want(403, access.CodeMissingVerb+"Everywhere")
	if want := `User \"hanako\" cannot list resource \"users\" in API group \"kanrin.dev\" at the cluster scope`; !strings.Contains(string(refused.body), want) {
		t.Errorf("%s lacks %s", refused.body, want)
	}
	hanako.do("GET", "/kanrin/v1/clusters/dev/nodes", nil).want(403, access.CodeMissingVerb)

	var page inventory.Page[inventory.User]
	admin.do("GET", "/kanrin/v1/users", nil).into(&page)
	if page.Total != 2 || page.Items[1].Name != "hanako" || page.Items[1].Roles["prod"] != "Viewer" {
		t.Fatalf("users are %+v", page)
	}
	admin.do("PATCH", "/kanrin/v1/users/hanako", map[string]any{"roles": map[string]string{}}).want(200, "")
	b.eventually("the role is gone", func() bool { return hanako.do("GET", "/kanrin/v1/clusters/prod/nodes", nil).code == 403 })
	admin.do("PATCH", "/kanrin/v1/users/hanako", map[string]any{"disabled": true}).want(200, "")
	hanako.do("GET", "/kanrin/v1/session", nil).want(401, access.CodeSessionUnknown)
	admin.do("DELETE", "/kanrin/v1/users/hanako", nil).want(200, "")
	admin.do("DELETE", "/kanrin/v1/users/hanako", nil).want(404, access.CodeUserUnknown)
	admin.do("DELETE", "/kanrin/v1/users/admin", nil).want(409, access.CodeLastAdministrator)
	for _, line := range []string{"user created", "user changed", "user removed"} {
		if !strings.Contains(b.log.String(), line) {
			t.Errorf("the audit log lacks %q", line)
		}
	}
}

func TestGuards(t *testing.T) {
	b := newBed(t)
	c := b.client()
	const strict = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	for path, policy := range map[string]string{
		"/": strict, "/clusters/prod": strict, "/kanrin/v1/session": "default-src 'none'; frame-ancestors 'none'; sandbox",
		"/api": "default-src 'none'; frame-ancestors 'none'; sandbox", "/healthz": "default-src 'none'; frame-ancestors 'none'; sandbox",
		"/kanrin/v1/none": "default-src 'none'; frame-ancestors 'none'; sandbox",
	} {
		h := c.do("GET", path, nil).header
		for name, want := range map[string]string{
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Strict-Transport-Security": "",
			"Access-Control-Allow-Origin": "",
		} {
			if got := h.Get(name); got != want || len(h.Values(name)) > 1 {
				t.Errorf("%s: %s is %q, want %q", path, name, h.Values(name), want)
			}
		}
	}
	for host, ok := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "[::1]": true, "LOCALHOST:1": true, "evil.example": false, "127.0.0.1.evil.example": false,
		"localhost.evil.example": false, "10.0.0.1": false, "": false, "a b": false,
	} {
		// By HTTP/1.1 as it stands on the wire: clients refuse to write some of these.
		if got := b.raw(fmt.Sprintf("GET /healthz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)); strings.Contains(got, " 200 OK") != ok {
			t.Errorf("Host %q: %.80q", host, got)
		}
	}
	for name, request := range map[string]string{
		"upgrade":       "GET /api/v1/namespaces?watch=true HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"SPDY":          "POST /api/v1/namespaces/a/pods/b/exec HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\n\r\n",
		"upgrade to h2": "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
		"two hosts":     "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
		"no host":       "GET / HTTP/1.1\r\n\r\n",
		"CONNECT":       "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"two lengths":   "POST /kanrin/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"huge header":   "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("a", 64<<10) + "\r\n\r\n",
	} {
		got := b.raw(request)
		if !strings.HasPrefix(got, "HTTP/1.1 4") {
			t.Errorf("%s: %.80q", name, got)
		}
	}
	c.do("GET", "/kanrin/v1/panic", nil).want(500, "")
	if !strings.Contains(b.log.String(), "a handler panicked") {
		t.Error("the panic is not in the log")
	}
	c.do("GET", "/kanrin/v1/none", nil).want(404, access.CodePathNotServed)
	w := c.do("DELETE", "/kanrin/v1/session", nil)
	w.want(405, access.CodeMethodNotServed)
	if w.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow is %q", w.header.Get("Allow"))
	}
}

// raw sends bytes to the server and returns what comes back before it closes or falls silent.
func (b *bed) raw(request string) string {
	b.t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(b.console.URL(), "https://"), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	if err != nil {
		b.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	go func() { _, _ = io.WriteString(conn, request) }()
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "no answer: " + err.Error()
	}
	return line
}

func TestTLS(t *testing.T) {
	b := newBed(t)
	address := strings.TrimPrefix(b.console.URL(), "https://")
	if _, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is accepted")
	}
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	plain, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	fmt.Fprintf(plain, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	line, _ := bufio.NewReader(plain).ReadString('\n')
	if strings.Contains(line, "200") {
		t.Errorf("plain HTTP is served: %s", line)
	}
	second, err := console.New(console.Configuration{Listen: address, DataDir: b.dir}, console.Dependencies{
		Access: b.access, Management: api.Config, Metrics: newRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Start(b.ctx); err == nil || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("a port in use: %v", err)
	}
	if second.Fingerprint() != b.console.Fingerprint() {
		t.Error("two starts with one data directory have two certificates")
	}
}

func TestHealthAndMetrics(t *testing.T) {
	b := newBed(t)
	c := b.client()
	if w := c.do("GET", "/healthz", nil); w.code != 200 || string(w.body) != "ok\n" {
		t.Errorf("healthz: %d %s", w.code, w.body)
	}
	b.eventually("ready", func() bool { return c.do("GET", "/readyz", nil).code == 200 })
	if w := c.do("GET", "/readyz?verbose", nil); string(w.body) != "[+]management-api ok\n[+]fleet ok\nreadyz check passed\n" {
		t.Errorf("readyz: %s", w.body)
	}
	b.ready.set(errors.New("the reason with details"))
	b.eventually("not ready", func() bool { return c.do("GET", "/readyz", nil).code == 503 })
	if w := c.do("GET", "/readyz", nil); strings.Contains(string(w.body), "details") || !strings.Contains(string(w.body), "[-]fleet failed") {
		t.Errorf("readyz: %s", w.body)
	}
	c.do("GET", "/kanrin/v1/session", nil)
	w := c.do("GET", "/metrics", nil)
	for _, want := range []string{
		`kanrin_http_requests_total{code="401",method="GET",route="/kanrin/v1/session"} 1`, "kanrin_http_request_duration_seconds_bucket", "kanrin_sessions ",
		`kanrin_sign_ins_total{result="failed"} 0`, "kanrin_console_certificate_not_after_seconds", "go_goroutines", "process_resident_memory_bytes",
	} {
		if !strings.Contains(string(w.body), want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	c.do("GET", "/metrics", nil, header("X-Forwarded-For", "127.0.0.1")).want(401, access.CodeSignInRequired)
}

func TestRegisterRefuses(t *testing.T) {
	b := newBed(t)
	fine := func(http.ResponseWriter, *http.Request) {}
	for name, rt := range map[string]httpapi.Route{
		"no rule":              {Method: "GET", Pattern: "/kanrin/v1/x", Handler: fine},
		"two rules":            {Method: "GET", Pattern: "/kanrin/v1/x", Access: httpapi.Access{Public: true, SignedIn: true}, Handler: fine},
		"half a rule":          {Method: "GET", Pattern: "/kanrin/v1/x", Access: httpapi.Access{Verb: "get"}, Handler: fine},
		"no handler":           {Method: "GET", Pattern: "/kanrin/v1/x", Access: httpapi.Access{Public: true}},
		"taken":                {Method: "GET", Pattern: "/kanrin/v1/session", Access: httpapi.Access{Public: true}, Handler: fine},
		"taken by other names": {Method: "GET", Pattern: "/kanrin/v1/clusters/{name}/nodes", Access: httpapi.Access{Public: true}, Handler: fine},
		"no pattern":           {Method: "GET", Pattern: "kanrin", Access: httpapi.Access{Public: true}, Handler: fine},
		"bad pattern":          {Method: "GET", Pattern: "/kanrin/v1/{", Access: httpapi.Access{Public: true}, Handler: fine},
	} {
		if err := b.console.Register([]httpapi.Route{rt}); err == nil {
			t.Errorf("%s: the route was taken", name)
		}
	}
}

// The table says who may call what. A new route without a row fails the test.
func TestAuthorizationMatrix(t *testing.T) {
	b := newBed(t)
	b.cluster(consoletest.Cluster)
	b.cluster(consoletest.Elsewhere)
	client, err := kubernetes.NewForConfig(api.Config)
	if err != nil {
		t.Fatal(err)
	}
	consoletest.Matrix(t, consoletest.Target{Console: b.console, Access: b.access, Expire: consoletest.ExpireIn(client)}, map[string]consoletest.Row{
		"ANY /":                          consoletest.Everyone,
		"GET /healthz":                   consoletest.Everyone,
		"GET /readyz":                    consoletest.Everyone,
		"GET /metrics":                   consoletest.SignedIn, // on this machine itself: everyone, see TestHealthAndMetrics
		"ANY /kanrin/":                   consoletest.Everyone,
		"POST /kanrin/v1/login":          consoletest.Everyone,
		"POST /kanrin/v1/logout":         consoletest.SignedIn,
		"GET /kanrin/v1/session":         consoletest.SignedIn,
		"POST /kanrin/v1/password":       consoletest.SignedIn,
		"GET /kanrin/v1/changes":         consoletest.SignedIn,
		"GET /kanrin/v1/users":           consoletest.AdministratorOnly,
		"POST /kanrin/v1/users":          consoletest.AdministratorOnly,
		"PATCH /kanrin/v1/users/{name}":  consoletest.AdministratorOnly,
		"DELETE /kanrin/v1/users/{name}": consoletest.AdministratorOnly,
		"ANY /api":                       consoletest.SignedIn,
		"ANY /api/":                      consoletest.SignedIn,
		"ANY /apis":                      consoletest.SignedIn,
		"ANY /apis/":                     consoletest.SignedIn,
		"ANY /openapi/":                  consoletest.SignedIn,
		"ANY /version":                   consoletest.SignedIn,
		// What is passed on is decided by the management API.
		"GET /api/v1/namespaces/kanrin-system/secrets":                                   "xxxx-----",
		"GET /api/v1/namespaces/matrix/secrets":                                          "xxxx-----",
		"GET /api/v1/namespaces":                                                         consoletest.AdministratorOnly,
		"GET /apis/kanrin.dev/v1alpha1/namespaces/matrix/operations":                     consoletest.FromViewer,
		"GET /apis/kanrin.dev/v1alpha1/namespaces/matrix-elsewhere/operations":           "xxxxo---o",
		"GET /apis/kanrin.dev/v1alpha1/operations":                                       consoletest.AdministratorOnly,
		"POST /apis/kanrin.dev/v1alpha1/namespaces/matrix/operations?dryRun=All":         consoletest.FromEditor,
		"DELETE /apis/kanrin.dev/v1alpha1/namespaces/matrix/clusters/none":               consoletest.AdministratorOnly,
		"DELETE /apis/kanrin.dev/v1alpha1/namespaces/matrix/operations/none":             consoletest.AdministratorOnly,
		"POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings?dryRun=All":         "xxxx-----",
		"GET /api/v1/nodes/none/proxy/":                                                  "xxxx-----",
		"POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews":                    consoletest.SignedIn,
		"POST /api/v1/namespaces/kanrin-system/serviceaccounts/default/token?dryRun=All": "xxxx-----",
		// The fixture's, one of each rule.
		"GET /kanrin/v1/clusters/{cluster}/nodes": consoletest.FromViewer,
		"POST /kanrin/v1/clusters":                consoletest.AdministratorOnly,
		"GET /kanrin/v1/overview":                 consoletest.SignedIn,
		"GET /kanrin/v1/panic":                    consoletest.Everyone,
	})
}
