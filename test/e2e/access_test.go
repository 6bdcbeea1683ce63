package e2e

import (
	"bytes"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

// A viewer sees everything and changes nothing; the refusal names the missing verb. Signing out ends the session on the server.
func viewer(t *testing.T, s *server) {
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("look-but-do-not-touch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.must(0, "users", "add", "vera", "--role", "Viewer", "--password-file", password)
	own := filepath.Join(t.TempDir(), "config")
	login := s.as(own, "login", s.url(), "--username", "vera", "--password-file", password, "--fingerprint", s.fingerprint(), "--cluster", "demo", "--kubeconfig", own)
	if login.code != 0 {
		t.Fatalf("login: exit %d\n%s%s", login.code, login.out, login.err)
	}
	if r := s.as(own, "get", "nodes"); r.code != 0 {
		t.Errorf("a viewer cannot see nodes: %s", r.err)
	}
	r := s.as(own, "drain", "w6", "--yes")
	if r.code != 8 || !strings.Contains(r.err, "create") || !strings.Contains(r.err, "operations") {
		t.Errorf("a viewer's drain: exit %d, %s", r.code, r.err)
	}
	if out := s.kubectl(own, "get", "operations"); out.code != 0 || !strings.Contains(out.out, "drain-") {
		t.Errorf("kubectl get operations: exit %d\n%s%s", out.code, out.out, out.err)
	}
	token := tokenOf(t, own)
	if r := s.as(own, "logout", "--kubeconfig", own); r.code != 0 {
		t.Errorf("logout: %s", r.err)
	}
	if tokenOf(t, own) != "" {
		t.Error("the token is still in the kubeconfig after logout")
	}
	if r := s.as(s.withToken(t, token), "get", "nodes"); r.code != 8 {
		t.Errorf("the token still works after logout: exit %d %s", r.code, r.err)
	}
	s.must(0, "users", "remove", "vera", "--yes")
	if r := s.must(2, "users", "remove", "admin", "--yes"); !strings.Contains(r.err, "last user who is Administrator") {
		t.Errorf("removing the last administrator says %q", r.err)
	}
}

func tokenOf(t *testing.T, path string) string {
	t.Helper()
	c, err := clientcmd.LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range c.AuthInfos {
		if a.Token != "" {
			return a.Token
		}
	}
	return ""
}

// withToken is the administrator's kubeconfig with another token.
func (s *server) withToken(t *testing.T, token string) string {
	t.Helper()
	c, err := clientcmd.LoadFromFile(s.kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range c.AuthInfos {
		a.Token = token
	}
	path := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(*c, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each way in which a cluster cannot be reached has an error of its own, and leaves nothing behind.
func clusters(t *testing.T, s *server) {
	demo, err := clientcmd.LoadFromFile(filepath.Join(s.dir, "demo", "kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	hole, err := net.Listen("tcp", "127.0.0.1:0") // accepts by its backlog, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer hole.Close()
	for name, c := range map[string]struct {
		change func()
		want   string
	}{
		"closed port":   {func() { demo.Clusters[only(demo.Clusters)].Server = "https://127.0.0.1:1" }, "Unreachable"},
		"never answers": {func() { demo.Clusters[only(demo.Clusters)].Server = "https://" + hole.Addr().String() }, "Unreachable"},
		"wrong CA":      {func() { demo.Clusters[only(demo.Clusters)].CertificateAuthorityData = s.certificate() }, "WrongCA"},
		"no credential": {func() {
			a := demo.AuthInfos[only(demo.AuthInfos)]
			a.ClientCertificateData, a.ClientKeyData, a.Token = nil, nil, "nonsense"
		}, "Unauthorized"},
	} {
		fresh := demo.DeepCopy()
		c.change()
		path := filepath.Join(t.TempDir(), "config")
		if err := clientcmd.WriteToFile(*demo, path); err != nil {
			t.Fatal(err)
		}
		*demo = *fresh
		r := s.kanrin("cluster", "add", "other", "--kubeconfig", path)
		if r.code == 0 || r.err == "" || len(strings.Split(strings.TrimSpace(r.err), "\n")) < 2 {
			t.Errorf("%s (%s): exit %d, %s", name, c.want, r.code, r.err)
		}
	}
	if out := s.must(0, "get", "clusters", "-o", "name").out; strings.Contains(out, "other") {
		t.Errorf("something half-registered stays: %s", out)
	}
}

func only[V any](m map[string]V) string {
	for k := range m {
		return k
	}
	return ""
}

// noSecrets looks through all that Kanrin writes for people for what only it may know.
func noSecrets(t *testing.T, s *server) {
	password, err := os.ReadFile(filepath.Join(s.dir, "admin-password"))
	if err != nil {
		t.Fatal(err)
	}
	secrets := [][]byte{bytes.TrimSpace(password), []byte(tokenOf(t, s.kubeconfig())), []byte("look-but-do-not-touch")}
	err = filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // files come and go
		}
		if info, err := d.Info(); err == nil && regexp.MustCompile(`(?i)(password|kubeconfig|\.key|token)`).MatchString(d.Name()) && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is readable by others: %s", path, info.Mode())
		}
		if name := d.Name(); name == "admin-password" || name == "admin.kubeconfig" {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		for _, secret := range secrets {
			if len(secret) > 0 && bytes.Contains(data, secret) {
				t.Errorf("%s holds a secret in clear", path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if out := s.out.String(); strings.Contains(out, tokenOf(t, s.kubeconfig())) {
		t.Error("kanrin up prints a token")
	}
}
