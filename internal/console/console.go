package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/netutil"
	"k8s.io/utils/clock"

	"kanrin.dev/kanrin/internal/access"
	"kanrin.dev/kanrin/internal/httpapi"
)

// Console is the component.
type Console struct {
	conf        Configuration
	access      *access.Access
	log, audit  *slog.Logger
	clock       clock.WithTicker
	certificate *certificate
	// hosts by which clients may address the server beside those of its certificate.
	hosts   map[string]bool
	mux     *http.ServeMux
	routes  []Route
	limiter *limiter
	streams *streams
	hub     *hub
	metrics *metrics

	server   *http.Server
	endpoint access.Endpoint
	failed   chan error
	cancel   context.CancelFunc
	running  sync.WaitGroup
}

// unknownPattern catches what is under /kanrin/ and no route, which is no place of the front end's.
const unknownPattern = "/kanrin/"

// New makes the component. It reads or makes the certificate, so that its fingerprint can be told, but does not listen yet.
func New(conf Configuration, deps Dependencies) (*Console, error) {
	if err := conf.Validate(); err != nil {
		return nil, err
	}
	if deps.Clock == nil {
		deps.Clock = clock.RealClock{}
	}
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	cert, err := newCertificate(conf, deps.Clock, deps.Log)
	if err != nil {
		return nil, err
	}
	if _, err := cert.refresh(); err != nil {
		return nil, err
	}
	c := &Console{
		conf: conf, access: deps.Access, log: deps.Log, audit: deps.Log.With("audit", true), clock: deps.Clock,
		certificate: cert, hosts: map[string]bool{}, mux: http.NewServeMux(), limiter: newLimiter(deps.Clock),
		streams: &streams{}, hub: newHub(deps.Changes), failed: make(chan error, 1),
	}
	host, _, _ := conf.listen()
	for _, name := range ownNames(host, conf.Hosts) {
		c.hosts[name] = true
	}
	c.metrics, err = newMetrics(deps.Metrics, deps.Access.Sessions, c.streams.count, func() time.Time { return cert.leaf().NotAfter })
	if err != nil {
		return nil, fmt.Errorf("registering the console's metrics: %w", err)
	}
	pass, err := newProxy(deps.Management, c.streams, deps.Log, c.refuse)
	if err != nil {
		return nil, err
	}
	files, err := newStatic(deps.Static)
	if err != nil {
		return nil, err
	}
	ready := &readiness{clock: deps.Clock, checks: append([]Check{{Name: "management-api", Check: deps.Access.Ready}}, deps.Checks...)}
	for _, rt := range c.ownRoutes(pass, files, ready) {
		if err := c.register(rt); err != nil {
			return nil, err
		}
	}
	deps.Access.OnEnded(c.streams.cut)
	return c, nil
}

// ownRoutes are those that need no other package.
func (c *Console) ownRoutes(pass *proxy, files *static, ready *readiness) []Route {
	public, signedIn := httpapi.Access{Public: true}, httpapi.Access{SignedIn: true}
	users := func(verb string) httpapi.Access { return httpapi.Access{Verb: verb, Resource: "users"} }
	of := func(method, pattern string, rule httpapi.Access, handler http.HandlerFunc) Route {
		return Route{Route: httpapi.Route{Method: method, Pattern: pattern, Access: rule, Handler: handler}}
	}
	login := of("POST", "/kanrin/v1/login", public, c.signIn)
	login.MaxBody = maxSignInBody
	changes := of("GET", "/kanrin/v1/changes", signedIn, c.streamChanges)
	changes.Stream = true
	metrics := of("GET", "/metrics", signedIn, c.metrics.handler())
	metrics.LoopbackFree = true
	routes := []Route{
		login, changes, metrics,
		of("POST", "/kanrin/v1/logout", signedIn, c.signOut),
		of("GET", "/kanrin/v1/session", signedIn, c.getSession),
		of("POST", "/kanrin/v1/password", signedIn, c.changePassword),
		of("GET", "/kanrin/v1/users", users("list"), c.listUsers),
		of("POST", "/kanrin/v1/users", users("create"), c.createUser),
		of("PATCH", "/kanrin/v1/users/{name}", users("update"), c.updateUser),
		of("DELETE", "/kanrin/v1/users/{name}", users("delete"), c.deleteUser),
		of("GET", "/healthz", public, livez),
		of("GET", "/readyz", public, ready.serve(c)),
		of("", unknownPattern, public, c.unknownPath),
		of("", "/", public, files.ServeHTTP),
	}
	for _, pattern := range []string{"/api", "/api/", "/apis", "/apis/", "/openapi/", "/version"} {
		rt := of("", pattern, signedIn, pass.ServeHTTP)
		rt.MaxBody = maxProxyBody
		routes = append(routes, rt)
	}
	return routes
}

