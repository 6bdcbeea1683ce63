// Package httpapi is the small vocabulary that everything served under /kanrin/v1 shares: what a route is, who may call it,
// who calls, and how an error looks.
//
// It serves nothing itself. Invariant: a route that does not say who may call it cannot be registered.
package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Access says who may call a route. Exactly one of its forms is used.
type Access struct {
	// Public routes need no session.
	Public bool
	// SignedIn routes need a session and nothing more.
	SignedIn bool
	// Verb and Resource are asked of the management API's RBAC (group kanrin.dev), in the namespace named by the path value
	// "cluster", or in all namespaces when the pattern has none. Resources of views (nodes, workloads, pods, events, capacity) exist
	// for RBAC only.
	Verb     string
	Resource string
}

// Valid reports whether the access rule is complete.
func (a Access) Valid() bool {
	forms := 0
	for _, set := range []bool{a.Public, a.SignedIn, a.Verb != "" && a.Resource != ""} {
		if set {
			forms++
		}
	}
	return forms == 1
}

// Route is one method and pattern (net/http pattern syntax, such as /kanrin/v1/clusters/{cluster}/nodes).
type Route struct {
	Method  string
	Pattern string
	Access  Access
	Handler http.HandlerFunc
}

// Caller is the signed-in user of a request.
type Caller struct {
	User   string
	Groups []string
	// Session identifies the session, for sign-out and audit; never the token itself.
	Session string
}

type callerKey struct{}

// WithCaller returns a context that carries the caller.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom returns the caller of a request; false on public routes.
func CallerFrom(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// WriteJSON writes v with status code.
func WriteJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client is gone: nobody left to tell
}

// WriteError writes err as a metav1.Status, the error shape of the Kubernetes API. An error that carries no status of its own
// becomes an InternalError without its text, which may name what the caller should not know; the caller of WriteError logs it.
func WriteError(w http.ResponseWriter, err error) {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		status = apierrors.NewInternalError(errors.New("the server could not answer; its log says why"))
	}
	s := status.Status()
	s.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	code := int(s.Code)
	if code == 0 {
		code = http.StatusInternalServerError
	}
	WriteJSON(w, code, s)
}

// BadRequest is an error for input that cannot be used.
func BadRequest(message string) error { return apierrors.NewBadRequest(message) }

// NotFound is an error for a named object that does not exist; resource is such as "nodes".
func NotFound(resource, name string) error {
	return apierrors.NewNotFound(schema.GroupResource{Group: "kanrin.dev", Resource: resource}, name)
}
