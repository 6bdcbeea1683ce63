package hosts_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/hosts/hoststest"
)

const cluster = "prod"

// pool of connections to servers with an API that holds objects; the real API has a test of its own (keeper_test.go).
func pool(t testing.TB, limits hosts.Limits, objects ...client.Object) (*hosts.Pool, client.Client) {
	t.Helper()
	scheme := runtime.NewScheme()
	must(t, clientgoscheme.AddToScheme(scheme))
	must(t, v1alpha1.AddToScheme(scheme))
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&v1alpha1.Host{}).Build()
	p := hosts.New(hosts.Options{Client: c, DataDir: t.TempDir(), Limits: limits})
	t.Cleanup(p.Close)
	return p, c
}

// on returns a machine for the server, after edits of its Host and Secret.
func on(t testing.TB, s *hoststest.Server, limits hosts.Limits, edits ...func(*v1alpha1.Host, *corev1.Secret)) *hosts.Machine {
	t.Helper()
	h, secret := s.Objects(cluster, "w1")
	for _, edit := range edits {
		edit(h, secret)
	}
	p, _ := pool(t, limits, h, secret)
	m, err := p.Machine(t.Context(), cluster, "w1")
	must(t, err)
	return m
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// hasState fails the test unless err is an *Error of the state, with a sentence for people.
func hasState(t testing.TB, err error, want v1alpha1.HostState) *hosts.Error {
	t.Helper()
	var e *hosts.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T), want an *Error of %s", err, err, want)
	}
	if e.State != want {
		t.Fatalf("state %s (%v), want %s", e.State, err, want)
	}
	if s := e.Error(); strings.Contains(s, "hoststate.") || strings.ContainsAny(s, "{}") {
		t.Errorf("sentence %q lacks a translation or a parameter", s)
	}
	return e
}

func TestFacts(t *testing.T) {
	m := on(t, hoststest.Start(t, hoststest.Options{}), hosts.Limits{})
	began := time.Now()
	f, err := m.Facts(t.Context())
	must(t, err)
	t.Logf("took %v", time.Since(began))
	text, err := json.MarshalIndent(f, "", "  ")
	must(t, err)
	t.Logf("%s", text)
	if f.OS == "" || f.Kernel == "" || f.Arch == "" || f.Hostname == "" || f.BootID == "" || f.BootedAt == nil || f.CPUs == 0 || f.Memory.IsZero() {
		t.Errorf("facts are missing: %s", text)
	}
	if len(f.Disks) == 0 || f.Disks[0].Path != "/" || f.Disks[0].Bytes == 0 {
		t.Errorf("disks: %v", f.Disks)
	}
	if f.ClockErrorMilliseconds == 0 || f.ClockErrorMilliseconds > 1000 || f.ClockOffsetMilliseconds > 500 || f.ClockOffsetMilliseconds < -500 {
		t.Errorf("the clock of the same machine is %d ms off, give or take %d ms", f.ClockOffsetMilliseconds, f.ClockErrorMilliseconds)
	}
	again, err := m.Facts(t.Context())
	must(t, err)
	if again.BootID != f.BootID {
		t.Error("the boot ID has changed without a boot")
	}
}
