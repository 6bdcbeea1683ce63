package fleet_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/fleettest"
	"kanrin.dev/kanrin/internal/fleet/reach"
	"kanrin.dev/kanrin/internal/lang"
)

// authority issues certificates for a test.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.key, a.cert, a.pem = a.sign(template, nil)
	return a
}

func (a *authority) sign(template *x509.Certificate, public any) (*ecdsa.PrivateKey, *x509.Certificate, []byte) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	if public == nil {
		public = &key.PublicKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return key, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// pair returns a certificate and its key in PEM.
func (a *authority) pair(name string, until time.Time, ips ...net.IP) (cert, key []byte) {
	a.t.Helper()
	k, _, cert := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until, IPAddresses: ips,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}, nil)
	der, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

// serve answers over TLS with the given certificate.
func (a *authority) serve(answer http.HandlerFunc, until time.Time, ips ...net.IP) string {
	a.t.Helper()
	cert, key := a.pair("server", until, ips...)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		a.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(answer)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what is tested
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.StartTLS()
	a.t.Cleanup(s.Close)
	return s.URL
}

// hole accepts connections and never answers.
func hole(t *testing.T) string {
	t.Helper()
	return "https://" + func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l.Addr().String() // the kernel completes connections; nobody accepts them
	}()
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return "https://" + l.Addr().String()
}

// token returns a token of a service account that may do what the rules say.
func token(t *testing.T, name string, rules ...rbacv1.PolicyRule) string {
	t.Helper()
	ctx := t.Context()
	fleettest.Namespace(t, api.Client, "accounts")
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := api.Client.CoreV1().ServiceAccounts("accounts").Create(ctx, account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if len(rules) > 0 {
		role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}
		if _, err := api.Client.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "accounts", Name: name}},
		}
		if _, err := api.Client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := api.Client.CoreV1().ServiceAccounts("accounts").CreateToken(ctx, name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return got.Status.Token
}

func TestProbe(t *testing.T) {
	a := newAuthority(t)
	loopback := net.IPv4(127, 0, 0, 1)
	expiredCert, expiredKey := a.pair("old", time.Now().Add(-time.Minute))
	foreignCert, foreignKey := a.pair("stranger", time.Now().Add(time.Hour))
	later := time.Now().Add(time.Hour)
	answering := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		}
	}
	// to points the kubeconfig at a server whose certificate the authority has signed.
	to := func(url string) func(*clientcmdapi.Cluster, *clientcmdapi.AuthInfo) {
		return func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			c.Server, c.CertificateAuthorityData = url, a.pem
		}
	}
	as := func(token string) func(*clientcmdapi.Cluster, *clientcmdapi.AuthInfo) {
		return func(_ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) { *u = clientcmdapi.AuthInfo{Token: token} }
	}
	reader := []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"nodes", "pods"}, Verbs: []string{"list", "watch"}}}
	for name, test := range map[string]struct {
		reason, why string
		change      func(*clientcmdapi.Cluster, *clientcmdapi.AuthInfo)
	}{
		"connected":           {change: func(*clientcmdapi.Cluster, *clientcmdapi.AuthInfo) {}},
		"closed port":         {"Unreachable", "refused", func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { c.Server = closedPort(t) }},
		"black hole":          {"Unreachable", "silent", func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { c.Server = hole(t) }},
		"unknown name":        {"Unreachable", "name", func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { c.Server = "https://api.invalid:6443" }},
		"wrong CA":            {"WrongCA", "authority", func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { c.CertificateAuthorityData = a.pem }},
		"another name":        {"WrongCA", "name", func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { c.TLSServerName = "api.example" }},
		"server cert expired": {"WrongCA", "expired", to(a.serve(answering(200, "{}"), time.Now().Add(-time.Minute), loopback))},
		"client cert expired": {"CredentialExpired", "clock", func(_ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) {
			u.ClientCertificateData, u.ClientKeyData = expiredCert, expiredKey
		}},
		"foreign client cert": {"Unauthorized", "refused", func(_ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) {
			u.ClientCertificateData, u.ClientKeyData = foreignCert, foreignKey
		}},
		"unknown token":  {"Unauthorized", "refused", as("nobody-knows-this")},
		"no rights":      {"Forbidden", "refused", as(token(t, "powerless"))},
		"too few rights": {"Forbidden", "refused", as(token(t, "reader", reader...))},
		"plain HTTP": {"NotServing", "plain", func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			s := httptest.NewServer(answering(200, "hello"))
			t.Cleanup(s.Close)
			c.Server = strings.Replace(s.URL, "http:", "https:", 1)
		}},
		"a web site": {"NotServing", "foreign", to(a.serve(answering(200, "<html>"), later, loopback))},
		"not found":  {"NotServing", "foreign", to(a.serve(answering(404, "no such page"), later, loopback))},
		"overloaded": {"NotServing", "busy", to(a.serve(answering(429, "later"), later, loopback))},
		"failing":    {"NotServing", "failing", to(a.serve(answering(503, "etcd is away"), later, loopback))},
		"programs": {"InvalidKubeconfig", "Program", func(_ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) {
			u.Exec = &clientcmdapi.ExecConfig{Command: "/bin/true", APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: "Never"}
		}},
		"files": {"InvalidKubeconfig", "File", func(_ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) { u.TokenFile = "/etc/passwd" }},
		"no verification": {"InvalidKubeconfig", "Insecure", func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			c.InsecureSkipTLSVerify, c.CertificateAuthorityData = true, nil
		}},
		"not protected":    {"InvalidKubeconfig", "PlainHTTP", func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { c.Server = "http://10.0.0.1:8080" }},
		"without identity": {"InvalidKubeconfig", "NoCredential", func(_ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) { *u = clientcmdapi.AuthInfo{} }},
	} {
		t.Run(name, func(t *testing.T) {
			info, err := fleet.Probe(t.Context(), fleettest.Kubeconfig(t, api.Kubeconfig, test.change), "")
			if test.reason == "" {
				if err != nil || info.Version == "" || info.UID == "" || info.Expires.IsZero() {
					t.Errorf("probe: %+v, %v", info, err)
				}
				return
			}
			var e *reach.Error
			if !errors.As(err, &e) {
				t.Fatalf("probe: %+v, %v", info, err)
			}
			if e.Reason != test.reason || e.Why != test.why {
				t.Errorf("reason %s, why %s; want %s, %s (%v)", e.Reason, e.Why, test.reason, test.why, e.Err)
			}
			for _, l := range []lang.Lang{lang.English, lang.Japanese} {
				for _, text := range []string{e.What(l), e.Because(l), e.Next(l)} {
					if strings.HasPrefix(text, "cluster.") || strings.Contains(text, "{") {
						t.Errorf("a sentence is missing or incomplete: %q", text)
					}
				}
			}
		})
	}
}
