package controlplane

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func openPKI(t *testing.T, dir string, haveData bool, at time.Time) (*PKI, string, error) {
	t.Helper()
	var log bytes.Buffer
	p, err := OpenPKI(dir, "test", haveData, func() time.Time { return at }, slog.New(slog.NewTextHandler(&log, nil)))
	return p, log.String(), err
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s may be used by others: %v", e.Name(), info.Mode())
		}
		out[e.Name()] = string(data)
	}
	return out
}

func TestPKI(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	all := func(names map[string]bool) []string { // that must differ afterwards
		var out []string
		for _, l := range leaves() {
			if names[l.ca] || names[l.name] {
				out = append(out, l.name+".crt", l.name+".key")
			}
		}
		return out
	}
	garbage := func(names ...string) func(dir string) {
		return func(dir string) {
			for _, n := range names {
				_ = os.WriteFile(filepath.Join(dir, n), []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), 0o600)
			}
		}
	}
	for name, c := range map[string]struct {
		damage  func(dir string)
		later   time.Duration
		renewed []string
		quiet   bool
		err     string
	}{
		"nothing":                  {damage: func(string) {}, quiet: true},
		"11 months later":          {later: leafLifetime - renewBefore - time.Hour, damage: func(string) {}, quiet: true},
		"ends within 30 days":      {later: leafLifetime - renewBefore + time.Hour, damage: func(string) {}, renewed: all(map[string]bool{certCA: true, certEtcdCA: true})},
		"long after the end":       {later: 2 * leafLifetime, damage: func(string) {}, renewed: all(map[string]bool{certCA: true, certEtcdCA: true})},
		"the clock was set back":   {later: -48 * time.Hour, damage: func(string) {}, renewed: all(map[string]bool{certCA: true, certEtcdCA: true})},
		"authorities end":          {later: caLifetime - leafLifetime + time.Hour, damage: func(string) {}, renewed: append(all(map[string]bool{certCA: true, certEtcdCA: true}), "ca.crt", "ca.key", "etcd-ca.crt")},
		"certificate is garbage":   {damage: garbage("apiserver.crt"), renewed: []string{"apiserver.crt", "apiserver.key"}},
		"key is garbage":           {damage: garbage("admin.key"), renewed: []string{"admin.crt", "admin.key"}},
		"certificate is empty":     {damage: func(d string) { _ = os.Truncate(filepath.Join(d, "etcd.crt"), 0) }, renewed: []string{"etcd.crt"}},
		"key is missing":           {damage: func(d string) { _ = os.Remove(filepath.Join(d, "kwok.key")) }, renewed: []string{"kwok.crt", "kwok.key"}, quiet: true},
		"key of another":           {damage: func(d string) { _ = os.Rename(filepath.Join(d, "kwok.key"), filepath.Join(d, "admin.key")) }, renewed: []string{"admin.crt", "kwok.crt"}},
		"certificate of another":   {damage: func(d string) { mv(d, "kwok.crt", "admin.crt"); mv(d, "kwok.key", "admin.key") }, renewed: []string{"admin.crt", "kwok.crt"}},
		"authority is garbage":     {damage: garbage("ca.crt"), renewed: append(all(map[string]bool{certCA: true}), "ca.crt", "ca.key")},
		"authority's key is gone":  {damage: func(d string) { _ = os.Remove(filepath.Join(d, "etcd-ca.key")) }, renewed: append(all(map[string]bool{certEtcdCA: true}), "etcd-ca.crt")},
		"token key is garbage":     {damage: garbage("sa.key"), renewed: []string{"sa.key"}},
		"encryption is garbage":    {damage: garbage("encryption.json"), err: "encryption.json from a backup"},
		"encryption key is short":  {damage: func(d string) { encryption(d, `"c2hvcnQ="`) }, err: "holds no secretbox key"},
		"encryption key no base64": {damage: func(d string) { encryption(d, `"§secret§"`) }, err: "its key is not base64"},
		"encryption is gone":       {damage: func(d string) { _ = os.Remove(filepath.Join(d, "encryption.json")) }, err: "no such file"},
		"open to others":           {damage: func(d string) { _ = os.Chmod(filepath.Join(d, "ca.key"), 0o644); _ = os.Chmod(d, 0o755) }, quiet: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "pki")
			if _, _, err := openPKI(t, dir, false, now); err != nil {
				t.Fatal(err)
			}
			before := contents(t, dir)
			c.damage(dir)
			p, log, err := openPKI(t, dir, true, now.Add(c.later))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "§secret§") {
					t.Fatalf("got error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			after := contents(t, dir)
			for name := range before {
				want := false
				for _, r := range c.renewed {
					want = want || r == name
				}
				if changed := before[name] != after[name]; changed && !want && !strings.HasSuffix(name, ".key") {
					t.Errorf("%s was replaced", name)
				} else if !changed && want {
					t.Errorf("%s was not replaced", name)
				}
			}
			if c.quiet != (log == "") {
				t.Errorf("log: %q", log)
			}
			if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("directory: %v, %v", info.Mode(), err)
			}
			for _, l := range leaves() {
				ca, err := readPair(p.file(l.ca))
				if err != nil {
					t.Fatal(err)
				}
				have, err := readPair(p.file(l.name))
				if err == nil {
					err = l.check(have, ca, now.Add(c.later))
				}
				if err != nil {
					t.Errorf("%s: %v", l.name, err)
				}
			}
		})
	}
}

func mv(dir, from, to string) { _ = os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)) }

func encryption(dir, secret string) {
	_ = os.WriteFile(filepath.Join(dir, encryptionFile), []byte(
		`{"kind":"EncryptionConfiguration","resources":[{"resources":["secrets"],"providers":[{"secretbox":{"keys":[{"name":"key1","secret":`+secret+`}]}}]}]}`), 0o600)
}

func FuzzKeys(f *testing.F) {
	dir := f.TempDir()
	p, err := OpenPKI(filepath.Join(dir, "pki"), "fuzz", false, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"ca.crt", "ca.key", "sa.key", encryptionFile} {
		data, err := os.ReadFile(p.file(name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		for _, name := range []string{"x.crt", "x.key"} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if p, err := readPair(filepath.Join(dir, "x")); err == nil && (p.cert == nil || p.key == nil) {
			t.Error("a pair without its parts")
		}
		_, _ = readKey(filepath.Join(dir, "x.key"))
		_ = checkEncryption(data)
	})
}
