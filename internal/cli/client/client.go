package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// callLimit bounds one request that is not a watch. Planning and registering have limits of their own.
const callLimit = 30 * time.Second

// maxBody bounds an answer; the largest is a page of pods, far below.
const maxBody = 64 << 20

// Client is a connection to one console.
type Client struct {
	// Server is the console's URL, for messages.
	Server string
	// OnStale, when set, is told that what was read of a cluster is as old as since, because the cluster was not heard since then.
	OnStale func(cluster string, since time.Time)

	http *http.Client
	base *url.URL
	rest rest.Interface
}

// New returns a client for config; it connects with the first call.
func New(config *rest.Config, userAgent string) (*Client, error) {
	c := rest.CopyConfig(config)
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering kinds: %w", err)
	}
	gv := v1alpha1.GroupVersion
	c.GroupVersion, c.APIPath = &gv, "/apis"
	c.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	c.UserAgent = userAgent
	c.QPS = -1 // a person's commands are few; the server has limits of its own
	c.WarningHandler = rest.NoWarnings{}
	httpClient, err := rest.HTTPClientFor(c)
	if err != nil {
		return nil, fmt.Errorf("preparing the connection to %s: %w", c.Host, err)
	}
	restClient, err := rest.RESTClientForConfigAndClient(c, httpClient)
	if err != nil {
		return nil, fmt.Errorf("preparing the connection to %s: %w", c.Host, err)
	}
	base, _, err := rest.DefaultServerUrlFor(c)
	if err != nil {
		return nil, fmt.Errorf("reading the server's address %q: %w", c.Host, err)
	}
	return &Client{Server: strings.TrimRight(base.String(), "/"), http: httpClient, base: base, rest: restClient}, nil
}

// Error says which request failed. Verb and Resource are those that RBAC knows.
type Error struct {
	Verb     string
	Resource string
	Cluster  string
	Name     string
	Err      error
}

func (e *Error) Error() string {
	s := e.Verb + " " + e.Resource
	if e.Name != "" {
		s += "/" + e.Name
	}
	if e.Cluster != "" {
		s += " in " + e.Cluster
	}
	return s + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// ErrForeign marks an answer that no Kanrin console gives.
var ErrForeign = errors.New("the answer is not that of a Kanrin console")

// ErrName is returned for a name that no object can have, and that would lead to another address.
var ErrName = errors.New("not a name")

// request is one call below /kanrin/v1.
type request struct {
	method string
	path   []string // escaped here
	query  url.Values
	body   any
	limit  time.Duration
	// what the call means to RBAC
	verb, resource, cluster, name string
}

func (r request) failed(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Verb: r.verb, Resource: r.resource, Cluster: r.cluster, Name: r.name, Err: err}
}

// call sends r and reads the answer into out, unless out is nil.
func (c *Client) call(ctx context.Context, r request, out any) error {
	limit := r.limit
	if limit == 0 {
		limit = callLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	response, err := c.patiently(ctx, r)
	if err != nil {
		return r.failed(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return r.failed(fmt.Errorf("reading the answer: %w", err))
	}
	if len(data) > maxBody {
		return r.failed(fmt.Errorf("the answer is larger than %d bytes", maxBody))
	}
	switch text, ok := out.(*string); {
	case out == nil || len(data) == 0:
		return nil
	case ok:
		*text = string(data)
		return nil
	}
	if !isJSON(response) {
		return r.failed(fmt.Errorf("%w: it is %s", ErrForeign, response.Header.Get("Content-Type")))
	}
	if err := json.Unmarshal(data, out); err != nil {
		return r.failed(fmt.Errorf("%w: %v", ErrForeign, err))
	}
	return nil
}

// patience is how long a read waits for a server that says that it is not ready yet, such as right after its start.
const patience = 15 * time.Second

// patiently sends r, and again while the server asks for a moment.
func (c *Client) patiently(ctx context.Context, r request) (*http.Response, error) {
	began := time.Now()
	for {
		response, err := c.send(ctx, r)
		var status apierrors.APIStatus
		if err == nil || r.method != http.MethodGet || !errors.As(err, &status) || status.Status().Code != http.StatusServiceUnavailable {
			return response, err
		}
		after, asked := apierrors.SuggestsClientDelay(err)
		if !asked || after > 5 || time.Since(began) > patience {
			return response, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(max(after, 1)) * time.Second):
		}
	}
}

// send returns a successful response, whose body the caller closes, or the error that the server gave.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	u := c.base.JoinPath("kanrin", "v1")
	for _, p := range r.path {
		if p == "" || p == "." || p == ".." {
			return nil, fmt.Errorf("%q: %w", p, ErrName)
		}
		u = u.JoinPath(url.PathEscape(p))
	}
	u.RawQuery = r.query.Encode()
	var body io.Reader
	if r.body != nil {
		data, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("writing the request: %w", err)
		}
		body = bytes.NewReader(data)
	}
	httpRequest, err := http.NewRequestWithContext(ctx, r.method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("preparing the request: %w", err)
	}
	httpRequest.Header.Set("Accept", "application/json")
	if body != nil {
		httpRequest.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(httpRequest)
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 != 2 {
		defer response.Body.Close()
		return nil, refusal(response)
	}
	return response, nil
}

// refusal reads the metav1.Status of an answer that is no success.
func refusal(response *http.Response) error {
	data, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("reading the answer %s: %w", response.Status, err)
	}
	var status metav1.Status
	if !isJSON(response) || json.Unmarshal(data, &status) != nil || status.Kind != "Status" {
		return fmt.Errorf("%w: %s", ErrForeign, response.Status)
	}
	if status.Code == 0 {
		status.Code = int32(response.StatusCode)
	}
	return &apierrors.StatusError{ErrStatus: status}
}

func isJSON(response *http.Response) bool {
	kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}
