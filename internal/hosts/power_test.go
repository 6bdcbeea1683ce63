package hosts_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/hosts/hoststest"
)

func hostWith(power v1alpha1.PowerSpec) *v1alpha1.Host {
	return &v1alpha1.Host{
		ObjectMeta: metav1.ObjectMeta{Namespace: cluster, Name: "w1"}, Spec: v1alpha1.HostSpec{Address: "10.0.0.1", Power: power},
	}
}

func bmcHost(port int, user, password string) []client.Object {
	return []client.Object{
		hostWith(v1alpha1.PowerSpec{BMC: &v1alpha1.BMCSpec{Address: "127.0.0.1", Port: int32(port), CredentialsSecret: "bmc-w1"}}),
		&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: cluster, Name: "bmc-w1"},
			Data:       map[string][]byte{"username": []byte(user), "password": []byte(password)},
		},
	}
}

func power(t *testing.T, objects ...client.Object) hosts.Power {
	t.Helper()
	p, _ := pool(t, hosts.Limits{}, objects...)
	control, err := p.Power(t.Context(), cluster, "w1")
	must(t, err)
	return control
}

func TestNoPower(t *testing.T) {
	p, _ := pool(t, hosts.Limits{}, hostWith(v1alpha1.PowerSpec{}))
	if control, err := p.Power(t.Context(), cluster, "w1"); control != nil || !errors.Is(err, hosts.ErrNoPower) {
		t.Errorf("got %v, %v, want ErrNoPower", control, err)
	}
}

func TestPowerIPMI(t *testing.T) {
	b := hoststest.StartBMC(t)
	control := power(t, bmcHost(b.Port, b.User, b.Password)...)
	conforms(t, control)
	// More orders than a BMC has sessions (10 of this user here): each must have been closed.
	for range 12 {
		_, err := control.State(t.Context())
		must(t, err)
	}
	if got := strings.Count(b.Orders(), "set power"); got != 2 {
		t.Errorf("%d orders to switch, want 2: what is on is not switched on again\n%s", got, b.Orders())
	}
}

// conforms is what every Power does, from off to off.
func conforms(t *testing.T, control hosts.Power) {
	t.Helper()
	state := func(want hosts.PowerState) {
		t.Helper()
		if got, err := control.State(t.Context()); err != nil || got != want {
			t.Fatalf("state %q, %v, want %q", got, err, want)
		}
	}
	state(hosts.PowerOff)
	for range 2 {
		must(t, control.On(t.Context()))
		state(hosts.PowerOn)
	}
	for range 2 {
		must(t, control.Off(t.Context()))
		state(hosts.PowerOff)
	}
}

func TestPowerIPMIWrongPassword(t *testing.T) {
	b := hoststest.StartBMC(t)
	for name, c := range map[string][2]string{"password": {b.User, "wrong-secret"}, "user": {"nobody", b.Password}} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			state, err := power(t, bmcHost(b.Port, c[0], c[1])...).State(t.Context())
			if err == nil || state != hosts.PowerUnknown {
				t.Fatalf("got %v, %v", state, err)
			}
			t.Logf("after %v: %v", time.Since(began), err)
			if strings.Contains(err.Error(), c[1]) || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error tells the password, or runs over lines: %v", err)
			}
		})
	}
}

func TestPowerIPMISilent(t *testing.T) {
	t.Parallel()
	l, err := net.ListenPacket("udp", "127.0.0.1:0") // takes everything and says nothing
	must(t, err)
	defer l.Close() //nolint:errcheck // of a test
	began := time.Now()
	err = power(t, bmcHost(l.LocalAddr().(*net.UDPAddr).Port, "admin", "secret")...).On(t.Context())
	if took := time.Since(began); err == nil || took > 25*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
}

// script puts an executable into power.d of a pool of its own.
func script(t *testing.T, name, text string, mode os.FileMode) hosts.Power {
	t.Helper()
	data := t.TempDir()
	must(t, os.Mkdir(filepath.Join(data, hosts.PowerDir), 0o755))
	path := filepath.Join(data, hosts.PowerDir, "pdu")
	must(t, os.WriteFile(path, []byte(text), 0o755))
	must(t, os.Chmod(path, mode))
	_, c := pool(t, hosts.Limits{}, hostWith(v1alpha1.PowerSpec{Command: name}))
	p := hosts.New(hosts.Options{Client: c, DataDir: data})
	t.Cleanup(p.Close)
	control, err := p.Power(t.Context(), cluster, "w1")
	must(t, err)
	return control
}

func TestPowerCommand(t *testing.T) {
	conforms(t, script(t, "pdu", `#!/bin/sh
[ "$2 $3 $#" = "w1 10.0.0.1 3" ] || exit 1
case $1 in
on) : >state ;;
off) rm -f state ;;
status) [ -e state ] && echo on || echo off ;;
esac
`, 0o755))
}

func TestPowerCommandRefused(t *testing.T) {
	for name, c := range map[string]struct {
		name, text string
		mode       os.FileMode
		want       string
	}{
		"path":           {"../power.d/pdu", "#!/bin/sh\n", 0o755, "is not the name"},
		"missing":        {"other", "#!/bin/sh\n", 0o755, "no such file"},
		"not executable": {"pdu", "#!/bin/sh\n", 0o644, "not executable"},
		"world-writable": {"pdu", "#!/bin/sh\n", 0o777, "everybody may write"},
		"fails":          {"pdu", "#!/bin/sh\necho the PDU is on fire >&2\nexit 3\n", 0o755, "on fire"},
		"nonsense":       {"pdu", "#!/bin/sh\necho perhaps\n", 0o755, "neither on nor off"},
	} {
		t.Run(name, func(t *testing.T) {
			state, err := script(t, c.name, c.text, c.mode).State(t.Context())
			if err == nil || state != hosts.PowerUnknown || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v", state, err)
			}
		})
	}
}

func TestPowerCommandThatHangs(t *testing.T) {
	control := script(t, "pdu", "#!/bin/sh\nsleep 600 & wait\n", 0o755)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := control.State(ctx)
	if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > 3*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
}
