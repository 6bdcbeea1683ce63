package hosts_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	corev1 "k8s.io/api/core/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/hosts/hoststest"
)

var echo = hosts.Command{Args: []string{"true"}}

func TestStates(t *testing.T) {
	t.Parallel()
	s := hoststest.Start(t, hoststest.Options{})
	other := hoststest.NewKey(t)
	silent := listener(t, "127.0.0.1")
	for name, c := range map[string]struct {
		edit  func(*v1alpha1.Host, *corev1.Secret)
		want  v1alpha1.HostState
		param string // that the sentence must have
	}{
		"fine":               {func(*v1alpha1.Host, *corev1.Secret) {}, v1alpha1.HostReachable, ""},
		"another key":        {func(_ *v1alpha1.Host, k *corev1.Secret) { k.Data["ssh-privatekey"] = other.Private }, v1alpha1.HostUnauthorized, s.User},
		"another host key":   {func(h *v1alpha1.Host, _ *corev1.Secret) { h.Spec.HostKey = hosts.FormatHostKey(other.Public) }, v1alpha1.HostKeyChanged, hosts.Fingerprint(s.HostKey.Public)},
		"another user":       {func(h *v1alpha1.Host, _ *corev1.Secret) { h.Spec.User = "nobody-at-all" }, v1alpha1.HostUnauthorized, "nobody-at-all"},
		"nothing listens":    {func(h *v1alpha1.Host, _ *corev1.Secret) { h.Spec.Port = int32(hoststest.FreePort(t, "127.0.0.1")) }, v1alpha1.HostUnreachable, "nothing listens"},
		"no such name":       {func(h *v1alpha1.Host, _ *corev1.Secret) { h.Spec.Address = "no-such-machine.invalid" }, v1alpha1.HostUnreachable, "resolved"},
		"accepts, is silent": {func(h *v1alpha1.Host, _ *corev1.Secret) { h.Spec.Port = int32(silent) }, v1alpha1.HostNoAnswer, "no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			m := on(t, s, hosts.Limits{}, c.edit)
			began := time.Now()
			_, err := m.Run(t.Context(), echo)
			if took := time.Since(began); took > 11*time.Second {
				t.Errorf("it took %v", took)
			}
			if c.want == v1alpha1.HostReachable {
				must(t, err)
				return
			}
			if e := hasState(t, err, c.want); !strings.Contains(e.Error(), c.param) {
				t.Errorf("%q does not say %q", e, c.param)
			}
		})
	}
}

// A machine without a pinned key, or without a usable private key, is not even connected to.
func TestUnusable(t *testing.T) {
	key := hoststest.NewKey(t)
	private, err := ssh.ParseRawPrivateKey(key.Private)
	must(t, err)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("swordfish"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		edit func(*v1alpha1.Host, *corev1.Secret)
		want v1alpha1.HostState
		why  string
	}{
		"no host key":      {func(h *v1alpha1.Host, _ *corev1.Secret) { h.Spec.HostKey = "" }, v1alpha1.HostKeyMissing, ""},
		"bad host key":     {func(h *v1alpha1.Host, _ *corev1.Secret) { h.Spec.HostKey = "ssh-ed25519 xyz" }, v1alpha1.HostKeyMissing, "unreadable"},
		"no secret named":  {func(h *v1alpha1.Host, _ *corev1.Secret) { h.Spec.KeySecret = "" }, v1alpha1.HostUnknown, "nosecret"},
		"no secret":        {func(h *v1alpha1.Host, _ *corev1.Secret) { h.Spec.KeySecret = "other" }, v1alpha1.HostUnknown, "secret"},
		"no key in it":     {func(_ *v1alpha1.Host, k *corev1.Secret) { k.Data = nil }, v1alpha1.HostUnknown, "badkey"},
		"an encrypted key": {func(_ *v1alpha1.Host, k *corev1.Secret) { k.Data["ssh-privatekey"] = pem.EncodeToMemory(block) }, v1alpha1.HostUnknown, "encrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &hoststest.Server{Address: "127.0.0.1", Port: 1, User: "root", HostKey: key, Key: key}
			h, secret := s.Objects(cluster, "w1")
			c.edit(h, secret)
			p, _ := pool(t, hosts.Limits{}, h, secret)
			_, err := p.Machine(t.Context(), cluster, "w1")
			if e := hasState(t, err, c.want); e.Params["why"] != c.why {
				t.Errorf("why %q, want %q", e.Params["why"], c.why)
			}
		})
	}
}

