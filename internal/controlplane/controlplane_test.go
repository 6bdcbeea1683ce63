package controlplane

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"kanrin.dev/kanrin/internal/kubebin"
)

// parentDir makes this test binary run a control plane in the directory until it is killed.
const parentDir = "KANRIN_TEST_CONTROLPLANE_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentDir); dir != "" {
		if err := runUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func runUntilKilled(dir string) error {
	binary, err := kubebin.Find("", "")
	if err != nil {
		return err
	}
	c, err := New(Configuration{Name: "test", Dir: dir, Binary: binary}, Dependencies{})
	if err != nil {
		return err
	}
	if err := c.Start(context.Background()); err != nil {
		return err
	}
	if err := c.WaitReady(context.Background()); err != nil {
		return err
	}
	for _, s := range c.Status() {
		fmt.Println("pid", s.PID)
	}
	fmt.Println("ready")
	select {}
}

func startControlPlane(t *testing.T, dir string, change func(*Configuration)) *ControlPlane {
	t.Helper()
	binary, err := kubebin.Find("", "")
	if err != nil {
		t.Fatal(err)
	}
	conf := Configuration{Name: "test", Dir: dir, Binary: binary}
	if change != nil {
		change(&conf)
	}
	c, err := New(conf, Dependencies{Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopControlPlane(t, c) })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := c.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return c
}

func stopControlPlane(t *testing.T, c *ControlPlane) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.Stop(ctx); err != nil {
		t.Error(err)
	}
	if ctx.Err() != nil {
		t.Error("stopping took more than a minute")
	}
	for _, s := range c.Status() {
		if s.State != StateStopped || s.PID != 0 {
			t.Errorf("after the stop: %+v", s)
		}
	}
}