// Handler is what the server serves, without TLS.
func (c *Console) Handler() http.Handler {
	return paced(c.recovered(c.guard(c.mux)), bodyTime, writeTime)
}

// maxConnections at a time; further ones wait to be accepted. Whoever opens them all and says nothing loses them after seconds.
const maxConnections = 2000

// Start listens, serves, and writes the administrator's kubeconfig, which names the address that it serves at.
func (c *Console) Start(ctx context.Context) error {
	host, port, err := c.conf.listen()
	if err != nil {
		return err
	}
	address := net.JoinHostPort(host, fmt.Sprint(port))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listening on %s: %w; another program may have the port: choose another one with --listen", address, err)
	}
	listener = netutil.LimitListener(listener, maxConnections)
	if !isLoopback(host) {
		c.log.Warn("the console listens on an address that other machines reach", "address", listener.Addr().String())
	}
	c.endpoint = c.endpointAt(host, listener.Addr())
	quietLog := slog.NewLogLogger(c.log.Handler(), slog.LevelDebug) // handshakes that fail are what scanners and cautious browsers do
	c.server = &http.Server{
		Handler: c.Handler(), TLSConfig: c.certificate.tlsConfig(), ErrorLog: quietLog,
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 250, SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second, WriteByteTimeout: writeTime},
	}
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.cancel = cancel
	c.running.Go(func() {
		if err := c.server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			c.log.Error("the console stopped serving", "error", err)
			c.failed <- fmt.Errorf("serving the console: %w", err)
		}
	})
	c.running.Go(func() { c.hub.run(background) })
	c.running.Go(func() { c.watch(background) })
	if err := c.access.WriteAdminKubeconfig(ctx, c.endpoint); err != nil {
		return errors.Join(fmt.Errorf("writing the administrator's kubeconfig: %w", err), c.Stop(ctx))
	}
	return nil
}

// Failed tells when the server has stopped by itself.
func (c *Console) Failed() <-chan error { return c.failed }

// Stop ends streams, lets other requests finish for as long as ctx allows, and waits for all that Start began.
func (c *Console) Stop(ctx context.Context) error {
	if c.server == nil {
		return nil
	}
	c.cancel()
	c.streams.close()
	err := c.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("waiting for requests to finish: %w", err), c.server.Close())
	}
	c.running.Wait()
	return err
}

// watch looks after the sessions of streams and after the certificate.
func (c *Console) watch(ctx context.Context) {
	sessions, certificates := c.clock.NewTicker(checkInterval), c.clock.NewTicker(time.Minute)
	defer sessions.Stop()
	defer certificates.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sessions.C():
			c.streams.check(ctx, c.access.InForce)
		case <-certificates.C():
			c.renewCertificate(ctx)
		}
	}
}

func (c *Console) renewCertificate(ctx context.Context) {
	changed, err := c.certificate.refresh()
	if err != nil {
		c.log.Error("the TLS certificate was not renewed; the present one stays", "error", err)
	}
	if !changed {
		return
	}
	c.log.Info("the console has another TLS certificate", "fingerprint", c.Fingerprint(), "until", c.certificate.leaf().NotAfter)
	c.endpoint.CA = c.certificate.current.Load().chain
	if err := c.access.WriteAdminKubeconfig(ctx, c.endpoint); err != nil {
		c.log.Error("admin.kubeconfig still names the old certificate", "error", err)
	}
}

// endpointAt is how programs on this machine reach the server.
func (c *Console) endpointAt(host string, at net.Addr) access.Endpoint {
	port := netip.MustParseAddrPort(at.String()).Port()
	if host == "" {
		host = "127.0.0.1"
	}
	e := access.Endpoint{Server: "https://" + net.JoinHostPort(host, fmt.Sprint(port)), CA: c.certificate.current.Load().chain}
	leaf := c.certificate.leaf()
	if leaf.VerifyHostname(host) != nil { // a given certificate for the name by which others know this machine
		switch {
		case len(leaf.DNSNames) > 0:
			e.ServerName = leaf.DNSNames[0]
		case len(leaf.IPAddresses) > 0:
			e.ServerName = leaf.IPAddresses[0].String()
		}
	}
	return e
}

// URL at which programs and browsers on this machine reach the server, after Start.
func (c *Console) URL() string { return c.endpoint.Server }

// Fingerprint is the SHA-256 of the certificate in the form that openssl and browsers show: AB:CD:…
func (c *Console) Fingerprint() string { return c.certificate.fingerprint() }

// CA is PEM: what a client trusts to reach this server.
func (c *Console) CA() []byte { return c.certificate.current.Load().chain }
