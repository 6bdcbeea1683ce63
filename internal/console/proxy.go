package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"kanrin.dev/kanrin/internal/access"
	"kanrin.dev/kanrin/internal/httpapi"
)

// maxProxyBody is the management API's own limit of a request.
const maxProxyBody = 3 << 20

// headerTime is how long the management API may take to begin an answer; it gives up itself after 60 s.
const headerTime = 90 * time.Second

// passedOn are the only headers of a request that reach the management API. All that could say who asks (Authorization, Cookie,
// Impersonate-*, X-Remote-*, Forwarded …) is left behind by not being here.
var passedOn = []string{
	"Accept", "Accept-Encoding", "Content-Type", "Content-Encoding", "If-Match", "If-None-Match", "User-Agent", "Kubectl-Command", "Kubectl-Session",
}

// keptBack are headers of the management API's answers that do not reach the client: the console sets its own, or has no use for them.
var keptBack = []string{
	"Set-Cookie", "Alt-Svc", "Strict-Transport-Security", "Clear-Site-Data", "Location", "Refresh", "Link", "Service-Worker-Allowed", "Sourcemap",
	"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods",
	"Access-Control-Expose-Headers", "Access-Control-Max-Age", "Cache-Control",
}

// proxy passes requests on to the management API in the name of their caller.
type proxy struct {
	forward *httputil.ReverseProxy
	streams *streams
	refuse  func(http.ResponseWriter, *http.Request, error)
}

func newProxy(management *rest.Config, live *streams, log *slog.Logger, refuse func(http.ResponseWriter, *http.Request, error)) (*proxy, error) {
	conf := rest.CopyConfig(management)
	conf.Impersonate = rest.ImpersonationConfig{} // per request, by headers
	conf.DisableCompression = true                // what the client accepts is passed on
	transport, err := rest.TransportFor(conf)
	if err != nil {
		return nil, fmt.Errorf("preparing to pass requests on to the management API: %w", err)
	}
	base, _, err := rest.DefaultServerUrlFor(conf)
	if err != nil {
		return nil, fmt.Errorf("the management API's address: %w", err)
	}
	p := &proxy{streams: live, refuse: refuse}
	p.forward = &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1, // watches: each event at once
		ErrorLog:      slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		Rewrite:       func(r *httputil.ProxyRequest) { rewrite(r, base) },
		ModifyResponse: func(r *http.Response) error {
			if begun, ok := r.Request.Context().Value(begunKey{}).(func()); ok {
				begun()
			}
			if r.StatusCode == http.StatusSwitchingProtocols {
				return errors.New("the management API wants to switch protocols")
			}
			for _, name := range keptBack {
				r.Header.Del(name)
			}
			for name := range securityHeaders {
				r.Header.Del(name)
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			var large *http.MaxBytesError
			switch {
			case errors.As(err, &large):
				p.refuse(w, r, bodyTooLarge(large.Limit))
			case errors.Is(context.Cause(r.Context()), errNoAnswer):
				// This server itself has ended the request's context, so that refuse takes it for the client's doing.
				log.Warn("the management API has not answered a request", "method", r.Method, "path", r.URL.Path, "within", headerTime)
				fallthrough
			default:
				p.refuse(w, r, access.Unavailable(fmt.Errorf("passing on to the management API: %w", err)))
			}
		},
	}
	return p, nil
}

// rewrite makes the request that the management API gets: its own address, the few headers that are passed on, and the caller.
func rewrite(r *httputil.ProxyRequest, base *url.URL) {
	caller, ok := httpapi.CallerFrom(r.In.Context())
	if !ok {
		panic("console: a request was passed on without a caller") // no route to here is public
	}
	r.Out.URL.Scheme, r.Out.URL.Host = base.Scheme, base.Host
	if prefix := strings.TrimSuffix(base.Path, "/"); prefix != "" {
		r.Out.URL.Path = prefix + r.In.URL.Path
		r.Out.URL.RawPath = ""
		if r.In.URL.RawPath != "" {
			r.Out.URL.RawPath = prefix + r.In.URL.RawPath
		}
	}
	r.Out.Host = ""
	// What the client leaves out is said here, so that the transport does not say something else.
	header := http.Header{"User-Agent": {"kanrin-console"}, "Accept-Encoding": {"identity"}}
	for _, name := range passedOn {
		if values := r.In.Header.Values(name); len(values) > 0 {
			header[http.CanonicalHeaderKey(name)] = values
		}
	}
	header.Set("Impersonate-User", caller.User)
	for _, group := range caller.Groups {
		header.Add("Impersonate-Group", group)
	}
	r.Out.Header = header
	r.Out.Trailer = nil
}