// Every action is refused once the key has changed, over connections that are pooled too.
func TestChangedHostKeyRefusesEverything(t *testing.T) {
	s := hoststest.Start(t, hoststest.Options{})
	m := on(t, s, hosts.Limits{})
	_, err := m.Run(t.Context(), echo)
	must(t, err)
	s.Stop()
	impostor := hoststest.Start(t, hoststest.Options{Port: s.Port, Key: s.Key})
	actions := map[string]func() error{
		"run":       func() error { _, err := m.Run(t.Context(), echo); return err },
		"script":    func() error { _, err := m.Script(t.Context(), "true"); return err },
		"read":      func() error { _, err := m.ReadFile(t.Context(), "/etc/hostname", 100); return err },
		"write":     func() error { return m.WriteFile(t.Context(), "/tmp/never", 0o600, strings.NewReader("x")) },
		"unit":      func() error { _, err := m.Unit(t.Context(), "kubelet"); return err },
		"systemctl": func() error { return m.Systemctl(t.Context(), "start", "kubelet") },
		"facts":     func() error { _, err := m.Facts(t.Context()); return err },
		"wait":      func() error { return m.WaitReachable(t.Context()) },
	}
	for name, f := range actions {
		e := hasState(t, f(), v1alpha1.HostKeyChanged)
		if e.Params["shown"] != hosts.Fingerprint(impostor.HostKey.Public) {
			t.Errorf("%s: shown %s", name, e.Params["shown"])
		}
	}
	if strings.Contains(impostor.Log(), "Accepted") {
		t.Error("Kanrin has signed in to the impostor")
	}
}

// A server with several keys shows the one that is asked for first: the pinned one.
func TestPinnedTypeIsPreferred(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	must(t, err)
	public, err := ssh.NewPublicKey(private.Public())
	must(t, err)
	s := hoststest.Start(t, hoststest.Options{
		HostKey: &hoststest.Key{Private: pem.EncodeToMemory(block), Public: public}, More: []string{"ed25519", "ecdsa"},
	})
	_, err = on(t, s, hosts.Limits{}).Run(t.Context(), echo)
	must(t, err)
	scanned, err := hosts.Scan(t.Context(), s.Address, s.Port)
	must(t, err)
	if scanned.Type() != ssh.KeyAlgoED25519 {
		t.Errorf("scan found %s, want the best there is, ed25519", scanned.Type())
	}
}

func TestScan(t *testing.T) {
	t.Parallel()
	s := hoststest.Start(t, hoststest.Options{})
	key, err := hosts.Scan(t.Context(), s.Address, s.Port)
	must(t, err)
	if !bytes.Equal(key.Marshal(), s.HostKey.Public.Marshal()) || !strings.HasPrefix(hosts.Fingerprint(key), "SHA256:") {
		t.Errorf("scanned %s", hosts.FormatHostKey(key))
	}
	_, err = hosts.Scan(t.Context(), "127.0.0.1", hoststest.FreePort(t, "127.0.0.1"))
	hasState(t, err, v1alpha1.HostUnreachable)
	began := time.Now()
	_, err = hosts.Scan(t.Context(), "127.0.0.1", listener(t, "127.0.0.1"))
	hasState(t, err, v1alpha1.HostNoAnswer)
	if took := time.Since(began); took > 11*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestSudo(t *testing.T) {
	user := hoststest.NewUser(t, "")
	s := hoststest.Start(t, hoststest.Options{User: user})
	m := on(t, s, hosts.Limits{})
	_, err := m.Run(t.Context(), echo)
	if e := hasState(t, err, v1alpha1.HostSudoRefused); e.Params["user"] != user || e.Params["error"] == "" {
		t.Errorf("params %v", e.Params)
	}
	r, err := m.Run(t.Context(), hosts.Command{Args: []string{"id", "-un"}, NoSudo: true})
	must(t, err)
	if got := strings.TrimSpace(string(r.Stdout)); got != user {
		t.Errorf("without sudo it runs as %q", got)
	}
}

func TestSudoAllowed(t *testing.T) {
	user := hoststest.NewUser(t, "ALL=(ALL) NOPASSWD: ALL")
	m := on(t, hoststest.Start(t, hoststest.Options{User: user}), hosts.Limits{})
	r, err := m.Run(t.Context(), hosts.Command{Args: []string{"id", "-un"}})
	must(t, err)
	if got := strings.TrimSpace(string(r.Stdout)); got != "root" {
		t.Errorf("with sudo it runs as %q", got)
	}
	_, err = m.Run(t.Context(), hosts.Command{Args: []string{"false"}})
	var exit *hosts.ExitError
	if !errors.As(err, &exit) || exit.Code != 1 {
		t.Errorf("false gives %v: a failing command is no refusal of sudo", err)
	}
	f, err := m.Facts(t.Context())
	must(t, err)
	if f.OS == "" || f.ClockErrorMilliseconds == 0 {
		t.Errorf("facts through sudo: %+v", f)
	}
	path := t.TempDir() + "/file"
	must(t, m.WriteFile(t.Context(), path, 0o640, strings.NewReader("content")))
	content, err := m.ReadFile(t.Context(), path, 7)
	must(t, err)
	if string(content) != "content" {
		t.Errorf("content %q", content)
	}
}

func TestPrivateKeyStaysSecret(t *testing.T) {
	key := hoststest.NewKey(t)
	damaged := bytes.Replace(key.Private, []byte("A"), []byte("B"), 5)
	for _, text := range [][]byte{damaged, key.Private[:len(key.Private)/2], []byte("just words: swordfish")} {
		_, err := hosts.ParseKey(text)
		for line := range strings.Lines(string(text)) {
			if err != nil && strings.Contains(err.Error(), strings.TrimSpace(line)) {
				t.Errorf("the error quotes the key: %v", err)
			}
		}
	}
}
