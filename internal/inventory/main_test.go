package inventory_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
	"kanrin.dev/kanrin/internal/httpapi"
	"kanrin.dev/kanrin/internal/inventory"
)

// api is the one API of this package's tests: the management API and the managed cluster at once.
var api *controlplanetest.API

func TestMain(m *testing.M) {
	if os.Getenv(watchOnly) != "" {
		os.Exit(m.Run()) // the cluster is there already
	}
	os.Exit(controlplanetest.Main(m, &api))
}

// anything is an authorizer that permits everything; who may call what is proved where routes are served.
type anything struct{}

func (anything) Allowed(context.Context, httpapi.Caller, string, string, string) (bool, error) {
	return true, nil
}

// server serves the routes as the console does, but for sign-in.
type server struct{ mux *http.ServeMux }

func serving(i *inventory.Inventory) server {
	s := server{http.NewServeMux()}
	for _, r := range i.Routes() {
		s.mux.HandleFunc(r.Method+" "+r.Pattern, r.Handler)
	}
	return s
}

func (s server) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r.WithContext(httpapi.WithCaller(r.Context(), httpapi.Caller{User: "admin"})))
	return w
}

// get returns the body of an answer that must be 200.
func (s server) get(t testing.TB, path string) []byte {
	t.Helper()
	w := s.do(httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.Bytes()
}
