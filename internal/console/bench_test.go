package console_test

import (
	"io"
	"net/http"
	"testing"

	"k8s.io/client-go/rest"

	"kanrin.dev/kanrin/internal/access"
	"kanrin.dev/kanrin/internal/console"
)

// BenchmarkSignIn is a sign-in as people do it, with the real parameters of the password hash.
func BenchmarkSignIn(b *testing.B) {
	bed := newBed(b, func(_ *console.Configuration, _ *console.Dependencies, a *access.Configuration) {
		a.Hash = access.DefaultHashParameters
	})
	password := bed.adminPassword()
	c := bed.client()
	for b.Loop() {
		if w := c.do("POST", "/kanrin/v1/login", map[string]string{"username": "admin", "password": password}); w.code != 200 {
			b.Fatalf("%d %s", w.code, w.body)
		}
	}
}

// BenchmarkRequest compares a request to the management API with the same one through the console.
func BenchmarkRequest(b *testing.B) {
	bed := newBed(b)
	bed.cluster("prod")
	const path = "/apis/kanrin.dev/v1alpha1/namespaces/prod/clusters/prod"
	direct, err := rest.HTTPClientFor(api.Config)
	if err != nil {
		b.Fatal(err)
	}
	admin := bed.signedIn("admin", bed.adminPassword(), true)
	get := func(b *testing.B, client *http.Client, r *http.Request) {
		w, err := client.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		defer w.Body.Close()
		if _, err := io.Copy(io.Discard, w.Body); err != nil || w.StatusCode != 200 {
			b.Fatal(w.Status, err)
		}
	}
	b.Run("direct", func(b *testing.B) {
		for b.Loop() {
			r, err := http.NewRequest("GET", api.Config.Host+path, nil)
			if err != nil {
				b.Fatal(err)
			}
			get(b, direct, r)
		}
	})
	b.Run("console", func(b *testing.B) {
		for b.Loop() {
			get(b, admin.http, admin.request("GET", path, nil))
		}
	})
	b.Run("route", func(b *testing.B) {
		for b.Loop() {
			get(b, admin.http, admin.request("GET", "/kanrin/v1/clusters/prod/nodes", nil))
		}
	})
}
