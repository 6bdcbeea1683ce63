package trust

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

func TestLookSendsNothingAndPinWorks(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	defer server.Close()
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := Look(t.Context(), base, nil)
	if err != nil {
		t.Fatal(err)
	}
	var unknown x509.UnknownAuthorityError
	if !errors.As(shown.Problem, &unknown) {
		t.Errorf("problem %v, want an unknown authority", shown.Problem)
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	if ok, err := Matches(Fingerprint(server.Certificate()), shown.Leaf); err != nil || !ok {
		t.Errorf("the fingerprint does not match: %v", err)
	}

	pool, err := Pool(PEM(shown.Leaf))
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := Look(t.Context(), base, pool)
	if err != nil || trusted.Problem != nil {
		t.Errorf("the pinned certificate is not accepted: %v %v", err, trusted)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	response, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()

	other := httptest.NewUnstartedServer(http.NotFoundHandler())
	other.TLS = &tls.Config{Certificates: []tls.Certificate{selfSigned(t, "other.example")}}
	other.StartTLS()
	defer other.Close()
	if _, err := client.Get(other.URL); err == nil {
		t.Error("another certificate was accepted by the pin")
	}
}

func TestLookAtNothing(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	base, _ := url.Parse(strings.Replace(server.URL, "http:", "https:", 1))
	if _, err := Look(t.Context(), base, nil); err == nil {
		t.Error("a server without TLS has no certificate to look at")
	}
}

func TestMatches(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	cert := server.Certificate()
	f := Fingerprint(cert)
	for _, given := range []string{f, strings.ToLower(f), strings.ReplaceAll(f, ":", ""), "SHA256:" + f, "sha256 Fingerprint=" + f, " " + f + "\n"} {
		if ok, err := Matches(given, cert); err != nil || !ok {
			t.Errorf("Matches(%q) = %v, %v", given, ok, err)
		}
	}
	if ok, err := Matches(strings.Repeat("00", 32), cert); err != nil || ok {
		t.Errorf("a foreign fingerprint: %v, %v", ok, err)
	}
	for _, given := range []string{"", "ab", f + "00", "zz" + f[2:]} {
		if _, err := Matches(given, cert); !errors.Is(err, ErrFingerprint) {
			t.Errorf("Matches(%q): %v", given, err)
		}
	}
}

func TestNameFor(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	cert := server.Certificate() // example.com, 127.0.0.1, ::1
	if name, ok := NameFor(cert, "127.0.0.1"); name != "" || !ok {
		t.Errorf("its own address: %q %v", name, ok)
	}
	if name, ok := NameFor(cert, "ops.internal"); name != "example.com" || !ok {
		t.Errorf("another name: %q %v", name, ok)
	}
	if _, ok := NameFor(&x509.Certificate{}, "ops"); ok {
		t.Error("a certificate without names has none to offer")
	}
}
