package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/internal/access"
	"kanrin.dev/kanrin/internal/httpapi"
)

// Route is an httpapi.Route as it is served.
type Route struct {
	httpapi.Route
	// LoopbackFree routes need no session when they are asked for on this machine itself: /metrics, which a Prometheus there reads.
	LoopbackFree bool
	// Stream marks routes whose answers have no end; they are not measured, and are cut when their session ends.
	Stream bool
	// MaxBody in bytes; maxRouteBody when zero.
	MaxBody int64
}

type route = Route

// maxRouteBody is ample for JSON that people write, and for a kubeconfig.
const maxRouteBody = 1 << 20

// Register adds routes. It refuses a route that does not say who may call it, one without a handler, and one that another has already
// taken. It is for the time before Start.
func (c *Console) Register(routes []httpapi.Route) error {
	for _, rt := range routes {
		if err := c.register(Route{Route: rt}); err != nil {
			return err
		}
	}
	return nil
}

func (c *Console) register(rt Route) (err error) {
	name := strings.TrimSpace(rt.Method + " " + rt.Pattern)
	switch {
	case !rt.Access.Valid():
		return fmt.Errorf("route %s does not say who may call it: exactly one of Public, SignedIn, and Verb with Resource", name)
	case rt.Handler == nil:
		return fmt.Errorf("route %s has no handler", name)
	case !strings.HasPrefix(rt.Pattern, "/"):
		return fmt.Errorf("route %s does not begin with /", name)
	}
	defer func() {
		if problem := recover(); problem != nil { // ServeMux knows no other way to refuse
			err = fmt.Errorf("route %s: %v", name, problem)
		}
	}()
	c.mux.Handle(name, c.serve(&rt))
	c.routes = append(c.routes, rt)
	return nil
}

// Routes are all that the server serves, for the test that asks each of them as everybody.
func (c *Console) Routes() []Route { return slices.Clone(c.routes) }

// serve checks who calls before the route's handler runs.
func (c *Console) serve(rt *Route) http.Handler {
	limit := rt.MaxBody
	if limit == 0 {
		limit = maxRouteBody
	}
	return c.metrics.measure(rt, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		checked, err := c.authorize(rt, r)
		if err != nil {
			c.refuse(w, r, err)
			return
		}
		if r.ContentLength > limit {
			c.refuse(w, r, bodyTooLarge(limit))
			return
		}
		checked.Body = http.MaxBytesReader(w, checked.Body, limit)
		rt.Handler(w, checked)
	}))
}

func bodyTooLarge(limit int64) error {
	return access.Refusal(http.StatusRequestEntityTooLarge, metav1.StatusReasonRequestEntityTooLarge, access.CodeBodyTooLarge, "limit", limit)
}

// unknownPath answers for what is under /kanrin/ and no route.
func (c *Console) unknownPath(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := c.mux.Handler(probe); pattern != "" && pattern != unknownPattern {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		c.refuse(w, r, access.Refusal(http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed, access.CodeMethodNotServed,
			"method", r.Method, "path", r.URL.Path))
		return
	}
	c.refuse(w, r, access.Refusal(http.StatusNotFound, metav1.StatusReasonNotFound, access.CodePathNotServed, "path", r.URL.Path))
}

// refuse answers with an error and logs what the caller does not get to see.
func (c *Console) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var status apierrors.APIStatus
	switch {
	case !errors.As(err, &status) && r.Context().Err() == nil:
		c.log.Error("a request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	case status == nil || r.Context().Err() != nil: // the client has gone, which makes much else fail
	case status.Status().Code >= 500:
		c.log.Warn("a request could not be answered", "method", r.Method, "path", r.URL.Path, "error", err)
	default:
		c.log.Debug("refused a request", "method", r.Method, "path", r.URL.Path, "code", status.Status().Code, "why", access.CodeOf(err))
	}
	if status != nil {
		switch s := status.Status(); {
		case s.Code == http.StatusUnauthorized:
			w.Header().Set("WWW-Authenticate", `Bearer realm="Kanrin"`)
		case s.Details != nil && s.Details.RetryAfterSeconds > 0:
			w.Header().Set("Retry-After", strconv.Itoa(int(s.Details.RetryAfterSeconds)))
		}
	}
	httpapi.WriteError(w, err)
}

// recovered turns a panic of a handler into a 500, with the stack in the log.
func (c *Console) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(plain http.ResponseWriter, r *http.Request) {
		w := &statusWriter{ResponseWriter: plain}
		defer func() {
			problem := recover()
			if problem == nil {
				return
			}
			if problem == http.ErrAbortHandler {
				panic(problem) // the way to cut an answer that has begun
			}
			c.log.Error("a handler panicked", "method", r.Method, "path", r.URL.Path, "panic", problem, "stack", string(debug.Stack()))
			if w.status != 0 {
				panic(http.ErrAbortHandler) // half an answer must not look like a whole one
			}
			httpapi.WriteError(w, fmt.Errorf("panic: %v", problem))
		}()
		next.ServeHTTP(w, r)
	})
}

type signedInKey struct{}

func withSignedIn(ctx context.Context, in signedIn) context.Context {
	return context.WithValue(ctx, signedInKey{}, in)
}

func signedInFrom(ctx context.Context) signedIn {
	in, _ := ctx.Value(signedInKey{}).(signedIn)
	return in
}
