package console_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/access"
	"kanrin.dev/kanrin/internal/console"
	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
	"kanrin.dev/kanrin/internal/install"
)

func newRegistry() *prometheus.Registry { return prometheus.NewRegistry() }

// follow opens the stream of changes; the channel closes when it ends.
func (c *client) follow() <-chan inventory.Change {
	c.t.Helper()
	w, err := c.http.Do(c.request("GET", "/kanrin/v1/changes", nil))
	if err != nil {
		c.t.Fatal(err)
	}
	if w.StatusCode != 200 || w.Header.Get("Content-Type") != "text/event-stream" {
		c.t.Fatalf("%s %s", w.Status, w.Header.Get("Content-Type"))
	}
	out := make(chan inventory.Change, 100)
	lines := bufio.NewScanner(w.Body)
	lines.Scan() // the first comment: from here on nothing is missed
	go func() {
		defer close(out)
		defer w.Body.Close()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var change inventory.Change
				if json.Unmarshal([]byte(data), &change) == nil {
					out <- change
				}
			}
		}
	}()
	return out
}

func (b *bed) next(ch <-chan inventory.Change) (inventory.Change, bool) {
	b.t.Helper()
	select {
	case change, ok := <-ch:
		return change, ok
	case <-time.After(20 * time.Second):
		b.t.Fatal("nothing was heard for 20 s")
		return inventory.Change{}, false
	}
}

func TestChanges(t *testing.T) {
	b := newBed(t)
	b.cluster("prod")
	b.cluster("dev")
	b.user("hanako", map[string]string{"prod": "Viewer"})
	b.user("taro", map[string]string{"dev": "Viewer"})
	hanako, taro := b.signedIn("hanako", password, false), b.signedIn("taro", password, true)
	heard, other := hanako.follow(), taro.follow()

	b.changes.tell("prod", "nodes", 1)
	if got, _ := b.next(heard); got != (inventory.Change{Cluster: "prod", Area: "nodes", Revision: 1}) {
		t.Fatalf("heard %+v", got)
	}
	// A burst is told as its last change, once the client has had its quiet time; what is another's is not told.
	start := time.Now()
	for i := range int64(50) {
		b.changes.tell("prod", "pods", i)
		b.changes.tell("dev", "pods", i)
	}
	b.changes.tell("", "clusters", 9)
	got := map[inventory.Change]bool{}
	for !got[inventory.Change{Cluster: "prod", Area: "pods", Revision: 49}] || !got[inventory.Change{Area: "clusters", Revision: 9}] {
		change, ok := b.next(heard)
		if !ok || change.Cluster == "dev" {
			t.Fatalf("heard %+v, %v", change, ok)
		}
		got[change] = true
	}
	if len(got) > 4 {
		t.Errorf("a burst of 50 was told in %d changes within %v", len(got), time.Since(start))
	}
	for {
		change, ok := b.next(other)
		if !ok || change.Cluster == "prod" {
			t.Fatalf("the other heard %+v, %v", change, ok)
		}
		if change.Revision == 49 {
			break
		}
	}

	b.run("ends with the session", func(t *testing.T) {
		hanako.do("POST", "/kanrin/v1/logout", nil).want(200, "")
		for ok := true; ok; {
			_, ok = b.next(heard)
		}
	})
	b.run("ends with the user's role, to be judged anew", func(t *testing.T) {
		if _, err := b.access.UpdateUser(b.ctx, "taro", access.UserChange{Roles: map[string]string{}}); err != nil {
			t.Fatal(err)
		}
		for ok := true; ok; {
			_, ok = b.next(other)
		}
		taro.do("GET", "/kanrin/v1/session", nil).want(200, "")
	})
	b.run("a client that does not read holds up nobody", func(t *testing.T) {
		taro := b.signedIn("taro", password, true)
		w, err := taro.http.Do(taro.request("GET", "/kanrin/v1/changes", nil))
		if err != nil {
			t.Fatal(err)
		}
		defer w.Body.Close()
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range int64(20_000) {
				b.changes.tell("", strings.Repeat("x", int(i%50)), i)
			}
		}()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Fatal("the source was held up")
		}
	})
}

