package client

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"

	"kanrin.dev/kanrin/api/inventory"
)

// against returns a client of a server that answers with f.
func against(t *testing.T, f http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	c, err := New(&rest.Config{Host: server.URL, BearerToken: "secret"}, "kanrin/test")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func answer(code int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

func TestAnswersThatNoConsoleGives(t *testing.T) {
	for name, f := range map[string]http.HandlerFunc{
		"a web page":         answer(200, "text/html", "<html>"),
		"a page not found":   answer(404, "text/plain", "404 page not found"),
		"half a JSON":        answer(200, "application/json", `{"user":`),
		"another JSON":       answer(200, "application/json", `[1,2]`),
		"an error of others": answer(403, "application/json", `{"error":"no"}`),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := against(t, f).Session(t.Context())
			if !errors.Is(err, ErrForeign) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestRefusalsKeepTheirStatus(t *testing.T) {
	c := against(t, answer(403, "application/json; charset=utf-8", `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","message":"no","details":{"causes":[{"reason":"MissingVerb"}]}}`))
	_, err := c.Nodes(t.Context(), "demo", Filter{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("error %v", err)
	}
	var failed *Error
	if !errors.As(err, &failed) || failed.Verb != "list" || failed.Resource != "nodes" || failed.Cluster != "demo" {
		t.Errorf("error %+v", failed)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the token is in the error: %v", err)
	}
}

func TestPagesAreReadToTheEnd(t *testing.T) {
	var asked []string
	c := against(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RawQuery)
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Query().Get("offset") {
		case "0":
			_, _ = w.Write([]byte(`{"items":[{"name":"w1"},{"name":"w2"}],"total":3,"offset":0}`))
		default:
			_, _ = w.Write([]byte(`{"items":[{"name":"w3"}],"total":3,"offset":2}`))
		}
	})
	nodes, err := c.Nodes(t.Context(), "demo", Filter{Zone: "a b", Query: "w"})
	if err != nil || len(nodes) != 3 || nodes[2].Name != "w3" {
		t.Fatalf("%v, %+v", err, nodes)
	}
	if len(asked) != 2 || !strings.Contains(asked[0], "zone=a+b") || !strings.Contains(asked[1], "offset=2") {
		t.Errorf("asked %q", asked)
	}
}

func TestNamesDoNotLeadElsewhere(t *testing.T) {
	var paths []string
	c := against(t, func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.EscapedPath())
		answer(200, "application/json", "{}")(w, r)
	})
	for _, name := range []string{"", ".", ".."} {
		if _, err := c.Node(t.Context(), "demo", name); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := c.Node(t.Context(), "demo", "a/../../x y"); err != nil {
		t.Fatal(err)
	}
	if len(paths) != 1 || paths[0] != "/kanrin/v1/clusters/demo/nodes/a%2F..%2F..%2Fx%20y" {
		t.Errorf("paths %q", paths)
	}
}

func TestChanges(t *testing.T) {
	c := against(t, answer(200, "text/event-stream", ": kanrin\nretry: 2000\n\ndata: {\"cluster\":\"demo\",\"area\":\"nodes\",\"revision\":3}\n\n: ping\n\ndata: {\"area\":\ndata: \"clusters\"}\n\n"))
	var got []inventory.Change
	if err := c.Changes(t.Context(), func(c inventory.Change) { got = append(got, c) }); err != nil {
		t.Fatal(err)
	}
	want := []inventory.Change{{Cluster: "demo", Area: "nodes", Revision: 3}, {Area: "clusters"}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("changes %+v", got)
	}
	c = against(t, answer(200, "text/event-stream", "data: nonsense\n\n"))
	if err := c.Changes(t.Context(), func(inventory.Change) {}); !errors.Is(err, ErrForeign) {
		t.Errorf("error %v", err)
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add(200, "application/json", `{"items":[{"name":"w1"}],"total":1}`)
	f.Add(500, "application/json", `{"kind":"Status","code":500}`)
	f.Add(200, "application/json", `{"items":[{}],"total":-1}`)
	f.Add(429, "", "")
	f.Fuzz(func(t *testing.T, code int, kind, body string) {
		if code < 200 || code > 599 || code == http.StatusNoContent || code == http.StatusNotModified || strings.ContainsAny(kind, "\r\n") || code/100 == 3 {
			return
		}
		calls := 0
		c := against(t, func(w http.ResponseWriter, r *http.Request) {
			if calls++; calls > 3 {
				w.WriteHeader(http.StatusTeapot) // a list may grow without end; the test does not
				return
			}
			answer(code, kind, body)(w, r)
		})
		_, _ = c.Nodes(t.Context(), "demo", Filter{}) // must return, and not panic
		_ = c.Changes(t.Context(), func(inventory.Change) {})
	})
}
