package hosts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
	"kanrin.dev/kanrin/internal/fleet/fleettest"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/hosts/hoststest"
)

// kept is a keeper that leads, on a real management API, with its routes.
type kept struct {
	t      *testing.T
	client client.WithWatch
	keeper *hosts.Keeper
	mux    *http.ServeMux
	log    bytes.Buffer
	logMu  sync.Mutex
	noted  sync.Map
	said   bytes.Buffer // everything that routes have answered
}

func (k *kept) Write(p []byte) (int, error) {
	k.logMu.Lock()
	defer k.logMu.Unlock()
	return k.log.Write(p)
}

func newKept(t *testing.T) *kept {
	t.Helper()
	api := controlplanetest.Start(t)
	k := &kept{t: t, client: fleettest.Management(t, api.Config), mux: http.NewServeMux()}
	log := slog.New(slog.NewTextHandler(k, &slog.HandlerOptions{Level: slog.LevelDebug}))
	must(t, k.client.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: cluster}}))
	must(t, k.client.Create(t.Context(), &v1alpha1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: cluster, Name: cluster}, Spec: v1alpha1.ClusterSpec{KubeconfigSecret: "none"},
	}))
	p := hosts.New(hosts.Options{Client: k.client, DataDir: t.TempDir(), Log: log})
	t.Cleanup(p.Close)
	k.keeper = hosts.NewKeeper(hosts.KeeperConfiguration{Interval: 2 * time.Second}, hosts.KeeperDependencies{
		Client: k.client, Pool: p, Log: log, Note: func(c, area string, _ int64) { k.noted.Store(c+"/"+area, true) },
		Addresses: func(_, node string) []corev1.NodeAddress {
			return []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: node}}
		},
	})
	must(t, k.keeper.Start(t.Context()))
	ctx, cancel := context.WithCancel(context.Background())
	var leading sync.WaitGroup
	leading.Go(func() { k.keeper.Lead(ctx) })
	t.Cleanup(func() {
		cancel()
		leading.Wait()
		must(t, k.keeper.Stop(context.Background()))
	})
	for _, r := range k.keeper.Routes() {
		k.mux.HandleFunc(r.Method+" "+r.Pattern, r.Handler)
	}
	return k
}

// call asks a route and reads the answer into out.
func (k *kept) call(method, path string, body, out any) int {
	k.t.Helper()
	data, err := json.Marshal(body)
	must(k.t, err)
	w := httptest.NewRecorder()
	k.mux.ServeHTTP(w, httptest.NewRequest(method, "/kanrin/v1/clusters/prod/hosts"+path, bytes.NewReader(data)).WithContext(k.t.Context()))
	k.said.Write(w.Body.Bytes())
	if out != nil {
		if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
			k.t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
		}
	}
	return w.Code
}

// await waits until the status of a host is as wanted.
func (k *kept) await(name string, want v1alpha1.HostState) *v1alpha1.Host {
	k.t.Helper()
	var h v1alpha1.Host
	fleettest.Eventually(k.t, "the state "+string(want), func() error {
		if err := k.client.Get(k.t.Context(), client.ObjectKey{Namespace: cluster, Name: name}, &h); err != nil {
			return err
		}
		if h.Status.State != want {
			return fmt.Errorf("state %q: %s", h.Status.State, h.Status.Message)
		}
		return nil
	})
	return &h
}

func TestKeeper(t *testing.T) {
	k := newKept(t)
	s := hoststest.Start(t, hoststest.Options{})

	var scanned inventory.ScannedKey
	if code := k.call("POST", "/scan", inventory.ScanHost{Address: s.Address, Port: int32(s.Port)}, &scanned); code != 200 || scanned.Fingerprint != hosts.Fingerprint(s.HostKey.Public) {
		t.Fatalf("scan: %d %+v", code, scanned)
	}
	add := inventory.AddHost{
		Name: "w1", PrivateKey: string(s.Key.Private), Spec: v1alpha1.HostSpec{
			Address: s.Address, Port: int32(s.Port), User: s.User, HostKey: scanned.Key, NodeName: "w1", Roles: []v1alpha1.HostRole{v1alpha1.RoleWorker},
		},
	}
	var made v1alpha1.Host
	if code := k.call("POST", "", add, &made); code != 201 || made.Spec.KeySecret == "" || made.Kind != "Host" {
		t.Fatalf("add: %d %+v", code, made)
	}
	h := k.await("w1", v1alpha1.HostReachable)
	usable := meta.FindStatusCondition(h.Status.Conditions, v1alpha1.ConditionHostUsable)
	if h.Status.Facts == nil || h.Status.Facts.OS == "" || h.Status.LastSeen == nil || h.Status.Message != "" || usable == nil || usable.Status != "True" ||
		h.Status.Fingerprint != scanned.Fingerprint || len(h.Status.Addresses) != 1 {
		t.Errorf("status %+v", h.Status)
	}
	var page inventory.Page[inventory.Host]
	if code := k.call("GET", "", nil, &page); code != 200 || page.Total != 1 || page.Items[0].OS != h.Status.Facts.OS || page.Items[0].State != v1alpha1.HostReachable || page.Revision == 0 {
		t.Errorf("list: %d %+v", code, page)
	}
	if _, ok := k.noted.Load("prod/hosts"); !ok {
		t.Error("nobody was told of the change")
	}

	var status metav1.Status
	if code := k.call("POST", "", add, &status); code != 409 || status.Reason != metav1.StatusReasonAlreadyExists {
		t.Errorf("the same name again: %d %+v", code, status)
	}

	// A machine that is gone keeps its facts; one that comes back with another key is not spoken to.
	s.Stop()
	var refreshed v1alpha1.Host
	if code := k.call("POST", "/w1/refresh", nil, &refreshed); code != 200 || refreshed.Status.State != v1alpha1.HostUnreachable || refreshed.Status.Facts == nil {
		t.Errorf("refresh: %d %+v", code, refreshed.Status)
	}
	if st := refreshed.Status; st.Message == "" || st.Params["address"] != s.HostPort() {
		t.Errorf("status %q %v", st.Message, st.Params)
	}
	other := hoststest.Start(t, hoststest.Options{Port: s.Port, Key: s.Key})
	h = k.await("w1", v1alpha1.HostKeyChanged) // without being asked: by the interval
	if h.Status.Params["shown"] != hosts.Fingerprint(other.HostKey.Public) {
		t.Errorf("params %v", h.Status.Params)
	}
	before := h.DeepCopy()
	h.Spec.HostKey = hosts.FormatHostKey(other.HostKey.Public)
	must(t, k.client.Patch(t.Context(), h, client.MergeFrom(before)))
	k.await("w1", v1alpha1.HostReachable)

	if code := k.call("POST", "/none/refresh", nil, &status); code != 404 {
		t.Errorf("refresh of nothing: %d", code)
	}
	if code := k.call("DELETE", "/w1", nil, &status); code != 200 {
		t.Errorf("remove: %d %+v", code, status)
	}
	var secrets corev1.SecretList
	must(t, k.client.List(t.Context(), &secrets, client.InNamespace(cluster), client.HasLabels{hosts.LabelHost}))
	if len(secrets.Items) != 0 {
		t.Errorf("Secrets stay: %d", len(secrets.Items))
	}
	k.leaks(t, s.Key)
}

