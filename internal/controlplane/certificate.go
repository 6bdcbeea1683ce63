package controlplane

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

const (
	caLifetime   = 10 * 365 * 24 * time.Hour
	leafLifetime = 365 * 24 * time.Hour
	renewBefore  = 30 * 24 * time.Hour
)

// leaf describes a certificate to issue.
type leaf struct {
	name         string // of its files
	ca           string // "ca" or "etcd-ca"
	commonName   string
	organization string
	server       bool // for 127.0.0.1 and localhost
	client       bool
	names        []string // further DNS names
	ips          []net.IP // further addresses
}

// pair is a certificate with its key.
type pair struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newCA(commonName string, now time.Time) (pair, error) {
	return sign(x509.Certificate{
		Subject:               pkix.Name{CommonName: commonName, Organization: []string{"Kanrin"}},
		NotBefore:             now.Add(-5 * time.Minute),
		NotAfter:              now.Add(caLifetime),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}, nil)
}

func (l leaf) issue(ca pair, now time.Time) (pair, error) {
	t := x509.Certificate{
		Subject:   pkix.Name{CommonName: l.commonName},
		NotBefore: now.Add(-5 * time.Minute),
		NotAfter:  now.Add(leafLifetime),
		KeyUsage:  x509.KeyUsageDigitalSignature,
	}
	if l.organization != "" {
		t.Subject.Organization = []string{l.organization}
	}
	if t.NotAfter.After(ca.cert.NotAfter) {
		t.NotAfter = ca.cert.NotAfter
	}
	if l.server {
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		t.DNSNames = append([]string{"localhost"}, l.names...)
		t.IPAddresses = append([]net.IP{net.IPv4(127, 0, 0, 1)}, l.ips...)
	}
	if l.client {
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	return sign(t, &ca)
}

// check says why a certificate can no longer be used as this leaf.
func (l leaf) check(p pair, ca pair, now time.Time) error {
	if err := p.cert.CheckSignatureFrom(ca.cert); err != nil {
		return fmt.Errorf("it was not signed by the present authority: %w", err)
	}
	if left := p.cert.NotAfter.Sub(now); left < renewBefore {
		return fmt.Errorf("it ends at %s", p.cert.NotAfter.UTC().Format(time.RFC3339))
	}
	if now.Before(p.cert.NotBefore) {
		return fmt.Errorf("it begins at %s only", p.cert.NotBefore.UTC().Format(time.RFC3339))
	}
	want := append([]string(nil), l.names...)
	if l.server {
		want = append(want, "127.0.0.1", "localhost")
	}
	for _, ip := range l.ips {
		want = append(want, ip.String())
	}
	for _, name := range want {
		if err := p.cert.VerifyHostname(name); err != nil {
			return err
		}
	}
	if p.cert.Subject.CommonName != l.commonName {
		return fmt.Errorf("it is made out to %q", p.cert.Subject.CommonName)
	}
	return nil
}

func sign(t x509.Certificate, ca *pair) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("making key: %w", err)
	}
	if t.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return pair{}, fmt.Errorf("making serial number: %w", err)
	}
	parent, signer := &t, key
	if ca != nil {
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, &t, parent, key.Public(), signer)
	if err != nil {
		return pair{}, fmt.Errorf("signing certificate of %s: %w", t.Subject.CommonName, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return pair{}, fmt.Errorf("reading new certificate: %w", err)
	}
	return pair{cert: cert, key: key}, nil
}

func (p pair) certPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw})
}

func (p pair) write(base string) error {
	key, err := encodeKey(p.key)
	if err != nil {
		return err
	}
	if err := writeFile(base+".key", key, 0o600); err != nil {
		return err
	}
	return writeFile(base+".crt", p.certPEM(), 0o600)
}

// readPair reads base.crt and base.key; they must hold one certificate and its own key.
func readPair(base string) (pair, error) {
	var p pair
	data, err := os.ReadFile(base + ".crt")
	if err != nil {
		return p, err
	}
	block, rest := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 {
		return p, fmt.Errorf("%s.crt does not hold one certificate", base)
	}
	if p.cert, err = x509.ParseCertificate(block.Bytes); err != nil {
		return p, fmt.Errorf("reading %s.crt: %w", base, err)
	}
	if p.key, err = readKey(base + ".key"); err != nil {
		return p, err
	}
	if !p.key.PublicKey.Equal(p.cert.PublicKey) {
		return p, fmt.Errorf("%s.key does not belong to %s.crt", base, base)
	}
	return p, nil
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

func readKey(path string) (*ecdsa.PrivateKey, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "EC PRIVATE KEY" {
		return nil, fmt.Errorf("%s does not hold a key", path)
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if key.Curve != elliptic.P256() {
		return nil, errors.New(path + " does not hold a P-256 key")
	}
	return key, nil
}
