package console

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"kanrin.dev/kanrin/internal/access"
)

// DefaultListen is where the console listens unless told otherwise: this machine alone reaches it.
const DefaultListen = "127.0.0.1:8443"

// Configuration of the server.
type Configuration struct {
	// Listen is host:port; empty is DefaultListen. An address that other machines reach must be asked for, and is warned about.
	Listen string
	// DataDir holds tls/server.crt and tls/server.key, made at the first start when no files are given.
	DataDir string
	// CertFile and KeyFile are PEM files to use instead; they are read again when they change.
	CertFile, KeyFile string
	// Hosts are further names by which clients may address this server, such as that of a proxy in front of it. The names in the
	// certificate are always allowed.
	Hosts []string
	// Version is shown to signed-in users.
	Version string
}

// Validate reports what cannot work.
func (c Configuration) Validate() error {
	if _, _, err := c.listen(); err != nil {
		return err
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		return errors.New("console: a certificate needs its key: give --tls-cert and --tls-key together")
	}
	if c.CertFile == "" && c.DataDir == "" {
		return errors.New("console: DataDir is not set: there is no place for a certificate")
	}
	return nil
}

// listen splits the address. host is "" for all addresses.
func (c Configuration) listen() (host string, port uint16, err error) {
	address := c.Listen
	if address == "" {
		address = DefaultListen
	}
	host, p, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("console: the address to listen on, %q, is not host:port such as %s", address, DefaultListen)
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("console: %q in the address to listen on is not a port", p)
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = ""
	}
	return host, uint16(n), nil
}

// isLoopback reports whether only this machine reaches host.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// Check is a part of Kanrin that must work for the server to be ready.
type Check struct {
	Name string
	// Check returns why the part does not work. It has two seconds.
	Check func(context.Context) error
}

// Registry collects metrics: a *prometheus.Registry, or that of controller-runtime.
type Registry interface {
	prometheus.Registerer
	prometheus.Gatherer
}

// Dependencies of the Console.
type Dependencies struct {
	Access *access.Access
	// Management reaches the management API with the right to impersonate users and groups.
	Management *rest.Config
	Log        *slog.Logger
	// Metrics is what /metrics shows, beside the console's own, which are registered in it.
	Metrics Registry
	// Static is the built front end (web.Dist()).
	Static fs.FS
	// Changes are the sources of /kanrin/v1/changes.
	Changes []Changes
	// Checks of /readyz, beside the management API.
	Checks []Check
	// Clock is the real one when nil.
	Clock clock.WithTicker
}
