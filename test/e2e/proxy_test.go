package e2e

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// mood of a bad API server.
type mood int

const (
	well mood = iota
	busy      // 429 to everything
	mute      // accepts, and never answers
	away      // refuses connections
)

// badServer stands before an API server and behaves as badly as told. It speaks TLS with a certificate of its own and lets anybody in who
// reaches it: it listens on loopback, for the time of a test.
type badServer struct {
	server *httptest.Server

	mu      sync.Mutex
	mood    mood
	changed chan struct{}
}

func newBadServer(t testing.TB, upstream *rest.Config) *badServer {
	t.Helper()
	target, err := url.Parse(upstream.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(upstream)
	if err != nil {
		t.Fatal(err)
	}
	b := &badServer{changed: make(chan struct{})}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: transport, FlushInterval: -1, ErrorLog: nil,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	b.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for {
			b.mu.Lock()
			m, changed := b.mood, b.changed
			b.mu.Unlock()
			switch m {
			case busy:
				w.Header().Set("Retry-After", "1")
				http.Error(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"TooManyRequests","code":429,"message":"too many requests"}`, http.StatusTooManyRequests)
				return
			case away:
				if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
					c.Close()
				}
				return
			case mute:
				select {
				case <-r.Context().Done():
					return
				case <-changed:
					continue
				}
			}
			proxy.ServeHTTP(w, r)
			return
		}
	}))
	t.Cleanup(func() {
		b.behave(well)
		b.server.CloseClientConnections()
		b.server.Close()
	})
	return b
}

// behave changes the mood; connections from before are cut, so that watches feel it too.
func (b *badServer) behave(m mood) {
	b.mu.Lock()
	b.mood = m
	close(b.changed)
	b.changed = make(chan struct{})
	b.mu.Unlock()
	if m != well {
		b.server.CloseClientConnections()
	}
}

// kubeconfig of the server.
func (b *badServer) kubeconfig(t testing.TB) []byte {
	t.Helper()
	c := clientcmdapi.NewConfig()
	c.Clusters["bad"] = &clientcmdapi.Cluster{Server: b.server.URL, CertificateAuthorityData: certificatePEM(b.server.Certificate().Raw)}
	c.AuthInfos["bad"] = &clientcmdapi.AuthInfo{Token: "let-me-in"}
	c.Contexts["bad"] = &clientcmdapi.Context{Cluster: "bad", AuthInfo: "bad"}
	c.CurrentContext = "bad"
	out, err := clientcmd.Write(*c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// cable is a TCP connection to an address that can be cut: nothing passes, nothing is refused, as with a network that is gone.
type cable struct {
	listener net.Listener
	target   string

	mu   sync.Mutex
	cut  bool
	mend chan struct{}
}

func newCable(t testing.TB, target string) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{listener: l, target: target, mend: make(chan struct{})}
	go func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			go c.join(a)
		}
	}()
	t.Cleanup(func() { l.Close(); c.set(false) })
	return c
}

func (c *cable) address() string { return c.listener.Addr().String() }

func (c *cable) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut && !cut {
		close(c.mend)
		c.mend = make(chan struct{})
	}
	c.cut = cut
}

// pass waits while the cable is cut.
func (c *cable) pass() {
	for {
		c.mu.Lock()
		cut, mend := c.cut, c.mend
		c.mu.Unlock()
		if !cut {
			return
		}
		<-mend
	}
}

func (c *cable) join(a net.Conn) {
	defer a.Close()
	c.pass()
	b, err := net.Dial("tcp", c.target)
	if err != nil {
		return
	}
	defer b.Close()
	done := make(chan struct{}, 2)
	pipe := func(to, from net.Conn) {
		defer func() { done <- struct{}{} }()
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			c.pass()
			if n > 0 {
				if _, err := to.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
	go pipe(a, b)
	go pipe(b, a)
	<-done
}
