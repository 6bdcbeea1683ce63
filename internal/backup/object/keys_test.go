package object

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func encryption(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/encryption.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLoadKeys(t *testing.T) {
	const head = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n"
	keys, err := LoadKeys([]byte(head + "  - kms: {apiVersion: v2, name: vault, endpoint: 'unix:///x'}\n  - identity: {}\n"))
	if err != nil || strings.Join(keys.External(), " ") != "vault" {
		t.Errorf("external keys %v, %v", keys.External(), err)
	}
	if _, err := LoadKeys([]byte(encryption(t))); err != nil {
		t.Error(err)
	}
	secret := "c2VjcmV0IGlzIHNlY3VyZQ==" // 16 bytes
	for name, text := range map[string]string{
		"empty":        "",
		"other kind":   strings.Replace(head, "EncryptionConfiguration", "Other", 1),
		"no YAML":      head + " \t- {" + secret,
		"short key":    head + "  - secretbox: {keys: [{name: a, secret: " + secret + "}]}",
		"no base64":    head + "  - aescbc: {keys: [{name: a, secret: '" + secret + "!'}]}",
		"no name":      head + "  - aescbc: {keys: [{secret: " + secret + "}]}",
		"no keys":      head + "  - aesgcm: {}",
		"keys no list": head + "  - aesgcm: {keys: " + secret + "}",
		"unknown":      head + "  - rot13: {}",
		"too large":    head + strings.Repeat("#", maxConfiguration),
	} {
		var c *ConfigurationError
		if _, err := LoadKeys([]byte(text)); !errors.As(err, &c) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDecryptRefuses(t *testing.T) {
	keys, err := LoadKeys([]byte(encryption(t)))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := keys.Decrypt("/a", []byte("k8s\x00plain")); err != nil || string(plain) != "k8s\x00plain" {
		t.Errorf("plain value: %q, %v", plain, err)
	}
	for value, want := range map[string]DecryptReason{
		"k8s:enc:aescbc:v1:key1:":               WrongKey,
		"k8s:enc:aescbc:v1:key1:short":          WrongKey,
		"k8s:enc:aesgcm:v1:key1:short":          WrongKey,
		"k8s:enc:secretbox:v1:key1:short":       WrongKey,
		"k8s:enc:secretbox:v1:other:0123456789": NoKey,
		"k8s:enc:aesgcm:v2:key1:0123456789":     Unknown,
		"k8s:enc:kms:v2:vault:0123456789":       External,
		"k8s:enc:rot13:v1:key1:0123456789":      Unknown,
		"k8s:enc:":                              Unknown,
		"k8s:enc:aescbc":                        NoKey,
	} {
		var d *DecryptError
		if _, err := keys.Decrypt("/registry/secrets/a/b", []byte(value)); !errors.As(err, &d) || d.Reason != want {
			t.Errorf("%s: %v", value, err)
		}
	}
}

func FuzzLoadKeys(f *testing.F) {
	f.Add([]byte(encryption(f)))
	f.Add([]byte(`{"apiVersion":"apiserver.config.k8s.io/v1","kind":"EncryptionConfiguration","resources":[{"providers":[{"aescbc":null}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, err := LoadKeys(b)
		var c *ConfigurationError
		if err != nil && !errors.As(err, &c) {
			t.Errorf("error of another kind: %v", err)
		}
		_, _ = keys.Decrypt("/registry/secrets/a/b", []byte("k8s:enc:aescbc:v1:key1:0123456789abcdef0123456789abcdef"))
	})
}
