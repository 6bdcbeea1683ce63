package object

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"kanrin.dev/kanrin/internal/kubebin"
)

// server is an API server with its etcd.
type server struct {
	config *rest.Config
	etcd   *clientv3.Client
}

// startServer runs a real API server with an encryption configuration of the test's own, until the test ends.
func startServer(t *testing.T, encryption []byte) server {
	t.Helper()
	binary, err := kubebin.Find("", "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	api := freeAddress(t)
	etcd, client := startEtcd(t, binary, filepath.Join(dir, "etcd"))
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	accounts := file("sa.key", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	_, port, _ := net.SplitHostPort(api)
	run(t, binary, "kube-apiserver", "--etcd-servers="+client, "--encryption-provider-config="+file("encryption.yaml", encryption),
		"--bind-address=127.0.0.1", "--secure-port="+port, "--cert-dir="+filepath.Join(dir, "certs"), "--anonymous-auth=false",
		"--token-auth-file="+file("tokens", []byte("secret-token,admin,1,system:masters\n")), "--authorization-mode=RBAC",
		"--service-account-issuer=https://test", "--service-account-key-file="+accounts, "--service-account-signing-key-file="+accounts,
		"--service-cluster-ip-range=10.0.0.0/24", "--disable-admission-plugins=ServiceAccount", "--runtime-config=api/all=true",
		"--shutdown-delay-duration=0s")

	s := server{etcd: etcd, config: &rest.Config{Host: "https://" + api, BearerToken: "secret-token", QPS: -1}}
	s.config.Insecure = true // it signs its own certificate
	s.config.WarningHandler = rest.NoWarnings{}
	clients, err := kubernetes.NewForConfig(s.config)
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err = clients.RESTClient().Get().AbsPath("/readyz").DoRaw(ctx); err == nil {
			return s
		}
		select {
		case <-ctx.Done():
			t.Fatalf("API server is not ready: %v", err)
		case <-tick.C:
		}
	}
}

// startEtcd runs a real etcd until the test ends.
func startEtcd(t testing.TB, binary, dir string) (*clientv3.Client, string) {
	t.Helper()
	client, peer := "http://"+freeAddress(t), "http://"+freeAddress(t)
	run(t, binary, "etcd", "--name=a", "--data-dir="+dir, "--unsafe-no-fsync", "--log-level=error",
		"--listen-client-urls="+client, "--advertise-client-urls="+client, "--listen-peer-urls="+peer,
		"--initial-advertise-peer-urls="+peer, "--initial-cluster=a="+peer)
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{client}, DialTimeout: time.Minute, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, client
}

func run(t testing.TB, binary string, args ...string) {
	t.Helper()
	output := &bytes.Buffer{}
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() && testing.Verbose() {
			t.Logf("%s: %s", args[0], output.Bytes()[max(0, output.Len()-2000):])
		}
	})
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr())
}