// kubeconfig of a token, as `kanrin login` writes it.
func (c *client) restConfig() *rest.Config {
	return &rest.Config{Host: c.console.URL(), BearerToken: c.bearer, TLSClientConfig: rest.TLSClientConfig{CAData: c.console.CA()}}
}

func clusters(t *testing.T, conf *rest.Config, namespace string) dynamic.ResourceInterface {
	t.Helper()
	client, err := dynamic.NewForConfig(conf)
	if err != nil {
		t.Fatal(err)
	}
	return client.Resource(v1alpha1.GroupVersion.WithResource("clusters")).Namespace(namespace)
}

func TestWatchThroughTheProxy(t *testing.T) {
	b := newBed(t)
	b.cluster("prod")
	b.user("hanako", map[string]string{"prod": "Viewer"})
	touch := func() {
		t.Helper()
		_, err := clusters(t, api.Config, "prod").Patch(b.ctx, "prod", "application/merge-patch+json",
			[]byte(`{"metadata":{"annotations":{"touched":"`+time.Now().String()+`"}}}`), metav1.PatchOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	open := func() (*client, watch.Interface) {
		t.Helper()
		hanako := b.signedIn("hanako", password, true)
		list, err := clusters(t, hanako.restConfig(), "prod").List(b.ctx, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		w, err := clusters(t, hanako.restConfig(), "prod").Watch(b.ctx, metav1.ListOptions{ResourceVersion: list.GetResourceVersion()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.Stop)
		touch()
		select {
		case event := <-w.ResultChan():
			if event.Type != watch.Modified {
				t.Fatalf("event %+v", event)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("no event came through")
		}
		return hanako, w
	}
	ends := func(w watch.Interface, within time.Duration) {
		t.Helper()
		timeout := time.After(within)
		for {
			select {
			case event, ok := <-w.ResultChan():
				if !ok || event.Type == watch.Error {
					return
				}
			case <-timeout:
				t.Fatalf("the watch goes on %v after its session ended", within)
			}
		}
	}
	hanako, w := open()
	hanako.do("POST", "/kanrin/v1/logout", nil).want(200, "")
	ends(w, 3*time.Second)

	// As another server would end it: this one finds out by itself.
	hanako, w = open()
	id := strings.TrimPrefix(strings.Split(hanako.bearer, ".")[0], "kanrin-")
	if err := api.Client.CoreV1().Secrets(v1alpha1.SystemNamespace).Delete(b.ctx, "session-"+id, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	ends(w, 20*time.Second)
}

// kubectl as people run it, with the file that the first start leaves and with a viewer's token.
func TestKubectl(t *testing.T) {
	b := newBed(t)
	b.cluster("prod")
	b.user("hanako", map[string]string{"prod": "Viewer"})
	kubectl := func(kubeconfig string, args ...string) (string, error) {
		cmd := exec.CommandContext(b.ctx, api.Binary, append([]string{"kubectl", "--kubeconfig", kubeconfig}, args...)...)
		cmd.Env = []string{"HOME=" + b.dir, "PATH=/usr/bin:/bin"}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	admin := filepath.Join(b.dir, "admin.kubeconfig")
	if out, err := kubectl(admin, "get", "clusters"); err != nil || !strings.Contains(out, "prod") {
		t.Errorf("get clusters: %v\n%s", err, out)
	}
	if out, err := kubectl(admin, "get", "operations"); err != nil || !strings.Contains(out, "No resources found in prod namespace") {
		t.Errorf("get operations: %v\n%s", err, out)
	}
	if out, err := kubectl(admin, "auth", "whoami"); err != nil || !strings.Contains(out, "admin") || strings.Contains(out, "masters") {
		t.Errorf("auth whoami: %v\n%s", err, out)
	}
	// What a client says of itself is not believed.
	if out, err := kubectl(admin, "get", "secrets", "-n", "kanrin-system", "--as=system:admin", "--as-group=system:masters"); err == nil {
		t.Errorf("impersonation from outside:\n%s", out)
	}

	hanako := b.signedIn("hanako", password, true)
	conf, err := clientcmd.LoadFromFile(admin)
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range conf.AuthInfos {
		info.Token = hanako.bearer
	}
	viewer := filepath.Join(b.dir, "viewer.kubeconfig")
	if err := clientcmd.WriteToFile(*conf, viewer); err != nil {
		t.Fatal(err)
	}
	if out, err := kubectl(viewer, "get", "clusters"); err != nil || !strings.Contains(out, "prod") {
		t.Errorf("viewer: get clusters: %v\n%s", err, out)
	}
	out, err := kubectl(viewer, "delete", "cluster", "prod")
	if want := `User "hanako" cannot delete resource "clusters" in API group "kanrin.dev" in the namespace "prod"`; err == nil || !strings.Contains(out, want) {
		t.Errorf("viewer: delete: %v\n%s", err, out)
	}
	hanako.do("POST", "/kanrin/v1/logout", nil).want(200, "")
	out, err = kubectl(viewer, "get", "clusters")
	if err == nil || !strings.Contains(out, "This session does not exist or was ended. Sign in again.") {
		t.Errorf("after sign-out: %v\n%s", err, out)
	}
}

// While the management API is away, the server says so, and signs nobody out.
func TestManagementAPIAway(t *testing.T) {
	away := controlplanetest.Start(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := install.Install(ctx, away.Config); err != nil {
		t.Fatal(err)
	}
	b := newBed(t, func(_ *console.Configuration, d *console.Dependencies, _ *access.Configuration) {
		d.Management = away.Config
	})
	// The bed's own access stands on the package's API; a second server wholly on the one that goes away.
	dir := t.TempDir()
	acc, err := access.New(access.Configuration{DataDir: dir, Hash: access.HashParameters{MemoryKiB: 64, Passes: 1, Lanes: 1}}, access.Dependencies{Management: away.Config})
	if err != nil {
		t.Fatal(err)
	}
	if err := acc.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer acc.Stop(ctx)
	second, err := console.New(console.Configuration{Listen: "127.0.0.1:0", DataDir: dir}, console.Dependencies{Access: acc, Management: away.Config, Metrics: newRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer second.Stop(ctx)
	inner := &bed{t: t, ctx: ctx, access: acc, console: second, log: b.log, dir: dir}
	admin := inner.signedIn("admin", inner.adminPassword(), true)
	admin.do("GET", "/kanrin/v1/session", nil).want(200, "")

	gone, stop := context.WithCancel(ctx)
	stop()
	_ = away.ControlPlane.Stop(gone)
	b.eventually("it is noticed", func() bool { return admin.do("GET", "/api/v1/namespaces", nil).code == http.StatusServiceUnavailable })
	admin.do("GET", "/api/v1/namespaces", nil).want(503, access.CodeManagementAway)
	b.eventually("the cache ends", func() bool { return admin.do("GET", "/kanrin/v1/session", nil).code == http.StatusServiceUnavailable })
	inner.client().do("POST", "/kanrin/v1/login", map[string]string{"username": "admin", "password": "x"}).want(503, access.CodeManagementAway)
	inner.eventually("readyz tells", func() bool { return admin.do("GET", "/readyz", nil).code == 503 })
	if w := admin.do("GET", "/healthz", nil); w.code != 200 {
		t.Errorf("healthz: %d", w.code)
	}
}

// Streams do not hold up the end of the server.
func TestStopEndsStreams(t *testing.T) {
	b := newBed(t)
	b.cluster("prod")
	admin := b.signedIn("admin", b.adminPassword(), true)
	heard := admin.follow()
	w, err := clusters(t, admin.restConfig(), "prod").Watch(b.ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	if err := b.console.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	for ok := true; ok; {
		_, ok = b.next(heard)
	}
}
