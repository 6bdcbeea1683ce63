package app

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/console/consoletest"
)

// Who may call what, over all routes that `kanrin up` serves. A route without a row fails the test, and so does a row without a route.
func TestAuthorizationMatrix(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	a, err := New(Configuration{DataDir: t.TempDir(), Listen: "127.0.0.1:0"}, Dependencies{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
	}()
	for _, name := range []string{consoletest.Cluster, consoletest.Elsewhere} {
		if err := a.parts.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			t.Fatal(err)
		}
		// A cluster that is registered and cannot be reached.
		if err := a.parts.client.Create(ctx, &v1alpha1.Cluster{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: name}, Spec: v1alpha1.ClusterSpec{KubeconfigSecret: "none"},
		}); err != nil {
			t.Fatal(err)
		}
	}
	client, err := kubernetes.NewForConfig(a.parts.config)
	if err != nil {
		t.Fatal(err)
	}
	const cluster = "/kanrin/v1/clusters/{cluster}"
	consoletest.Matrix(t, consoletest.Target{Console: a.parts.console, Access: a.parts.access, Expire: consoletest.ExpireIn(client)}, map[string]consoletest.Row{
		"ANY /":        consoletest.Everyone,
		"GET /healthz": consoletest.Everyone,
		"GET /readyz":  consoletest.Everyone,
		"GET /metrics": consoletest.SignedIn, // but for programs on the machine itself
		"ANY /kanrin/": consoletest.Everyone, // says that there is no such route

		"POST /kanrin/v1/login":    consoletest.Everyone,
		"POST /kanrin/v1/logout":   consoletest.SignedIn,
		"GET /kanrin/v1/session":   consoletest.SignedIn,
		"POST /kanrin/v1/password": consoletest.SignedIn,
		"GET /kanrin/v1/changes":   consoletest.SignedIn, // tells of each cluster only those who may watch it

		"GET /kanrin/v1/users":           consoletest.AdministratorOnly,
		"POST /kanrin/v1/users":          consoletest.AdministratorOnly,
		"PATCH /kanrin/v1/users/{name}":  consoletest.AdministratorOnly,
		"DELETE /kanrin/v1/users/{name}": consoletest.AdministratorOnly,

		"GET /kanrin/v1/overview":   consoletest.SignedIn, // shows only the clusters that the caller may get
		"GET /kanrin/v1/operations": consoletest.SignedIn, // likewise
		"GET /kanrin/v1/clusters":   consoletest.SignedIn, // likewise
		"POST /kanrin/v1/clusters":  consoletest.AdministratorOnly,

		"GET " + cluster:                consoletest.FromViewer,
		"DELETE " + cluster:             consoletest.AdministratorOnly,
		"GET " + cluster + "/access":    consoletest.SignedIn, // what the caller may do there, be it nothing
		"GET " + cluster + "/nodes":     consoletest.FromViewer,
		"GET " + cluster + "/workloads": consoletest.FromViewer,
		"GET " + cluster + "/pods":      consoletest.FromViewer,
		"GET " + cluster + "/events":    consoletest.FromViewer,
		"GET " + cluster + "/objects":   consoletest.FromViewer,
		"GET " + cluster + "/capacity":  consoletest.FromViewer,

		"GET " + cluster + "/nodes/{name}":                        consoletest.FromViewer,
		"GET " + cluster + "/workloads/{kind}/{namespace}/{name}": consoletest.FromViewer,
		"GET " + cluster + "/pods/{namespace}/{name}":             consoletest.FromViewer,
		"GET " + cluster + "/operations/{name}/log":               consoletest.FromViewer,
		"GET " + cluster + "/operations/{name}/members":           consoletest.FromViewer,

		"GET " + cluster + "/hosts":                 consoletest.FromViewer,
		"POST " + cluster + "/hosts":                consoletest.FromOperator,
		"POST " + cluster + "/hosts/scan":           consoletest.FromOperator, // makes the server open connections
		"POST " + cluster + "/hosts/{name}/refresh": consoletest.FromOperator, // likewise
		"DELETE " + cluster + "/hosts/{name}":       consoletest.FromOperator,

		"GET " + cluster + "/snapshots/resources":           consoletest.FromViewer, // values of Secrets are left out
		"GET " + cluster + "/snapshots/objects":             consoletest.FromViewer,
		"GET " + cluster + "/snapshots/object":              consoletest.FromViewer,
		"GET " + cluster + "/snapshots/diff":                consoletest.FromViewer,
		"GET " + cluster + "/snapshots/changes":             consoletest.FromViewer,
		"GET " + cluster + "/snapshots/history":             consoletest.FromViewer,
		"POST " + cluster + "/backuppolicies":               consoletest.FromOperator, // names commands that hosts run as root
		"POST " + cluster + "/backuppolicies/{name}/rescan": consoletest.FromOperator,
		"GET " + cluster + "/backuppolicies/{name}/keys":    consoletest.AdministratorOnly,

		// Passed on to the management API, which decides for itself.
		"ANY /api":      consoletest.SignedIn,
		"ANY /api/":     consoletest.SignedIn,
		"ANY /apis":     consoletest.SignedIn,
		"ANY /apis/":    consoletest.SignedIn,
		"ANY /openapi/": consoletest.SignedIn,
		"ANY /version":  consoletest.SignedIn,
	})
}
