package consoletest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/internal/access"
	"kanrin.dev/kanrin/internal/console"
)

// Row says for each of Personas, in their order, what becomes of a request: x it must sign in (401), - it may not (403), o it is let in,
// whatever the answer then is.
type Row string

// Rows as they usually are.
const (
	Everyone          Row = "ooooooooo"
	SignedIn          Row = "xxxxooooo"
	FromViewer        Row = "xxxx-oooo"
	FromEditor        Row = "xxxx--ooo"
	FromOperator      Row = "xxxx---oo"
	AdministratorOnly Row = "xxxx----o"
)

// Cluster is the one that the path value {cluster} names, and in which the viewer, the editor and the operator have their roles. It need
// not be reachable, but registered.
const Cluster = "matrix"

// Elsewhere is a registered cluster too: the wrong user is Administrator of it and has no role in Cluster.
const Elsewhere = "matrix-elsewhere"

// Personas who ask.
var Personas = []string{"anonymous", "malformed", "expired", "revoked", "elsewhere", "viewer", "editor", "operator", "administrator"}

// Target is what is asked.
type Target struct {
	Console *console.Console
	Access  *access.Access
	// Expire moves the end of a stored session into the past.
	Expire func(ctx context.Context, session string) error
}

// Matrix asks every route, and every further request that has a row, as every persona. Keys of rows are "METHOD pattern" as registered
// (ANY for routes of all methods, which are asked with GET), or "METHOD /path" of a further request, which a route of a whole subtree
// answers.
func Matrix(t *testing.T, target Target, rows map[string]Row) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	q := newQuestioner(ctx, t, target)

	asked := map[string]bool{}
	routes := target.Console.Routes()
	// What removes is asked last: the administrator's question is answered by removing.
	slices.SortStableFunc(routes, func(a, b console.Route) int { return removes(a.Method) - removes(b.Method) })
	for _, rt := range routes {
		method := rt.Method
		if method == "" {
			method = "ANY"
		}
		key := method + " " + rt.Pattern
		asked[key] = true
		row, ok := rows[key]
		if !ok {
			t.Errorf("route %s has no row in the authorization matrix: say who may call it", key)
			continue
		}
		q.route(key, row)
		if !rt.Access.Public && rt.Method != "" && rt.Method != http.MethodGet {
			q.cookie(key)
		}
	}
	for _, key := range slices.Sorted(keys(rows)) {
		if asked[key] {
			continue
		}
		if method, path, _ := strings.Cut(key, " "); method == "ANY" || strings.Contains(path, "{") || !q.subtree(path) {
			t.Errorf("row %s is of no route", key)
			continue
		}
		q.route(key, rows[key])
	}
}

func removes(method string) int {
	if method == http.MethodDelete {
		return 1
	}
	return 0
}

func keys(rows map[string]Row) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range rows {
			if !yield(key) {
				return
			}
		}
	}
}

type questioner struct {
	ctx    context.Context
	t      *testing.T
	target Target
	client *http.Client
	tokens map[string]string // by persona
	users  map[string]string // passwords by user name
}

