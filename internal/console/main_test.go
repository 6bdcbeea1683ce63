package console_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/access"
	"kanrin.dev/kanrin/internal/console"
	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
	"kanrin.dev/kanrin/internal/httpapi"
	"kanrin.dev/kanrin/internal/install"
)

var api *controlplanetest.API

func TestMain(m *testing.M) { os.Exit(controlplanetest.Main(m, &api)) }

var installed sync.Once

// bed is a running console on the package's management API, which it finds without users and sessions.
type bed struct {
	t       testing.TB
	ctx     context.Context
	access  *access.Access
	console *console.Console
	changes *source
	ready   *failing
	log     *logBuffer
	dir     string
	secrets []string // which must not stand in the log
}

type option func(*console.Configuration, *console.Dependencies, *access.Configuration)

func newBed(t testing.TB, options ...option) *bed {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	installed.Do(func() {
		if err := install.Install(ctx, api.Config); err != nil {
			t.Fatalf("installing: %v", err)
		}
	})
	err := api.Client.CoreV1().Secrets(v1alpha1.SystemNamespace).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t, ctx: ctx, dir: t.TempDir(), log: &logBuffer{}, changes: &source{}, ready: &failing{}}
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	accessConf := access.Configuration{DataDir: b.dir, Hash: access.HashParameters{MemoryKiB: 64, Passes: 1, Lanes: 1}, Namespace: "prod"}
	conf := console.Configuration{Listen: "127.0.0.1:0", DataDir: b.dir, Version: "v0.0.0-test"}
	deps := console.Dependencies{
		Management: api.Config, Log: log, Metrics: prometheus.NewRegistry(), Changes: []console.Changes{b.changes},
		Static: fstest.MapFS{"index.html": {Data: []byte("<html>")}},
		Checks: []console.Check{{Name: "fleet", Check: b.ready.check}},
	}
	for _, o := range options {
		o(&conf, &deps, &accessConf)
	}
	if b.access, err = access.New(accessConf, access.Dependencies{Management: api.Config, Log: log}); err != nil {
		t.Fatal(err)
	}
	if err := b.access.Start(ctx); err != nil {
		t.Fatal(err)
	}
	deps.Access = b.access
	if b.console, err = console.New(conf, deps); err != nil {
		t.Fatal(err)
	}
	if err := b.console.Register(b.routes()); err != nil {
		t.Fatal(err)
	}
	if err := b.console.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.console.Stop(stop); err != nil {
			t.Errorf("stopping the console: %v", err)
		}
		if err := b.access.Stop(stop); err != nil {
			t.Errorf("stopping access: %v", err)
		}
		for i, secret := range b.secrets {
			if secret != "" && strings.Contains(b.log.String(), secret) {
				t.Errorf("secret %d stands in the log:\n%s", i, b.log)
			}
		}
	})
	return b
}

// run is a subtest whose failures are its own.
func (b *bed) run(name string, f func(t *testing.T)) {
	outer := b.t.(*testing.T)
	outer.Run(name, func(t *testing.T) {
		b.t = t
		defer func() { b.t = outer }()
		f(t)
	})
}

// routes stand for those of other packages, one of each rule.
func (b *bed) routes() []httpapi.Route {
	who := func(w http.ResponseWriter, r *http.Request) {
		caller, _ := httpapi.CallerFrom(r.Context())
		httpapi.WriteJSON(w, http.StatusOK, caller)
	}
	return []httpapi.Route{
		{Method: "GET", Pattern: "/kanrin/v1/clusters/{cluster}/nodes", Access: httpapi.Access{Verb: "list", Resource: "nodes"}, Handler: who},
		{Method: "POST", Pattern: "/kanrin/v1/clusters", Access: httpapi.Access{Verb: "create", Resource: "clusters"}, Handler: who},
		{Method: "GET", Pattern: "/kanrin/v1/overview", Access: httpapi.Access{SignedIn: true}, Handler: who},
		{Method: "GET", Pattern: "/kanrin/v1/panic", Access: httpapi.Access{Public: true}, Handler: func(http.ResponseWriter, *http.Request) { panic("oh") }},
	}
}

// cluster registers a cluster by its namespace and object alone.
func (b *bed) cluster(name string) {
	b.t.Helper()
	_, err := api.Client.CoreV1().Namespaces().Create(b.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		b.t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(api.Config)
	if err != nil {
		b.t.Fatal(err)
	}
	_, err = client.Resource(v1alpha1.GroupVersion.WithResource("clusters")).Namespace(name).Create(b.ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": "Cluster", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"kubeconfigSecret": "kubeconfig"},
	}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		b.t.Fatal(err)
	}
}

const password = "correct-horse-7"

