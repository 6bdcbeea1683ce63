package component_test

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/archive"
	"kanrin.dev/kanrin/internal/backup/component"
	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
)

// nowhere counts what is written into it.
type nowhere struct{ bytes int64 }

func (*nowhere) Dir(string, component.Attr) error { return nil }

func (n *nowhere) File(_ string, _ component.Attr, r io.Reader) (int64, error) {
	written, err := io.Copy(io.Discard, r)
	n.bytes += written
	return written, err
}

func (*nowhere) Symlink(string, string, component.Attr) error { return nil }

// TestBenchSnapshotSave measures how long etcd's snapshot takes to be saved: by etcdctl into a file, which is not verified, and by
// Kanrin, which streams it into an encrypted spool, reads all of it, indexes it and reads it once more for the set.
func TestBenchSnapshotSave(t *testing.T) {
	if os.Getenv("KANRIN_BENCH") == "" {
		t.Skip("set KANRIN_BENCH=1 to measure")
	}
	runs := 5
	if n, err := strconv.Atoi(os.Getenv("KANRIN_BENCH_RUNS")); err == nil && n > 0 {
		runs = n
	}
	api := controlplanetest.Start(t)
	f, err := api.ControlPlane.EtcdFiles()
	must(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(f.CA)
	pair, err := tls.X509KeyPair(f.Cert, f.Key)
	must(t, err)
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{f.Endpoint}, TLS: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}, Logger: zap.NewNop()})
	must(t, err)
	defer c.Close()
	value := make([]byte, 100<<10)
	for i := range 3000 { // some 300 MB
		_, _ = rand.Read(value)
		_, err := c.Put(t.Context(), fmt.Sprintf("/registry/configmaps/bench/c%04d", i), string(value))
		must(t, err)
	}
	scheme := runtime.NewScheme()
	must(t, clientgoscheme.AddToScheme(scheme))
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "etcd"}, Data: map[string][]byte{"ca.crt": f.CA, "tls.crt": f.Cert, "tls.key": f.Key}}
	_, recipient, err := archive.NewIdentity()
	must(t, err)
	env := component.Env{
		Cluster: &v1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: "prod"}, Spec: v1alpha1.ClusterSpec{
			Etcd: &v1alpha1.EtcdAccess{Endpoints: []string{f.Endpoint}, SecretName: "etcd"},
		}},
		Management: fake.NewClientBuilder().WithScheme(scheme).WithObjects(secret).Build(), Scratch: t.TempDir(), Recipients: []string{recipient}, Log: slog.New(slog.DiscardHandler),
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"ca": f.CA, "cert": f.Cert, "key": f.Key} {
		must(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	var ours, theirs []time.Duration
	var size int64
	for i := range runs {
		began := time.Now()
		out, err := exec.Command(api.Binary, "etcdctl", "--endpoints="+f.Endpoint, "--cacert="+dir+"/ca", "--cert="+dir+"/cert", "--key="+dir+"/key",
			"snapshot", "save", filepath.Join(dir, fmt.Sprintf("s%d.db", i))).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		theirs = append(theirs, time.Since(began))
		began = time.Now()
		w := &nowhere{}
		_, err = component.Capture(t.Context(), env, v1alpha1.BackupComponent{Name: "etcd", Type: v1alpha1.ComponentEtcd}, w)
		must(t, err)
		ours, size = append(ours, time.Since(began)), w.bytes
		must(t, os.Remove(filepath.Join(dir, fmt.Sprintf("s%d.db", i))))
	}
	say := func(name string, d []time.Duration) {
		slices.Sort(d)
		t.Logf("%-10s median %v (%v–%v)", name, d[len(d)/2].Round(time.Millisecond), d[0].Round(time.Millisecond), d[len(d)-1].Round(time.Millisecond))
	}
	t.Logf("%d MiB, %d runs", size>>20, runs)
	say("etcdctl", theirs)
	say("Kanrin", ours)
}
