package kubeconfig

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"kanrin.dev/kanrin/internal/lang"
)

// pair makes a self-signed certificate that ends at a known time.
func pair(t testing.TB, until time.Time) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "admin"}, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})
}

func good(t testing.TB, until time.Time) *clientcmdapi.Config {
	cert, key := pair(t, until)
	return &clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"c": {Server: "https://10.0.0.1:6443", CertificateAuthorityData: cert}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"u": {ClientCertificateData: cert, ClientKeyData: key}},
		Contexts:       map[string]*clientcmdapi.Context{"x": {Cluster: "c", AuthInfo: "u"}},
		CurrentContext: "x",
	}
}

func write(t testing.TB, c *clientcmdapi.Config) []byte {
	t.Helper()
	data, err := clientcmd.Write(*c)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParse(t *testing.T) {
	until := time.Now().Add(48 * time.Hour).Truncate(time.Second).UTC()
	soon := until.Add(-time.Hour)
	jwt := "x." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"sub":"system:serviceaccount:a:b","exp":%d}`, soon.Unix())) + ".y"
	for name, test := range map[string]struct {
		code    string
		context string
		expires time.Time
		subject string
		change  func(c *clientcmdapi.Config, cluster *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo)
	}{
		"certificate": {expires: until, subject: "admin"},
		"token": {expires: soon, subject: "system:serviceaccount:a:b", change: func(_ *clientcmdapi.Config, _ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) {
			*u = clientcmdapi.AuthInfo{Token: jwt}
		}},
		"both": {expires: soon, subject: "admin", change: func(_ *clientcmdapi.Config, _ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) { u.Token = jwt }},
		"opaque token": {change: func(_ *clientcmdapi.Config, _ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) {
			*u = clientcmdapi.AuthInfo{Token: "abc"}
		}},
		"odd token": {change: func(_ *clientcmdapi.Config, _ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) {
			*u = clientcmdapi.AuthInfo{Token: "a.b.c"}
		}},
		"only context": {expires: until, subject: "admin", change: func(c *clientcmdapi.Config, _ *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { c.CurrentContext = "" }},
		"named context": {expires: until, subject: "admin", context: "x", change: func(c *clientcmdapi.Config, _ *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			c.Contexts["z"] = c.Contexts["x"]
			c.CurrentContext = "z"
		}},
		"plain loopback": {expires: until, subject: "admin", change: func(_ *clientcmdapi.Config, c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			c.Server = "http://127.0.0.1:8001"
		}},
		"proxy": {expires: until, subject: "admin", change: func(_ *clientcmdapi.Config, c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			c.ProxyURL = "socks5://10.0.0.9:1080"
		}},

		"no context": {code: "NoContext", change: func(c *clientcmdapi.Config, _ *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { c.Contexts = nil }},
		"many contexts": {code: "ManyContexts", change: func(c *clientcmdapi.Config, _ *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			c.Contexts["z"] = c.Contexts["x"]
			c.CurrentContext = ""
		}},
		"unknown context": {code: "UnknownContext", context: "nope"},
		"no cluster":      {code: "UnknownCluster", change: func(c *clientcmdapi.Config, _ *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { c.Clusters = nil }},
		"no user":         {code: "UnknownUser", change: func(c *clientcmdapi.Config, _ *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { c.AuthInfos = nil }},
		"exec": {code: "Program", change: func(_ *clientcmdapi.Config, _ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) {
			u.Exec = &clientcmdapi.ExecConfig{Command: "rm"}
		}},
		"auth provider": {code: "Program", change: func(_ *clientcmdapi.Config, _ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) {
			u.AuthProvider = &clientcmdapi.AuthProviderConfig{Name: "gcp"}
		}},
		"CA file": {code: "File", change: func(_ *clientcmdapi.Config, c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			c.CertificateAuthority = "/etc/passwd"
		}},
		"cert file": {code: "File", change: func(_ *clientcmdapi.Config, _ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) {
			u.ClientCertificate = "/etc/passwd"
		}},
		"key file": {code: "File", change: func(_ *clientcmdapi.Config, _ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) {
			u.ClientKey = "/etc/passwd"
		}},
		"token file": {code: "File", change: func(_ *clientcmdapi.Config, _ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) {
			u.TokenFile = "/etc/passwd"
		}},
		"no server": {code: "Server", change: func(_ *clientcmdapi.Config, c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { c.Server = "" }},
		"odd server": {code: "Server", change: func(_ *clientcmdapi.Config, c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			c.Server = "file:///etc/passwd"
		}},
		"server's user": {code: "Server", change: func(_ *clientcmdapi.Config, c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			c.Server = "https://a:b@10.0.0.1"
		}},
		"server's query": {code: "Server", change: func(_ *clientcmdapi.Config, c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			c.Server = "https://10.0.0.1/?a=b"
		}},
		"plain": {code: "PlainHTTP", change: func(_ *clientcmdapi.Config, c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			c.Server = "http://10.0.0.1"
		}},
		"insecure": {code: "Insecure", change: func(_ *clientcmdapi.Config, c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			c.InsecureSkipTLSVerify = true
		}},
		"CA": {code: "CA", change: func(_ *clientcmdapi.Config, c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			c.CertificateAuthorityData = []byte("x")
		}},
		"half a pair": {code: "ClientCertificate", change: func(_ *clientcmdapi.Config, _ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) { u.ClientKeyData = nil }},
		"wrong pair": {code: "ClientCertificate", change: func(_ *clientcmdapi.Config, _ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) {
			_, u.ClientKeyData = pair(t, until)
		}},
		"header smuggled": {code: "Token", change: func(_ *clientcmdapi.Config, _ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) {
			u.Token = "a\r\nImpersonate-User: root"
		}},
		"odd proxy": {code: "Proxy", change: func(_ *clientcmdapi.Config, c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			c.ProxyURL = "file:///tmp/x"
		}},
		"nobody": {code: "NoCredential", change: func(_ *clientcmdapi.Config, _ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) {
			*u = clientcmdapi.AuthInfo{}
		}},
	} {
		c := good(t, until)
		if test.change != nil {
			test.change(c, c.Clusters["c"], c.AuthInfos["u"])
		}
		creds, err := Parse(write(t, c), test.context)
		if test.code != "" {
			refused(t, name, err, test.code)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !creds.Expires.Equal(test.expires) || creds.Subject != test.subject {
			t.Errorf("%s: expires %v, subject %q", name, creds.Expires, creds.Subject)
		}
		minimal, err := Minimal(write(t, c), test.context)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if again, err := Parse(minimal, ""); err != nil || again.Server != creds.Server || !again.Expires.Equal(creds.Expires) {
			t.Errorf("%s: the form that is kept reads as %+v, %v", name, again, err)
		}
	}
	for name, data := range map[string]string{"garbage": "\x00\x01", "a list": "[]", "another kind": "kind: Pod\napiVersion: v1"} {
		_, err := Parse([]byte(data), "")
		refused(t, name, err, "Unreadable")
	}
	_, err := Parse([]byte(""), "")
	refused(t, "empty", err, "NoContext")
	_, err = Parse(make([]byte, MaxBytes+1), "")
	refused(t, "too large", err, "TooLarge")
}

// refused checks the code, and that its sentence exists and is complete.
func refused(t *testing.T, name string, err error, code string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("%s: %v, want %s", name, err, code)
		return
	}
	for _, l := range []lang.Lang{lang.English, lang.Japanese} {
		if text := l.Text("cluster.InvalidKubeconfig.why."+code, e.Params); strings.HasPrefix(text, "cluster.") || strings.Contains(text, "{") {
			t.Errorf("%s: %q", name, text)
		}
	}
}

func TestFlatten(t *testing.T) {
	until := time.Now().Add(time.Hour)
	dir := t.TempDir()
	c := good(t, until)
	put := func(name string, data []byte) string {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		return name // relative: it is found beside the kubeconfig
	}
	user, cluster := c.AuthInfos["u"], c.Clusters["c"]
	want := string(user.ClientCertificateData)
	user.ClientCertificate, user.ClientCertificateData = put("admin.crt", user.ClientCertificateData), nil
	user.ClientKey, user.ClientKeyData = put("admin.key", user.ClientKeyData), nil
	cluster.CertificateAuthority, cluster.CertificateAuthorityData = put("ca.crt", cluster.CertificateAuthorityData), nil
	user.TokenFile = put("token", []byte("abc\n"))
	c.Contexts["other"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u", Namespace: "n"}
	file := filepath.Join(dir, put("config", write(t, c)))

	flat, err := Flatten(file, "other")
	if err != nil {
		t.Fatal(err)
	}
	creds, err := Parse(flat, "")
	if err != nil {
		t.Fatal(err)
	}
	if string(creds.Config.CertData) != want || creds.Config.BearerToken != "abc" || creds.Context != "other" {
		t.Errorf("flattened: %+v", creds)
	}
	if _, err := Flatten(filepath.Join(dir, "missing"), ""); err == nil {
		t.Error("a file that does not exist was read")
	}
	if err := os.Remove(filepath.Join(dir, "admin.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := Flatten(file, ""); err == nil {
		t.Error("a key that does not exist was read")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(write(f, good(f, time.Now().Add(time.Hour))), "")
	f.Add([]byte("apiVersion: v1\nkind: Config\nusers:\n- name: u\n  user: {exec: {command: /bin/sh}}\n"), "x")
	f.Add([]byte("a: &a [*a, *a]"), "")
	f.Add([]byte("{\"current-context\":\"\\u0000\"}"), "\x00")
	f.Fuzz(func(t *testing.T, data []byte, context string) {
		creds, err := Parse(data, context)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Code == "" {
				t.Errorf("an error without a code: %v", err)
			}
			return
		}
		c := creds.Config
		if c.ExecProvider != nil || c.AuthProvider != nil || c.BearerTokenFile != "" || c.CertFile != "" || c.KeyFile != "" || c.CAFile != "" || c.Insecure {
			t.Errorf("credentials refer to something outside: %+v", c)
		}
		if minimal, err := Minimal(data, context); err != nil {
			t.Errorf("cannot be kept: %v", err)
		} else if _, err := Parse(minimal, ""); err != nil {
			t.Errorf("was kept in a form that cannot be read: %v", err)
		}
	})
}