func newQuestioner(ctx context.Context, t *testing.T, target Target) *questioner {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(target.Console.CA())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	q := &questioner{
		ctx: ctx, t: t, target: target, tokens: map[string]string{}, users: map[string]string{},
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	for persona, roles := range map[string]map[string]string{
		"elsewhere":     {Elsewhere: "Administrator"},
		"viewer":        {Cluster: "Viewer"},
		"editor":        {Cluster: "Editor"},
		"operator":      {Cluster: "Operator"},
		"administrator": {access.AllClusters: "Administrator"},
	} {
		user := inventoryUser(persona, roles)
		if _, err := target.Access.CreateUser(ctx, user); err != nil {
			t.Fatalf("creating the %s: %v", persona, err)
		}
		q.users[persona] = user.Password
		q.signIn(persona, persona)
	}
	expired := q.signIn("expired", "administrator")
	if err := target.Expire(ctx, expired.ID); err != nil {
		t.Fatalf("letting a session expire: %v", err)
	}
	revoked := q.signIn("revoked", "administrator")
	if err := target.Access.Revoke(ctx, revoked.ID); err != nil {
		t.Fatalf("revoking a session: %v", err)
	}
	q.tokens["malformed"] = q.tokens["administrator"] + "A"
	q.settle()
	return q
}

// settle waits until RBAC has taken notice of the roles.
func (q *questioner) settle() {
	for _, persona := range []string{"viewer", "editor", "operator", "administrator"} {
		caller := access.Session{User: user(persona)}.Caller()
		for {
			ok, err := q.target.Access.Allowed(q.ctx, caller, "get", "nodes", Cluster)
			if err == nil && ok {
				break
			}
			if q.ctx.Err() != nil {
				q.t.Fatalf("the %s's role is never effective: %v", persona, err)
			}
		}
	}
}

func (q *questioner) signIn(persona, as string) access.Session {
	q.t.Helper()
	token, session, _, err := q.target.Access.SignIn(q.ctx, user(as), q.users[as], access.Bearer)
	if err != nil {
		q.t.Fatalf("signing the %s in: %v", as, err)
	}
	q.tokens[persona] = token.Reveal()
	return session
}

func (q *questioner) route(key string, row Row) {
	q.t.Helper()
	if len(row) != len(Personas) || strings.Trim(string(row), "x-o") != "" {
		q.t.Errorf("row of %s is %q, want one of x, -, o for each of %v", key, row, Personas)
		return
	}
	for i, persona := range Personas {
		got, why := q.ask(key, func(r *http.Request) {
			if token := q.tokens[persona]; token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
		})
		if got != row[i] {
			q.t.Errorf("%s as %s: %c (%s), want %c", key, persona, got, why, row[i])
		}
		if q.users[persona] != "" && strings.Contains(key, "logout") {
			q.signIn(persona, persona)
		}
	}
}

// cookie asks as the administrator's browser, without what only our pages know.
func (q *questioner) cookie(key string) {
	q.t.Helper()
	token, session, _, err := q.target.Access.SignIn(q.ctx, user("administrator"), q.users["administrator"], access.Browser)
	if err != nil {
		q.t.Fatal(err)
	}
	for name, change := range map[string]func(*http.Request){
		"without the CSRF header": func(*http.Request) {},
		"with another's":          func(r *http.Request) { r.Header.Set("X-Kanrin-Csrf", strings.Repeat("A", len(token.CSRF()))) },
		"from another origin": func(r *http.Request) {
			r.Header.Set("X-Kanrin-Csrf", token.CSRF())
			r.Header.Set("Origin", "https://evil.example")
		},
		"from another site": func(r *http.Request) {
			r.Header.Set("X-Kanrin-Csrf", token.CSRF())
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		},
	} {
		got, why := q.ask(key, func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: "__Host-kanrin", Value: token.Reveal()})
			change(r)
		})
		if got != '-' {
			q.t.Errorf("%s by cookie %s: %c (%s), want it refused", key, name, got, why)
		}
	}
	if err := q.target.Access.Revoke(q.ctx, session.ID); err != nil {
		q.t.Fatal(err)
	}
}

var pathValue = regexp.MustCompile(`\{[a-zA-Z]+(\.\.\.)?\}`)

// path of a request to the pattern.
func path(pattern string) string {
	pattern = strings.ReplaceAll(pattern, "{cluster}", Cluster)
	pattern = strings.ReplaceAll(pattern, "{$}", "")
	return pathValue.ReplaceAllString(pattern, "matrix-none")
}

func (q *questioner) ask(key string, change func(*http.Request)) (outcome byte, why string) {
	q.t.Helper()
	method, pattern, _ := strings.Cut(key, " ")
	var body io.Reader
	switch method {
	case "ANY":
		method = http.MethodGet
	case http.MethodGet, http.MethodHead:
	default:
		body = bytes.NewReader([]byte("{}"))
	}
	ctx, cancel := context.WithTimeout(q.ctx, 30*time.Second)
	defer cancel() // which also ends streams: their first bytes say enough
	r, err := http.NewRequestWithContext(ctx, method, q.target.Console.URL()+path(pattern), body)
	if err != nil {
		q.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", "192.0.2.1") // what is free on this machine is not for those behind a proxy on it
	change(r)
	w, err := q.client.Do(r)
	if err != nil {
		return '!', err.Error()
	}
	defer w.Body.Close()
	switch w.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusMisdirectedRequest:
	default:
		return 'o', w.Status
	}
	var status metav1.Status
	if err := json.NewDecoder(io.LimitReader(w.Body, 1<<20)).Decode(&status); err != nil || status.Kind != "Status" || int(status.Code) != w.StatusCode {
		return '!', fmt.Sprintf("%s without a Status: %v", w.Status, err)
	}
	code := ""
	if status.Details != nil && len(status.Details.Causes) > 0 {
		code = string(status.Details.Causes[0].Type)
	}
	switch {
	case code == string(access.CodeSignInFailed): // the sign-in itself has judged the request
		return 'o', status.Message
	case w.StatusCode == http.StatusUnauthorized:
		return 'x', status.Message
	case w.StatusCode == http.StatusForbidden:
		return '-', status.Message
	}
	return '!', status.Message
}

// subtree reports whether a route of a whole subtree covers the path.
func (q *questioner) subtree(path string) bool {
	return slices.ContainsFunc(q.target.Console.Routes(), func(rt console.Route) bool {
		return strings.HasSuffix(rt.Pattern, "/") && rt.Pattern != "/" && strings.HasPrefix(path, rt.Pattern)
	})
}