// leaks greps logs, answers and all objects but Secrets for a private key.
func (k *kept) leaks(t *testing.T, key *hoststest.Key) {
	t.Helper()
	var list v1alpha1.HostList
	must(t, k.client.List(t.Context(), &list))
	objects, err := json.Marshal(list)
	must(t, err)
	k.logMu.Lock()
	defer k.logMu.Unlock()
	for where, text := range map[string]string{"the log": k.log.String(), "an answer": k.said.String(), "an object": string(objects)} {
		if at := leak(text, key); at != "" {
			t.Errorf("%s holds a piece of the private key: %s", where, at)
		}
	}
}

// leak finds a line of the key in a text.
func leak(text string, key *hoststest.Key) string {
	for line := range strings.Lines(string(key.Private)) {
		if line = strings.TrimSpace(line); len(line) > 20 && !strings.HasPrefix(line, "-----") && strings.Contains(text, line) {
			return line[:8] + "…"
		}
	}
	return ""
}

func TestAddRefused(t *testing.T) {
	k := newKept(t)
	key := hoststest.NewKey(t)
	good := inventory.AddHost{Name: "w1", PrivateKey: string(key.Private), Spec: v1alpha1.HostSpec{Address: "10.0.0.1", HostKey: hosts.FormatHostKey(key.Public)}}
	for want, edit := range map[string]func(*inventory.AddHost){
		"host.NameInvalid":    func(a *inventory.AddHost) { a.Name = "../w1" },
		"host.AddressInvalid": func(a *inventory.AddHost) { a.Spec.Address = "10.0.0.1 -oProxyCommand=x" },
		"host.PortInvalid":    func(a *inventory.AddHost) { a.Spec.Port = 70000 },
		"host.HostKeyInvalid": func(a *inventory.AddHost) { a.Spec.HostKey = "nonsense" },
		"host.KeyInvalid":     func(a *inventory.AddHost) { a.PrivateKey = "swordfish " + a.PrivateKey[40:] },
		"host.KeyTwice":       func(a *inventory.AddHost) { a.Spec.KeySecret = "other" },
		"host.BMCInvalid":     func(a *inventory.AddHost) { a.Spec.Power.BMC = &v1alpha1.BMCSpec{Address: "10.0.0.2"} },
		"FieldValueNotSupported": func(a *inventory.AddHost) { // the API's own rules
			a.Spec.Roles = []v1alpha1.HostRole{"king"}
		},
	} {
		in := good
		edit(&in)
		var status metav1.Status
		if code := k.call("POST", "", in, &status); code != 422 || len(status.Details.Causes) == 0 || string(status.Details.Causes[0].Type) != want {
			t.Errorf("%s: %d %+v", want, code, status)
		}
	}
	var status metav1.Status
	if code := k.call("POST", "/scan", map[string]any{"address": "-oProxyCommand=x"}, &status); code != 422 {
		t.Errorf("scanning nonsense: %d %+v", code, status)
	}
	if code := k.call("POST", "/scan", inventory.ScanHost{Address: "127.0.0.1", Port: int32(hoststest.FreePort(t, "127.0.0.1"))}, &status); code != 502 || string(status.Details.Causes[0].Type) != "hoststate.Unreachable.refused" {
		t.Errorf("scanning where nothing listens: %d %+v", code, status)
	}
	var h v1alpha1.Host
	if err := k.client.Get(t.Context(), client.ObjectKey{Namespace: cluster, Name: "w1"}, &h); !apierrors.IsNotFound(err) {
		t.Errorf("a refused host was made: %v", err)
	}
	var secrets corev1.SecretList
	must(t, k.client.List(t.Context(), &secrets, client.InNamespace(cluster), client.HasLabels{hosts.LabelHost}))
	if len(secrets.Items) != 0 {
		t.Errorf("a refused host left %d Secrets", len(secrets.Items))
	}
	k.leaks(t, key)
}
