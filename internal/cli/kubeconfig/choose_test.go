package kubeconfig

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

func TestChoose(t *testing.T) {
	set := func(data string, names ...string) string {
		for _, name := range names {
			e := entry
			e.Name, e.Server, e.CA = name, "https://"+name+":8443", nil
			out, err := Set([]byte(data), e)
			if err != nil {
				t.Fatal(err)
			}
			data = string(out)
		}
		return data
	}
	current := func(data, name string) string {
		lines := strings.Split(data, "\n")
		for i, line := range lines {
			if strings.HasPrefix(line, "current-context:") {
				lines[i] = "current-context: " + name
			}
		}
		return strings.Join(lines, "\n")
	}
	unmarked := strings.ReplaceAll(foreign, "exec: {apiVersion: client.authentication.k8s.io/v1, command: get-token, interactiveMode: Never}", "token: x")

	for _, tc := range []struct {
		name     string
		file     string
		explicit bool
		wanted   string
		context  string
		err      error
	}{
		{name: "no file", err: ErrNotSignedIn},
		{name: "the one that signing in made current", file: set(foreign, "kanrin-a"), context: "kanrin-a"},
		{name: "current is another cluster, one of ours", file: current(set(foreign, "kanrin-a"), "prod"), context: "kanrin-a"},
		{name: "current is another cluster, two of ours", file: current(set(foreign, "kanrin-a", "kanrin-b"), "prod"), err: ErrSeveral},
		{name: "two of ours, one current", file: current(set(foreign, "kanrin-a", "kanrin-b"), "kanrin-a"), context: "kanrin-a"},
		{name: "named", file: current(set(foreign, "kanrin-a", "kanrin-b"), "prod"), wanted: "kanrin-b", context: "kanrin-b"},
		{name: "named and absent", file: foreign, wanted: "nope", err: ErrNoSuchContext},
		{name: "an explicit file's current context", file: current(set(unmarked, "kanrin-a"), "prod"), explicit: true, context: "prod"},
		{name: "none of ours", file: unmarked, context: "prod"},
		{name: "empty", file: "apiVersion: v1\nkind: Config\n", err: ErrNotSignedIn},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config")
			if tc.file != "" {
				if err := os.WriteFile(path, []byte(tc.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("KUBECONFIG", path)
			explicit := ""
			if tc.explicit {
				explicit = path
			}
			got, err := Choose(explicit, tc.wanted)
			if tc.err != nil {
				if !errors.Is(err, tc.err) {
					t.Fatalf("error %v, want %v", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Context != tc.context {
				t.Errorf("context %s, want %s", got.Context, tc.context)
			}
		})
	}
	if _, err := Choose(filepath.Join(t.TempDir(), "absent"), ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an explicit file that does not exist: %v", err)
	}
}

func TestContextName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if got := ContextName(path, "ops", "8443", "https://ops:8443"); got != "kanrin-ops" {
		t.Errorf("no file yet: %s", got)
	}
	data, err := Set(nil, entry)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := ContextName(path, "ops", "8443", "https://ops:8443"); got != "kanrin-ops" {
		t.Errorf("the same console: %s", got)
	}
	if got := ContextName(path, "ops", "9443", "https://ops:9443"); got != "kanrin-ops-9443" {
		t.Errorf("another console on that host: %s", got)
	}
}

func TestExtract(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"ca.pem": "CA", "c.pem": "CERT", "c.key": "KEY", "token": "tok\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const head = "apiVersion: v1\nkind: Config\n"
	files := head + `
clusters:
- name: c
  cluster: {server: "https://c:6443", certificate-authority: ca.pem}
- name: other
  cluster: {server: "https://other:6443"}
contexts:
- name: certs
  context: {cluster: c, user: certs, namespace: shop}
- name: token
  context: {cluster: c, user: token}
- name: exec
  context: {cluster: c, user: exec}
- name: oidc
  context: {cluster: c, user: oidc}
- name: gone
  context: {cluster: c, user: gone}
- name: nobody
  context: {cluster: c, user: absent}
- name: nowhere
  context: {cluster: absent, user: certs}
users:
- name: certs
  user: {client-certificate: c.pem, client-key: ` + filepath.Join(dir, "c.key") + `}
- name: token
  user: {tokenFile: token}
- name: exec
  user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, interactiveMode: Never}}
- name: oidc
  user: {auth-provider: {name: oidc}}
- name: gone
  user: {client-certificate: absent.pem}
`
	for _, tc := range []struct {
		context string
		err     error
	}{
		{context: "certs"}, {context: "token"}, {context: "exec", err: ErrPlugin}, {context: "oidc", err: ErrPlugin},
		{context: "gone", err: os.ErrNotExist}, {context: "nobody", err: ErrIncomplete}, {context: "nowhere", err: ErrIncomplete},
		{context: "absent", err: ErrNoSuchContext}, {context: "", err: ErrChooseContext},
	} {
		t.Run(tc.context, func(t *testing.T) {
			out, name, err := Extract([]byte(files), dir, tc.context)
			if tc.err != nil {
				if !errors.Is(err, tc.err) {
					t.Fatalf("error %v, want %v", err, tc.err)
				}
				return
			}
			if err != nil || name != tc.context {
				t.Fatalf("%s, %v", name, err)
			}
			config, err := clientcmd.Load(out)
			if err != nil {
				t.Fatal(err)
			}
			if len(config.Contexts) != 1 || len(config.Clusters) != 1 || len(config.AuthInfos) != 1 || config.CurrentContext != tc.context {
				t.Errorf("more than one context:\n%s", out)
			}
			c, u := config.Clusters["c"], config.AuthInfos[tc.context]
			if string(c.CertificateAuthorityData) != "CA" || c.CertificateAuthority != "" {
				t.Errorf("the CA is not inlined:\n%s", out)
			}
			if tc.context == "certs" && (string(u.ClientCertificateData) != "CERT" || string(u.ClientKeyData) != "KEY" || u.ClientKey != "") {
				t.Errorf("the certificate is not inlined:\n%s", out)
			}
			if tc.context == "token" && (u.Token != "tok" || u.TokenFile != "") {
				t.Errorf("the token is not inlined:\n%s", out)
			}
		})
	}
	if _, _, err := Extract([]byte("\x00"), dir, ""); !errors.Is(err, ErrGarbage) {
		t.Errorf("garbage: %v", err)
	}
	if _, _, err := Extract(nil, dir, ""); !errors.Is(err, ErrIncomplete) {
		t.Errorf("nothing: %v", err)
	}
}

func FuzzExtract(f *testing.F) {
	f.Add([]byte(foreign), "")
	f.Add([]byte("contexts: [{name: a}]"), "a")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		out, _, err := Extract(data, t.TempDir(), name)
		if err != nil {
			return
		}
		config, err := load(out)
		if err != nil || len(config.Contexts) != 1 {
			t.Fatalf("%v: not a single context:\n%s", err, out)
		}
		for _, u := range config.AuthInfos {
			if u.Exec != nil || u.AuthProvider != nil || u.ClientCertificate != "" || u.TokenFile != "" {
				t.Fatalf("it still refers to programs or files:\n%s", out)
			}
		}
	})
}
