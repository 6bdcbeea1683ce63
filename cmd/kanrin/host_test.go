package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/hosts/hoststest"
)

// TestHosts drives a real server as a person at a terminal and a script do, with machines that are real SSH servers.
func TestHosts(t *testing.T) {
	nowhere(t)
	t.Setenv("TERM", "dumb")
	info := demo(t)
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "config"))
	onTerminal(t, "login", info.URL, "--fingerprint", info.Fingerprint).await("User name:").typed("admin").await("Password").typed(info.Password).ended(0)

	s := hoststest.Start(t, hoststest.Options{Address: "127.0.2.1", Port: hoststest.FreePort(t, "127.0.2.1")})
	port := strings.TrimPrefix(s.HostPort(), s.Address+":")
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, s.Key.Private, 0o600); err != nil {
		t.Fatal(err)
	}
	add := []string{"host", "add", s.Address, "--port", port, "--name", "w1", "--node", "w1", "--role", "worker", "--user", s.User, "--key", key}
	shown := hosts.Fingerprint(s.HostKey.Public)

	expect := func(code int, args []string, out, talk string) {
		t.Helper()
		got, stdout, stderr := command(t, args...)
		if int(got) != code || !strings.Contains(stdout, out) || !strings.Contains(stderr, talk) {
			t.Errorf("kanrin %s ended with %d, want %d with %q and %q:\n%s%s", strings.Join(args, " "), got, code, out, talk, stdout, stderr)
		}
		if strings.Contains(stdout+stderr, strings.Split(string(s.Key.Private), "\n")[1]) {
			t.Errorf("kanrin %s shows the private key", strings.Join(args, " "))
		}
	}
	expect(2, add, "", "--fingerprint "+shown) // nobody to ask
	expect(8, append(add, "--fingerprint", "SHA256:other"), "", shown)
	expect(2, append(add, "--key", "/dev/null"), "", "no private key")
	onTerminal(t, add...).await("[y/N]").typed("n").ended(130)
	expect(0, []string{"get", "hosts"}, "", "othing")
	text := onTerminal(t, add...).await("[y/N]").typed("y").ended(0)
	if !strings.Contains(text, shown) || !strings.Contains(text, "Reachable") {
		t.Errorf("shown:\n%s", text)
	}
	expect(2, append(add, "--yes"), "", "already")
	expect(0, []string{"get", "hosts", "-o", "wide"}, "Reachable", "")
	expect(0, []string{"get", "host/w1", "-o", "jsonpath={.status.state}"}, "Reachable", "")
	expect(0, []string{"get", "hosts", "-o", "name"}, "host.kanrin.dev/w1", "")
	expect(0, []string{"describe", "host", "w1"}, shown, "")
	expect(0, []string{"host", "check", "w1", "-o", "yaml"}, "kernel:", "")
	expect(7, []string{"get", "hosts", "w7"}, "", "w7")
	expect(7, []string{"host", "check", "w7"}, "", "w7")
	expect(8, []string{"host", "trust", "w1", "--fingerprint", "SHA256:other"}, "", shown)

	// Another machine answers at the address.
	s.Stop()
	expect(1, []string{"host", "check", "--lang", "ja"}, "Unreachable", "拒否")
	other := hoststest.Start(t, hoststest.Options{Address: s.Address, Port: s.Port, Key: s.Key})
	now := hosts.Fingerprint(other.HostKey.Public)
	expect(1, []string{"host", "check"}, "HostKeyChanged", now)
	expect(0, []string{"describe", "host", "w1", "--lang", "ja"}, "固定", "")
	text = onTerminal(t, "host", "trust", "w1").await("[y/N]").typed("y").ended(0)
	if !strings.Contains(text, shown) || !strings.Contains(text, now) || !strings.Contains(text, "Reachable") {
		t.Errorf("shown:\n%s", text)
	}
	expect(0, []string{"host", "trust", "w1"}, "Reachable", now)
	onTerminal(t, "host", "remove", "w1").await("[y/N]").typed("n").ended(130)
	expect(2, []string{"host", "remove", "w1"}, "", "--yes")
	expect(0, []string{"host", "remove", "w1", "--yes"}, "", "removed")
	expect(7, []string{"host", "remove", "w1", "--yes"}, "", "w1")
}