func TestControlPlane(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "management")
	c := startControlPlane(t, dir, nil)
	kubeconfig, err := c.Kubeconfig()
	if err != nil {
		t.Fatal(err)
	}
	conf, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client := kubernetes.NewForConfigOrDie(conf)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, StringData: map[string]string{"k": "plain-to-see"}}
	if _, err := client.CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	t.Run("secrets are encrypted at rest", func(t *testing.T) {
		out, err := exec.Command(c.conf.Binary, "etcdctl", "--endpoints=https://"+c.ports.address(nameEtcd), "--cacert="+c.pki.cert(certEtcdCA),
			"--cert="+c.pki.cert(certEtcdClient), "--key="+c.pki.key(certEtcdClient), "get", "/registry/secrets/default/s").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "k8s:enc:secretbox:v1:key1:") || strings.Contains(string(out), "plain-to-see") {
			t.Errorf("in etcd: %q, %v", out, err)
		}
	})
	t.Run("strangers are refused", func(t *testing.T) {
		stranger := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		resp, err := stranger.Get(c.server() + "/api")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("the API answers %s to nobody", resp.Status)
		}
		for _, name := range []string{nameEtcd, nameEtcdPeer} {
			resp, err := stranger.Get("https://" + c.ports.address(name) + "/version")
			if err == nil {
				resp.Body.Close()
				t.Errorf("%s answers %s to nobody", name, resp.Status)
			}
		}
	})
	t.Run("listens on loopback only", func(t *testing.T) {
		for _, s := range c.Status() {
			addresses := listening(t, s.PID)
			if len(addresses) == 0 {
				t.Errorf("%s listens nowhere", s.Name)
			}
			for _, a := range addresses {
				if !strings.HasPrefix(a, "0100007F:") {
					t.Errorf("%s listens on %s", s.Name, a)
				}
			}
		}
	})
	t.Run("the audit log tells who, not what", func(t *testing.T) {
		eventually(t, "audit line", func() bool {
			data, err := os.ReadFile(filepath.Join(dir, "audit", "audit.log"))
			if strings.Contains(string(data), "plain-to-see") {
				t.Fatal("the audit log holds a secret")
			}
			for line := range strings.Lines(string(data)) {
				var event struct {
					Verb, Level string
					User        struct{ Username string }
					ObjectRef   struct{ Resource, Name string }
				}
				if err == nil && json.Unmarshal([]byte(line), &event) == nil && event.Verb == "create" && event.ObjectRef.Resource == "secrets" {
					return event.User.Username == "kanrin" && event.Level == "Metadata"
				}
			}
			return false
		})
	})
	t.Run("files are private", func(t *testing.T) {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err == nil && info.Mode().Perm()&0o077 != 0 && filepath.Dir(path) != filepath.Join(dir, "etcd", "member", "snap") {
				t.Errorf("%s may be used by others: %v", path, info.Mode())
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("a killed API server comes back", func(t *testing.T) {
		before := c.Status()[1]
		if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "back-off told", func() bool { err := c.Check(); return err != nil && strings.Contains(err.Error(), "signal: killed") })
		eventually(t, "ready again", func() bool { return c.Check() == nil })
		if after := c.Status()[1]; after.Restarts != 1 || after.PID == before.PID {
			t.Errorf("before %+v, after %+v", before, after)
		}
		if _, err := client.CoreV1().Secrets("default").Get(t.Context(), "s", metav1.GetOptions{}); err != nil {
			t.Errorf("the client from before: %v", err)
		}
	})

	addresses := []string{c.ports.address(nameEtcd), c.ports.address(nameEtcdPeer), c.ports.address(nameAPIServer)}
	stopControlPlane(t, c)

	// The second start finds a stranger on the API server's and etcd's ports, and damaged files.
	for _, a := range addresses {
		l, err := net.Listen("tcp4", a)
		if err != nil {
			t.Fatalf("%s is not free after the stop: %v", a, err)
		}
		defer l.Close()
	}
	for _, name := range []string{"ca.crt", "etcd-ca.key", "apiserver.crt", "admin.key", "sa.key"} {
		if err := os.WriteFile(filepath.Join(dir, "pki", name), []byte("\x00garbage\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	c = startControlPlane(t, dir, nil)
	t.Logf("second start: ready after %v", time.Since(began))
	for i, name := range []string{nameEtcd, nameEtcdPeer, nameAPIServer} {
		if c.ports.address(name) == addresses[i] {
			t.Errorf("%s is said to listen on %s, which a stranger holds", name, addresses[i])
		}
	}
	got, err := kubernetes.NewForConfigOrDie(c.RESTConfig()).CoreV1().Secrets("default").Get(t.Context(), "s", metav1.GetOptions{})
	if err != nil || string(got.Data["k"]) != "plain-to-see" {
		t.Errorf("after the second start: %v, %v", got.Data, err)
	}
}

func TestLostEncryptionKeyIsSaid(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "etcd", "member"), 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := New(Configuration{Name: "management", Dir: dir, Binary: "/bin/true"}, Dependencies{})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "pki", encryptionFile)) || !strings.Contains(err.Error(), "backup") {
		t.Errorf("got %v", err)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Errorf("stopping what was not started: %v", err)
	}
}

func TestConfigurationValidate(t *testing.T) {
	for name, conf := range map[string]Configuration{
		"empty":           {},
		"relative":        {Name: "a", Dir: "x", Binary: "/b"},
		"relative binary": {Name: "a", Dir: "/x", Binary: "b"},
		"name":            {Name: "A b", Dir: "/x", Binary: "/b"},
	} {
		if _, err := New(conf, Dependencies{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestKilledParent: nothing outlives a parent that had no chance to clean up, and the next start finds its state.
func TestKilledParent(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "test")
	var pids []int
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentDir+"="+dir)
	parent.Stderr = os.Stderr
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "ready" {
		var pid int
		if _, err := fmt.Sscanf(lines.Text(), "pid %d", &pid); err == nil {
			pids = append(pids, pid)
		}
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed
	if len(pids) != 2 {
		t.Fatalf("children %v", pids)
	}
	eventually(t, "children gone", func() bool { return !slices.ContainsFunc(pids, isAliveNow) })
	startControlPlane(t, dir, nil)
}

func TestSchedulingControlPlane(t *testing.T) {
	c := startControlPlane(t, t.TempDir(), func(conf *Configuration) {
		conf.Name, conf.Scheduling, conf.Unsynced = "demo", true, true
		conf.Kwok = KwokStages(Pace{Start: Span{10 * time.Millisecond, 20 * time.Millisecond}})
	})
	client := kubernetes.NewForConfigOrDie(c.RESTConfig())
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "w1"}, Status: corev1.NodeStatus{
		Capacity: resources("4", "8Gi"), Allocatable: resources("4", "8Gi"),
	}}
	if _, err := client.CoreV1().Nodes().Create(t.Context(), node, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	job := simpleJob("once")
	eventually(t, "job accepted", func() bool {
		_, err := client.BatchV1().Jobs("default").Create(t.Context(), job, metav1.CreateOptions{})
		return err == nil
	})
	eventually(t, "job complete", func() bool {
		j, err := client.BatchV1().Jobs("default").Get(t.Context(), "once", metav1.GetOptions{})
		return err == nil && j.Status.Succeeded == 1
	})
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	for _, s := range c.Status() {
		t.Logf("%s ready, resident %s", s.Name, resident(t, s.PID))
		for _, a := range listening(t, s.PID) {
			if !strings.HasPrefix(a, "0100007F:") {
				t.Errorf("%s listens on %s", s.Name, a)
			}
		}
	}
}

var socketLink = regexp.MustCompile(`^socket:\[(\d+)\]$`)

// listening returns the addresses (as in /proc/net/tcp) that a process listens on.
func listening(t *testing.T, pid int) []string {
	t.Helper()
	inodes := map[string]bool{}
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		target, err := os.Readlink(l)
		if m := socketLink.FindStringSubmatch(target); err == nil && m != nil {
			inodes[m[1]] = true
		}
	}
	var out []string
	for _, table := range []string{"tcp", "tcp6"} {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			if f := strings.Fields(line); len(f) > 9 && f[3] == "0A" && inodes[f[9]] {
				out = append(out, f[1])
			}
		}
	}
	return out
}

func resident(t *testing.T, pid int) string {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "VmRSS:")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}
