package hoststest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Options of a server. The zero value is a server with one ed25519 host key on a free port of 127.0.0.1.
type Options struct {
	Address string        // 127.0.0.1
	Port    int           // 0: a free one
	User    string        // who may sign in; empty: who runs the test
	HostKey *Key          // nil: a new one
	Key     *Key          // what signs in; nil: a new one
	Extra   []string      // lines of sshd_config
	More    []string      // types of further host keys: rsa, ecdsa
	Env     []string      // of sshd's own process
	Wait    time.Duration // for it to listen; 10 s
}

// Server is a running sshd.
type Server struct {
	Address string
	Port    int
	User    string
	HostKey *Key
	Key     *Key
	dir     string
	command *exec.Cmd
	log     *lockedBuffer
	ended   chan struct{}
}

// Key is a pair of keys.
type Key struct {
	Private []byte // OpenSSH form
	Public  ssh.PublicKey
}

// NewKey makes an ed25519 key.
func NewKey(t testing.TB) *Key {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(private, "kanrin test")
	must(t, err)
	key, err := ssh.NewPublicKey(public)
	must(t, err)
	return &Key{Private: pem.EncodeToMemory(block), Public: key}
}

// Start runs an sshd until the test ends. The test is skipped where there is no sshd (hack/prepare.sh test installs it).
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	path := sshd(t)
	if o.Address == "" {
		o.Address = "127.0.0.1"
	}
	if o.HostKey == nil {
		o.HostKey = NewKey(t)
	}
	if o.Key == nil {
		o.Key = NewKey(t)
	}
	if o.User == "" {
		me, err := user.Current()
		must(t, err)
		o.User = me.Username
	}
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	s := &Server{Address: o.Address, Port: o.Port, User: o.User, HostKey: o.HostKey, Key: o.Key, dir: dir(t), log: &lockedBuffer{}}
	if s.Port == 0 {
		s.Port = FreePort(t, o.Address)
	}
	write(t, s.path("host_key"), o.HostKey.Private, 0o600)
	write(t, s.path("authorized_keys"), ssh.MarshalAuthorizedKey(o.Key.Public), 0o644)
	config := []string{
		fmt.Sprintf("ListenAddress %s:%d", o.Address, s.Port), "HostKey " + s.path("host_key"),
		"AuthorizedKeysFile " + s.path("authorized_keys"), "PidFile none", "UsePAM no", "StrictModes no", "UseDNS no",
		"PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password", "PerSourceMaxStartups none",
		"MaxStartups 100", "LogLevel VERBOSE",
	}
	for _, kind := range o.More {
		file := s.path("host_key_" + kind)
		if out, err := exec.Command("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", file).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v: %s", err, out)
		}
		config = append(config, "HostKey "+file)
	}
	write(t, s.path("sshd_config"), []byte(strings.Join(append(config, o.Extra...), "\n")+"\n"), 0o644)
	s.command = exec.Command(path, "-D", "-e", "-f", s.path("sshd_config"))
	s.command.Env = append(os.Environ(), o.Env...)
	s.command.Stderr, s.command.Stdout = s.log, s.log
	s.start(t, o.Wait)
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("sshd on port %d said:\n%s", s.Port, s.log)
		}
	})
	return s
}

// sshd finds the program, which must be called by its absolute path.
func sshd(t testing.TB) string {
	t.Helper()
	for _, path := range []string{"/usr/sbin/sshd", "/usr/local/sbin/sshd"} {
		if _, err := os.Stat(path); err == nil {
			if os.Getuid() == 0 { // its directory for privilege separation, which the init script makes on a machine that runs it
				must(t, os.MkdirAll("/run/sshd", 0o755))
			}
			return path
		}
	}
	t.Skip("no sshd here: run hack/prepare.sh test")
	return ""
}

func (s *Server) start(t testing.TB, wait time.Duration) {
	t.Helper()
	s.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(t, s.command.Start())
	s.ended = make(chan struct{})
	go func(c *exec.Cmd, ended chan struct{}) {
		_ = c.Wait() // it is killed
		close(ended)
	}(s.command, s.ended)
	deadline := time.Now().Add(wait)
	for {
		c, err := net.DialTimeout("tcp", s.HostPort(), time.Second)
		if err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-s.ended:
			t.Fatalf("sshd ended:\n%s", s.log)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("sshd does not listen: %v\n%s", err, s.log)
		}
	}
}

// Stop ends the server and every connection to it.
func (s *Server) Stop() {
	s.Drop()
	_ = syscall.Kill(-s.command.Process.Pid, syscall.SIGKILL)
	<-s.ended
}

// Restart ends the server with its connections and starts it again on the same port.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop()
	c := exec.Command(s.command.Path, s.command.Args[1:]...)
	c.Env, c.Stdout, c.Stderr = s.command.Env, s.log, s.log
	s.command = c
	s.start(t, 10*time.Second)
}

// Drop kills the processes of the connections; the server goes on.
func (s *Server) Drop() { s.Signal(syscall.SIGKILL) }

// Signal goes to the processes of the connections, with SIGSTOP for a machine that hangs. They are in sessions of their own, and
// those of unprivileged users have a second process below the first.
func (s *Server) Signal(sig syscall.Signal) {
	for _, child := range children(s.command.Process.Pid) {
		for _, grandchild := range children(child) {
			if strings.HasPrefix(processName(grandchild), "sshd") {
				_ = syscall.Kill(grandchild, sig)
			}
		}
		_ = syscall.Kill(child, sig)
	}
}

func children(pid int) []int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	var out []int
	for _, field := range strings.Fields(string(data)) {
		var child int
		if _, err := fmt.Sscan(field, &child); err == nil {
			out = append(out, child)
		}
	}
	return out
}

func processName(pid int) string {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)) // it has ended
	return string(data)
}

// HostPort of the server.
func (s *Server) HostPort() string { return net.JoinHostPort(s.Address, fmt.Sprint(s.Port)) }

// Log is what sshd has said.
func (s *Server) Log() string { return s.log.String() }

// Objects are a Host for the server and the Secret with its key.
func (s *Server) Objects(cluster, name string) (*v1alpha1.Host, *corev1.Secret) {
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.HostKey.Public)))
	return &v1alpha1.Host{
		ObjectMeta: metav1.ObjectMeta{Namespace: cluster, Name: name},
		Spec:       v1alpha1.HostSpec{Address: s.Address, Port: int32(s.Port), User: s.User, KeySecret: "ssh-" + name, HostKey: line},
	}, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: cluster, Name: "ssh-" + name},
		Type:       corev1.SecretTypeSSHAuth, Data: map[string][]byte{corev1.SSHAuthPrivateKey: s.Key.Private},
	}
}

// FreePort of an address; somebody else may take it before it is used.
func FreePort(t testing.TB, address string) int {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	must(t, err)
	defer l.Close() //nolint:errcheck // nobody has used it
	return l.Addr().(*net.TCPAddr).Port
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

// dir that every user may enter: those of testing.T are their owner's alone.
func dir(t testing.TB) string {
	t.Helper()
	d, err := os.MkdirTemp("", "kanrin-sshd-")
	must(t, err)
	must(t, os.Chmod(d, 0o755))
	t.Cleanup(func() { _ = os.RemoveAll(d) }) // in the directory for temporary files
	return d
}

func write(t testing.TB, path string, data []byte, mode os.FileMode) {
	t.Helper()
	must(t, os.WriteFile(path, data, mode))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
