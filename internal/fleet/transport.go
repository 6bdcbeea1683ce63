package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/connrotation"
)

// headerTimeout bounds the wait for the first byte of an answer. The API server gives up on a request after 60 s by itself.
const headerTimeout = 65 * time.Second

// wire sends requests to wherever the cluster's present credentials lead, so that clients made of it live through a
// rotation of credentials and a change of address.
type wire struct {
	origin *url.URL // what requests are addressed to
	line   atomic.Pointer[line]
}

// line is the way to one API server with one set of credentials.
type line struct {
	base   *url.URL
	rt     http.RoundTripper
	dialer *connrotation.Dialer
}

func newLine(config *rest.Config) (*line, error) {
	base, err := url.Parse(config.Host)
	if err != nil {
		return nil, fmt.Errorf("reading the server's URL: %w", err)
	}
	l := &line{base: base}
	l.dialer = connrotation.NewDialer((&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext)
	c := rest.CopyConfig(config)
	c.Dial = l.dialer.DialContext
	if l.rt, err = rest.TransportFor(c); err != nil {
		return nil, fmt.Errorf("preparing the connection to %s: %w", config.Host, err)
	}
	return l, nil
}

// closedLine leads nowhere: every request fails at once.
func closedLine(base *url.URL) *line {
	dialer := connrotation.NewDialer(func(context.Context, string, string) (net.Conn, error) { return nil, errWithdrawn })
	return &line{base: base, dialer: dialer, rt: &http.Transport{DialContext: dialer.DialContext, DialTLSContext: dialer.DialContext}}
}

var errWithdrawn = errors.New("the cluster's credentials were withdrawn")

// cut closes every connection: requests that wait on them fail now.
func (l *line) cut() { l.dialer.CloseAll() }

func newWire(config *rest.Config) (*wire, error) {
	l, err := newLine(config)
	if err != nil {
		return nil, err
	}
	w := &wire{origin: l.base}
	w.line.Store(l)
	return w, nil
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	l := w.line.Load()
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(headerTimeout, func() {
		cancel(fmt.Errorf("no answer from %s within %s: %w", l.base.Host, headerTimeout, context.DeadlineExceeded))
	})
	req = req.Clone(ctx)
	if *l.base != *w.origin {
		req.URL.Scheme, req.URL.Host, req.Host = l.base.Scheme, l.base.Host, ""
		path := strings.TrimPrefix(req.URL.Path, strings.TrimSuffix(w.origin.Path, "/"))
		req.URL.Path, req.URL.RawPath = strings.TrimSuffix(l.base.Path, "/")+path, ""
	}
	resp, err := l.rt.RoundTrip(req)
	timer.Stop()
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && req.Context().Err() != nil {
			err = cause
		}
		cancel(nil)
		return nil, err
	}
	resp.Body = &endingBody{resp.Body, cancel}
	return resp, nil
}

// endingBody releases the request's context when the answer is done with.
type endingBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *endingBody) Close() error {
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
