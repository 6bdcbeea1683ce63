package access

import (
	"bytes"
	"os"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

func TestAdminKubeconfig(t *testing.T) {
	b := newBed(t)
	cluster(b.ctx, t, "prod")
	cluster(b.ctx, t, "dev")
	if err := b.bootstrap(b.ctx); err != nil {
		t.Fatal(err)
	}
	endpoint := Endpoint{Server: "https://127.0.0.1:8443", CA: []byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")}
	write := func() (Token, []byte) {
		t.Helper()
		if err := b.WriteAdminKubeconfig(b.ctx, endpoint); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(b.kubeconfigFile())
		if err != nil {
			t.Fatal(err)
		}
		conf, err := clientcmd.Load(data)
		if err != nil {
			t.Fatal(err)
		}
		if c := conf.Clusters["kanrin"]; c.Server != endpoint.Server || !bytes.Equal(c.CertificateAuthorityData, endpoint.CA) {
			t.Fatalf("cluster is %+v", c)
		}
		for name, namespace := range map[string]string{"kanrin": b.conf.Namespace, "prod": "prod", "dev": "dev"} {
			if got := conf.Contexts[name]; got == nil || got.Namespace != namespace {
				t.Fatalf("context %s is %+v, want namespace %q", name, got, namespace)
			}
		}
		token, err := ParseToken(conf.AuthInfos[conf.Contexts[conf.CurrentContext].AuthInfo].Token)
		if err != nil {
			t.Fatal(err)
		}
		return token, data
	}
	first, data := write()
	if info, err := os.Stat(b.kubeconfigFile()); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v, want 0600", info.Mode(), err)
	}
	if session, err := b.Authenticate(b.ctx, first); err != nil || session.User != "admin" || session.Kind != Machine {
		t.Fatalf("session = %+v, %v", session, err)
	}
	if again, same := write(); again != first || !bytes.Equal(same, data) {
		t.Fatal("a second start changed the file")
	}
	endpoint.Server = "https://127.0.0.1:9443"
	if moved, _ := write(); moved != first {
		t.Fatal("another address changed the token")
	}
	b.clock.Step(61 * 24 * time.Hour) // 29 days are left
	second, _ := write()
	if second == first {
		t.Fatal("a token that is near its end was kept")
	}
	b.wantSession(b.Access, first, CodeSessionUnknown)
	b.wantSession(b.Access, second, "")

	for name, spoil := range map[string]func() []byte{
		"garbage":  func() []byte { return []byte("\x00{]") },
		"empty":    func() []byte { return nil },
		"no token": func() []byte { return bytes.ReplaceAll(data, []byte(first.Reveal()), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			b := b.in(t)
			if err := os.WriteFile(b.kubeconfigFile(), spoil(), 0o600); err != nil {
				t.Fatal(err)
			}
			token, _ := write()
			b.wantSession(b.Access, token, "")
		})
	}
	b.wantNoSecrets(first.secret, second.secret)
}