var errNoAnswer = errors.New("the management API has not begun to answer")

type begunKey struct{}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		p.refuse(w, r, access.Refusal(http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed, access.CodeMethodNotServed,
			"method", r.Method, "path", r.URL.Path))
		return
	}
	if !passable(r.URL) {
		p.refuse(w, r, access.Refusal(http.StatusForbidden, metav1.StatusReasonForbidden, access.CodePathNotServed, "path", r.URL.Path))
		return
	}
	ctx := r.Context()
	if isStream(r) {
		live, end, ok := p.streams.begin(ctx, signedInFrom(ctx).session)
		if !ok {
			p.refuse(w, r, access.Busy(access.CodeBusy, 10))
			return
		}
		defer end()
		ctx = live
	}
	if r, ok := p.whole(w, r.WithContext(ctx)); ok {
		p.pass(w, r)
	}
}

// whole reads the body before anything is passed on. The management API may refuse a request before it has read the body (a missing
// right, most often); a client that then stops sending would leave the transport waiting for the rest of it, and the answer with it.
func (p *proxy) whole(w http.ResponseWriter, r *http.Request) (*http.Request, bool) {
	if r.Body == nil || r.Body == http.NoBody {
		return r, true
	}
	body, err := io.ReadAll(r.Body) // the router bounds it
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		p.refuse(w, r, bodyTooLarge(large.Limit))
		return nil, false
	case err != nil:
		p.refuse(w, r, fmt.Errorf("reading the request: %w", err))
		return nil, false
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.TransferEncoding = nil
	return r, true
}

// pass passes the request on and gives up when no answer begins.
func (p *proxy) pass(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	timer := time.AfterFunc(headerTime, func() { cancel(errNoAnswer) })
	defer timer.Stop()
	ctx = context.WithValue(ctx, begunKey{}, func() { timer.Stop() })
	p.forward.ServeHTTP(w, r.WithContext(ctx))
}

// passable reports whether a path under /api, /apis, /openapi or /version may be passed on: one that reads the same for everybody, and
// not one by which the API server would itself pass the request on to a pod, a service or a node, whose answers are anybody's.
func passable(u *url.URL) bool {
	var segments []string
	for _, raw := range strings.Split(u.EscapedPath(), "/") {
		segment, err := url.PathUnescape(raw)
		if err != nil || segment == "." || segment == ".." || strings.ContainsAny(segment, "/\\\x00") {
			return false
		}
		segments = append(segments, segment)
	}
	if trimmed := strings.TrimSuffix(u.Path, "/"); trimmed != "" && path.Clean(u.Path) != trimmed {
		return false
	}
	// /api/v1/namespaces/{namespace}/{pods|services}/{name}/{exec|attach|portforward|proxy}…, /api/v1/nodes/{name}/proxy…, and the old
	// /api/v1/proxy/… and /api/v1/watch/… forms, of which the latter is fine.
	for i, segment := range segments {
		switch segment {
		case "proxy":
			if i == 3 || i == 5 && segments[3] == "nodes" || i == 7 && segments[3] == "namespaces" {
				return false
			}
		case "exec", "attach", "portforward":
			if i == 7 && segments[3] == "namespaces" {
				return false
			}
		}
	}
	return true
}

// isStream reports whether the answer has no end: a watch, or a log that is followed.
func isStream(r *http.Request) bool {
	query := r.URL.Query()
	for _, name := range []string{"watch", "follow"} {
		if value := query.Get(name); value != "" && value != "false" && value != "0" {
			return true
		}
	}
	return strings.Contains(r.URL.Path, "/watch/")
}
