// Package trust looks at the certificate of a console before anything is sent to it, and pins it.
//
// It asks nobody and decides nothing: the command that signs in shows the fingerprint and asks. Invariant: Look sends no request;
// whatever carries a password goes out on a connection that was verified.
package trust

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Shown is what a server shows in the TLS handshake.
type Shown struct {
	Leaf *x509.Certificate
	// Problem is why the machine's own trust store does not accept it; nil when it does.
	Problem error
}

var errLooked = errors.New("looked at the certificate, sent nothing")

// Look makes a TLS handshake with the server of base, through the proxy of the environment if there is one, and ends it before a
// request is sent. roots are what the certificate is checked against; nil means the machine's trust store.
func Look(ctx context.Context, base *url.URL, roots *x509.CertPool) (*Shown, error) {
	var shown *Shown
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = false
	transport.TLSClientConfig = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // verified below, and nothing is sent whatever comes out
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 {
				return errors.New("the server shows no certificate")
			}
			shown = &Shown{Leaf: state.PeerCertificates[0], Problem: verify(state.PeerCertificates, base.Hostname(), roots)}
			return errLooked
		},
	}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("preparing a look at the certificate: %w", err)
	}
	response, err := transport.RoundTrip(request)
	if err == nil {
		_ = response.Body.Close() // cannot be: the handshake never succeeds
		return nil, errors.New("the handshake was not ended before a request")
	}
	if shown == nil {
		return nil, fmt.Errorf("looking at the certificate: %w", err)
	}
	return shown, nil
}

func verify(chain []*x509.Certificate, host string, roots *x509.CertPool) error {
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Roots: roots, Intermediates: intermediates})
	return err
}

// Fingerprint is the SHA-256 of the certificate in the form that browsers and openssl show: AB:CD:…
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	out := make([]string, len(sum))
	for i, b := range sum {
		out[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(out, ":")
}

// ErrFingerprint is returned for text that is no SHA-256 fingerprint.
var ErrFingerprint = errors.New("not a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons")

// Matches reports whether given is the certificate's fingerprint, written in any of the common ways.
func Matches(given string, c *x509.Certificate) (bool, error) {
	text := strings.ToLower(strings.TrimSpace(given))
	for _, prefix := range []string{"sha256:", "sha-256:", "sha256 fingerprint=", "sha256="} {
		text = strings.TrimPrefix(text, prefix)
	}
	text = strings.NewReplacer(":", "", " ", "", "-", "").Replace(text)
	want, err := hex.DecodeString(text)
	if err != nil || len(want) != sha256.Size {
		return false, fmt.Errorf("%q: %w", given, ErrFingerprint)
	}
	sum := sha256.Sum256(c.Raw)
	return string(want) == string(sum[:]), nil
}

// PEM is the certificate as a trust anchor of its own. Go, and so kubectl, accepts a server that shows exactly this certificate.
func PEM(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// NameFor is a name that the certificate is good for when it is not good for host, and "" when it is. A pinned certificate needs no
// name to be recognised, but clients check one.
func NameFor(c *x509.Certificate, host string) (string, bool) {
	if c.VerifyHostname(host) == nil {
		return "", true
	}
	for _, name := range c.DNSNames {
		if c.VerifyHostname(name) == nil {
			return name, true
		}
	}
	for _, ip := range c.IPAddresses {
		return ip.String(), true
	}
	return "", false
}

// Pool reads PEM certificates.
func Pool(data []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, errors.New("no PEM certificate in it")
	}
	return pool, nil
}
