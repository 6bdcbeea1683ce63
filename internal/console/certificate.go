package console

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/clock"
)

const (
	// certificateLife is the longest that all common clients accept of a certificate that its user trusts by hand.
	certificateLife = 825 * 24 * time.Hour
	// certificateRenewal is how long before its end our own certificate is replaced.
	certificateRenewal = 30 * 24 * time.Hour
)

// certificate is what the server proves itself with: given files, or one that it signs itself and keeps in its data directory.
type certificate struct {
	certFile, keyFile string
	// given files are never written.
	given bool
	// names and addresses that our own certificate must hold.
	names []string
	clock clock.PassiveClock
	log   *slog.Logger

	current atomic.Pointer[loaded]
}

// loaded is a certificate in use.
type loaded struct {
	tls tls.Certificate
	// chain is the certificate file as PEM.
	chain []byte
	// stamp tells whether the files have changed since.
	stamp string
}

func newCertificate(conf Configuration, clk clock.PassiveClock, log *slog.Logger) (*certificate, error) {
	host, _, err := conf.listen()
	if err != nil {
		return nil, err
	}
	c := &certificate{certFile: conf.CertFile, keyFile: conf.KeyFile, given: conf.CertFile != "", clock: clk, log: log}
	if !c.given {
		c.certFile, c.keyFile = filepath.Join(conf.DataDir, "tls", "server.crt"), filepath.Join(conf.DataDir, "tls", "server.key")
		c.names = ownNames(host, conf.Hosts)
	}
	return c, nil
}

// ownNames are those of this machine by which the console may be reached.
func ownNames(host string, more []string) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	add := func(name string) {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		if _, err := netip.ParseAddr(name); err != nil && len(validation.IsDNS1123Subdomain(name)) > 0 {
			return
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	add(host)
	if hostname, err := os.Hostname(); err == nil {
		add(hostname)
	}
	for _, name := range more {
		add(name)
	}
	return names
}

// refresh loads the certificate, makes our own when there is none or it will not do for long, and reports whether another one is in use
// than before.
func (c *certificate) refresh() (changed bool, err error) {
	was := c.current.Load()
	stamp := c.stamp()
	now := c.clock.Now()
	if was != nil && was.stamp == stamp && (c.given || now.Before(was.tls.Leaf.NotAfter.Add(-certificateRenewal))) {
		return false, nil
	}
	fresh, err := c.load(stamp)
	if c.given {
		if err != nil {
			return false, fmt.Errorf("reading the given TLS certificate: %w", err)
		}
		if now.After(fresh.tls.Leaf.NotAfter) {
			c.log.Warn("the given TLS certificate has expired", "file", c.certFile, "expired", fresh.tls.Leaf.NotAfter)
		}
	} else if why := c.unfit(fresh, err, now); why != "" {
		c.log.Info("making a TLS certificate for the console", "file", c.certFile, "because", why)
		if err := c.make(now); err != nil {
			return false, fmt.Errorf("making a TLS certificate: %w", err)
		}
		if fresh, err = c.load(c.stamp()); err != nil {
			return false, fmt.Errorf("reading the TLS certificate just made: %w", err)
		}
	}
	c.current.Store(fresh)
	return was == nil || !bytes.Equal(was.chain, fresh.chain), nil
}

// unfit says why our own certificate cannot be used for long, "" when it can.
func (c *certificate) unfit(l *loaded, err error, now time.Time) string {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "there is none yet"
	case err != nil:
		return "the present one cannot be read: " + err.Error()
	case now.After(l.tls.Leaf.NotAfter.Add(-certificateRenewal)):
		return "the present one ends " + l.tls.Leaf.NotAfter.Format(time.DateOnly)
	case now.Before(l.tls.Leaf.NotBefore):
		return "the present one begins in the future"
	}
	for _, name := range c.names {
		if l.tls.Leaf.VerifyHostname(name) != nil {
			return "the present one does not name " + name
		}
	}
	return ""
}

func (c *certificate) stamp() string {
	var b strings.Builder
	for _, file := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(file); err == nil {
			fmt.Fprintf(&b, "%d %d;", info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}

func (c *certificate) load(stamp string) (*loaded, error) {
	chain, err := os.ReadFile(c.certFile)
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("%s with %s: %w", c.certFile, c.keyFile, err)
	}
	return &loaded{tls: pair, chain: chain, stamp: stamp}, nil
}

func (c *certificate) make(now time.Time) error {
	if err := os.MkdirAll(filepath.Dir(c.certFile), 0o700); err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Kanrin console", Organization: []string{"Kanrin"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, name := range slices.Concat(c.names, interfaceAddresses()) {
		if ip := net.ParseIP(name); ip == nil {
			template.DNSNames = append(template.DNSNames, name)
		} else if !slices.ContainsFunc(template.IPAddresses, ip.Equal) {
			template.IPAddresses = append(template.IPAddresses, ip)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	// A crash in between leaves a pair that does not match, which the next start replaces.
	if err := writeFile(c.keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600); err != nil {
		return err
	}
	return writeFile(c.certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
}

// interfaceAddresses of this machine as they are now; they go into a certificate that is made, but their change makes no new one.
func interfaceAddresses() []string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil // the names remain
	}
	var out []string
	for _, a := range addresses {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().IsGlobalUnicast() {
			out = append(out, prefix.Addr().String())
		}
	}
	return out
}

func writeFile(path string, data []byte, mode os.FileMode) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Chmod(mode), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

func (c *certificate) leaf() *x509.Certificate { return c.current.Load().tls.Leaf }

// fingerprint is the SHA-256 of the certificate as openssl prints it: AB:CD:…
func (c *certificate) fingerprint() string {
	sum := sha256.Sum256(c.current.Load().tls.Certificate[0])
	return strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":")
}

func (c *certificate) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return &c.current.Load().tls, nil
		},
	}
}
