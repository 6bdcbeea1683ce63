package console

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

func testCertificate(t *testing.T, conf Configuration, clk *clocktesting.FakeClock) *certificate {
	t.Helper()
	c, err := newCertificate(conf, clk, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOwnCertificate(t *testing.T) {
	clk := clocktesting.NewFakeClock(time.Now())
	conf := Configuration{Listen: "127.0.0.1:0", DataDir: t.TempDir()}
	refresh := func(conf Configuration) *certificate {
		t.Helper()
		c := testCertificate(t, conf, clk)
		if changed, err := c.refresh(); err != nil || !changed {
			t.Fatalf("refresh of a new start = %v, %v", changed, err)
		}
		if changed, err := c.refresh(); err != nil || changed {
			t.Fatalf("refresh again = %v, %v", changed, err)
		}
		return c
	}
	first := refresh(conf)
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		if err := first.leaf().VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	if hostname, err := os.Hostname(); err == nil {
		if err := first.leaf().VerifyHostname(hostname); err != nil {
			t.Error(err)
		}
	}
	if first.leaf().IsCA {
		t.Error("the certificate could sign others")
	}
	if info, err := os.Stat(first.keyFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", info, err)
	}
	if got := refresh(conf); got.fingerprint() != first.fingerprint() || len(got.fingerprint()) != 32*3-1 {
		t.Errorf("a second start has another certificate: %s, %s", got.fingerprint(), first.fingerprint())
	}
	conf.Hosts = []string{"ops.example", "not a name"}
	named := refresh(conf)
	if named.fingerprint() == first.fingerprint() || named.leaf().VerifyHostname("ops.example") != nil {
		t.Error("a new name did not make a new certificate")
	}
	// While it runs, too, it is replaced before it ends.
	clk.Step(certificateLife - certificateRenewal - 2*time.Hour)
	if changed, err := named.refresh(); changed || err != nil {
		t.Fatalf("long before the end: %v, %v", changed, err)
	}
	before := named.fingerprint()
	clk.Step(2 * time.Hour)
	if changed, err := named.refresh(); !changed || err != nil || named.fingerprint() == before {
		t.Fatalf("near the end: %v, %v", changed, err)
	}
	for name, spoil := range map[string]func(*certificate) error{
		"garbage":         func(c *certificate) error { return os.WriteFile(c.certFile, []byte("x"), 0o644) },
		"half a pair":     func(c *certificate) error { return os.Remove(c.keyFile) },
		"another's key":   func(c *certificate) error { return testCertificate(t, conf, clk).makeKeyOnly(t, c.keyFile) },
		"nothing is left": func(c *certificate) error { return os.RemoveAll(filepath.Dir(c.certFile)) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := spoil(named); err != nil {
				t.Fatal(err)
			}
			refresh(conf)
		})
	}
}

// makeKeyOnly writes the key of another certificate.
func (c *certificate) makeKeyOnly(t *testing.T, path string) error {
	other := testCertificate(t, Configuration{Listen: "127.0.0.1:0", DataDir: t.TempDir()}, clocktesting.NewFakeClock(time.Now()))
	if _, err := other.refresh(); err != nil {
		return err
	}
	key, err := os.ReadFile(other.keyFile)
	if err != nil {
		return err
	}
	return os.WriteFile(path, key, 0o600)
}

func TestGivenCertificate(t *testing.T) {
	clk := clocktesting.NewFakeClock(time.Now())
	dir := t.TempDir()
	source := testCertificate(t, Configuration{Listen: "127.0.0.1:0", DataDir: dir, Hosts: []string{"ops.example"}}, clk)
	if _, err := source.refresh(); err != nil {
		t.Fatal(err)
	}
	given := testCertificate(t, Configuration{CertFile: source.certFile, KeyFile: source.keyFile}, clk)
	if changed, err := given.refresh(); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if given.fingerprint() != source.fingerprint() {
		t.Fatal("another certificate than the given one is used")
	}
	clk.Step(certificateLife + 24*time.Hour)
	if changed, err := given.refresh(); err != nil || changed {
		t.Fatalf("a given certificate that has expired was touched: %v, %v", changed, err)
	}
	t.Run("replaced while in use", func(t *testing.T) {
		if err := source.make(clk.Now()); err != nil {
			t.Fatal(err)
		}
		before := given.fingerprint()
		if changed, err := given.refresh(); err != nil || !changed || given.fingerprint() == before {
			t.Fatalf("the new file is not used: %v, %v", changed, err)
		}
	})
	t.Run("spoiled while in use", func(t *testing.T) {
		before := given.fingerprint()
		if err := os.WriteFile(source.certFile, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		if changed, err := given.refresh(); err == nil || changed || given.fingerprint() != before {
			t.Fatalf("refresh = %v, %v, want an error and the former certificate", changed, err)
		}
		if data, err := os.ReadFile(source.certFile); err != nil || string(data) != "x" {
			t.Fatal("a given file was written")
		}
	})
}

func TestConfiguration(t *testing.T) {
	for name, tc := range map[string]struct {
		conf Configuration
		ok   bool
		host string
	}{
		"default":           {Configuration{DataDir: "d"}, true, "127.0.0.1"},
		"all addresses":     {Configuration{DataDir: "d", Listen: ":8443"}, true, ""},
		"all, spelled out":  {Configuration{DataDir: "d", Listen: "0.0.0.0:8443"}, true, ""},
		"all, IPv6":         {Configuration{DataDir: "d", Listen: "[::]:8443"}, true, ""},
		"no port":           {Configuration{DataDir: "d", Listen: "127.0.0.1"}, false, ""},
		"port too large":    {Configuration{DataDir: "d", Listen: "127.0.0.1:65536"}, false, ""},
		"port is no number": {Configuration{DataDir: "d", Listen: "127.0.0.1:https"}, false, ""},
		"key missing":       {Configuration{DataDir: "d", CertFile: "c"}, false, ""},
		"no directory":      {Configuration{}, false, ""},
	} {
		err := tc.conf.Validate()
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
		if host, _, _ := tc.conf.listen(); tc.ok && host != tc.host {
			t.Errorf("%s: host %q", name, host)
		}
	}
	for host, want := range map[string]bool{"127.0.0.1": true, "127.1.2.3": true, "::1": true, "localhost": true, "": false, "10.0.0.1": false, "ops.example": false} {
		if isLoopback(host) != want {
			t.Errorf("isLoopback(%q) = %v", host, !want)
		}
	}
}