// user makes one and waits until its roles are effective.
func (b *bed) user(name string, roles map[string]string) {
	b.t.Helper()
	b.secrets = append(b.secrets, password)
	if _, err := b.access.CreateUser(b.ctx, inventory.User{Name: name, Password: password, Roles: roles}); err != nil {
		b.t.Fatalf("creating user %s: %v", name, err)
	}
	for cluster := range roles {
		if cluster == access.AllClusters {
			cluster = ""
		}
		for {
			ok, err := b.access.Allowed(b.ctx, httpapi.Caller{User: name}, "get", "clusters", cluster)
			if ok && err == nil {
				break
			}
			if b.ctx.Err() != nil {
				b.t.Fatalf("the role of %s is never effective: %v", name, err)
			}
		}
	}
}

func (b *bed) adminPassword() string {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(b.dir, "admin-password"))
	if err != nil {
		b.t.Fatal(err)
	}
	secret := strings.TrimSpace(string(data))
	b.secrets = append(b.secrets, secret)
	return secret
}

// client is a browser or a program that trusts the console's certificate.
type client struct {
	*bed
	http   *http.Client
	cookie string
	csrf   string
	bearer string
}

func (b *bed) client() *client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(b.console.CA())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	b.t.Cleanup(transport.CloseIdleConnections)
	return &client{bed: b, http: &http.Client{Transport: transport}}
}

// signedIn is a client with a cookie, or with a token.
func (b *bed) signedIn(name, password string, token bool) *client {
	b.t.Helper()
	c := b.client()
	var session inventory.Session
	w := c.do("POST", "/kanrin/v1/login", map[string]any{"username": name, "password": password, "token": token})
	if w.code != http.StatusOK {
		b.t.Fatalf("signing %s in: %d %s", name, w.code, w.body)
	}
	w.into(&session)
	c.bearer, c.csrf = session.Token, session.CSRF
	for _, cookie := range (&http.Response{Header: w.header}).Cookies() {
		c.cookie = cookie.Value
	}
	b.secrets = append(b.secrets, secretPart(c.bearer), secretPart(c.cookie), c.csrf)
	return c
}

func secretPart(token string) string {
	_, secret, _ := strings.Cut(token, ".")
	return secret
}

type answer struct {
	t      testing.TB
	code   int
	header http.Header
	body   []byte
	proto  int
}

func (a answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		a.t.Fatalf("%v: %s", err, a.body)
	}
}

// cause is the code of a refusal.
func (a answer) cause() string {
	var status metav1.Status
	if json.Unmarshal(a.body, &status) != nil || status.Kind != "Status" || int(status.Code) != a.code || status.Details == nil || len(status.Details.Causes) == 0 {
		return ""
	}
	return string(status.Details.Causes[0].Type)
}

func (c *client) request(method, path string, body any) *http.Request {
	c.t.Helper()
	var reader io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(body)
	default:
		data, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		reader = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(c.ctx, method, c.console.URL()+path, reader)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if c.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	if c.cookie != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-kanrin", Value: c.cookie})
		r.Header.Set("X-Kanrin-Csrf", c.csrf)
	}
	return r
}

func (c *client) do(method, path string, body any, change ...func(*http.Request)) answer {
	c.t.Helper()
	r := c.request(method, path, body)
	for _, f := range change {
		f(r)
	}
	w, err := c.http.Do(r)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer w.Body.Close()
	data, err := io.ReadAll(w.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{t: c.t, code: w.StatusCode, header: w.Header, body: data, proto: w.ProtoMajor}
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// want fails unless the answer has the status code and, when not empty, the refusal's code.
func (a answer) want(code int, cause access.Code) {
	a.t.Helper()
	if a.code != code || a.cause() != string(cause) {
		a.t.Fatalf("answer is %d %q %.300s, want %d %q", a.code, a.cause(), a.body, code, cause)
	}
}

// eventually asks until ok, which must become true before the test's end.
func (b *bed) eventually(what string, ok func() bool) {
	b.t.Helper()
	for !ok() {
		if b.ctx.Err() != nil {
			b.t.Fatalf("never: %s", what)
		}
	}
}

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// source of changes that a test writes.
type source struct {
	mu   sync.Mutex
	subs []chan inventory.Change
}

func (s *source) Subscribe() (<-chan inventory.Change, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := make(chan inventory.Change)
	s.subs = append(s.subs, ch)
	return ch, func() {}
}

func (s *source) tell(cluster, area string, revision int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ch := range s.subs {
		ch <- inventory.Change{Cluster: cluster, Area: area, Revision: revision}
	}
}

// failing is a check that a test can let fail.
type failing struct {
	mu  sync.Mutex
	err error
}

func (f *failing) check(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *failing) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}
