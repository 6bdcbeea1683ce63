package snapshot

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"kanrin.dev/kanrin/internal/kubebin"
)

// member is a running etcd with a client of it.
type member struct {
	*clientv3.Client
	dir string
	end func()
}

// startEtcd runs a real etcd until the test ends.
func startEtcd(t testing.TB, args ...string) *member {
	t.Helper()
	binary, err := kubebin.Find("", "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	client, peer := "http://"+freeAddress(t), "http://"+freeAddress(t)
	cmd := exec.Command(binary, append([]string{
		"etcd", "--name=a", "--data-dir=" + dir, "--unsafe-no-fsync", "--log-level=error",
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=a=" + peer,
	}, args...)...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	end := func() {
		if !ended {
			ended = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(end)
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{client}, DialTimeout: 30 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		if _, err = c.Get(ctx, "ready"); err == nil {
			return &member{Client: c, dir: dir, end: end}
		}
		if ctx.Err() != nil {
			end()
			t.Fatalf("etcd is not ready: %v\n%s", err, output.String())
		}
	}
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (m *member) snapshot(t testing.TB) []byte {
	t.Helper()
	r, err := m.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (m *member) put(t testing.TB, key, value string, options ...clientv3.OpOption) {
	t.Helper()
	if _, err := m.Put(t.Context(), key, value, options...); err != nil {
		t.Fatal(err)
	}
}

// fill makes a history: keys written again, deleted, created anew, several in one transaction, with a lease, large ones.
func (m *member) fill(t testing.TB) {
	t.Helper()
	for i := range 300 {
		m.put(t, fmt.Sprintf("/registry/pods/default/pod-%03d", i), string(bytes.Repeat([]byte{byte(i)}, i*3)))
	}
	grant, err := m.Grant(t.Context(), 3600)
	if err != nil {
		t.Fatal(err)
	}
	m.put(t, "/registry/masterleases/10.0.0.1", "leased", clientv3.WithLease(grant.ID))
	for i := 0; i < 300; i += 3 {
		m.put(t, fmt.Sprintf("/registry/pods/default/pod-%03d", i), "again")
	}
	if _, err := m.Delete(t.Context(), "/registry/pods/default/pod-1", clientv3.WithPrefix()); err != nil {
		t.Fatal(err)
	}
	m.put(t, "/registry/pods/default/pod-110", "anew")
	_, err = m.Txn(t.Context()).Then(
		clientv3.OpPut("/registry/configmaps/kube-system/one", "1"), clientv3.OpPut("/registry/configmaps/kube-system/two", "2"),
		clientv3.OpDelete("/registry/pods/default/pod-000"), clientv3.OpPut("/registry/namespaces/default", ""),
	).Commit()
	if err != nil {
		t.Fatal(err)
	}
	m.put(t, "/registry/secrets/default/large", string(bytes.Repeat([]byte("x"), 100_000)))
	m.put(t, "other", "not Kubernetes'")
}

// compare checks an index against what etcd itself answers.
func (m *member) compare(t testing.TB, x *Index, file []byte) {
	t.Helper()
	all, err := m.Get(t.Context(), "", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	if x.Len() != len(all.Kvs) {
		t.Fatalf("index has %d keys, etcd %d", x.Len(), len(all.Kvs))
	}
	for i, kv := range all.Kvs {
		e := x.At(i)
		if e.Key != string(kv.Key) || e.ModRevision != kv.ModRevision || e.CreateRevision != kv.CreateRevision ||
			e.Version != kv.Version || e.Lease != kv.Lease || int(e.Size) != len(kv.Value) {
			t.Errorf("index has %+v, etcd %s %d %d %d %d", e, kv.Key, kv.ModRevision, kv.CreateRevision, kv.Version, kv.Lease)
		}
		value, err := Value(bytes.NewReader(file), e)
		if err != nil || !bytes.Equal(value, kv.Value) {
			t.Errorf("value of %s: %d bytes, %v", e.Key, len(value), err)
		}
	}
}

func build(t testing.TB, file []byte) (*Index, *Stats) {
	t.Helper()
	x, stats, err := Build(t.Context(), bytes.NewReader(file), int64(len(file)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return x, stats
}

func TestBuild(t *testing.T) {
	m := startEtcd(t)
	m.fill(t)
	file := m.snapshot(t)
	x, stats := build(t, file)
	m.compare(t, x, file)
	status, err := m.Status(t.Context(), m.Endpoints()[0])
	if err != nil {
		t.Fatal(err)
	}
	if stats.Revision != status.Header.Revision || stats.CompactRevision != 0 || stats.Term != status.RaftTerm {
		t.Errorf("stats %+v, etcd %+v", stats, status)
	}
	if sum := sha256.Sum256(file[:len(file)-32]); stats.SHA256 != fmt.Sprintf("%x", sum) || !stats.Checksum || stats.Size != int64(len(file)) {
		t.Errorf("stats %+v", stats)
	}
	if stats.Leases != 1 || stats.Version != "3.6" && stats.Version != "3.5" || stats.ConsistentIndex == 0 {
		t.Errorf("stats %+v", stats)
	}
	if e, ok := x.Find("/registry/masterleases/10.0.0.1"); !ok || e.Lease == 0 {
		t.Errorf("leased key %+v", e)
	}
	if _, ok := x.Find("/registry/pods/default/pod-000"); ok {
		t.Error("a deleted key is alive")
	}

	t.Run("compacted, defragmented", func(t *testing.T) {
		if _, err := m.Compact(t.Context(), stats.Revision-3, clientv3.WithCompactPhysical()); err != nil {
			t.Fatal(err)
		}
		if _, err := m.AlarmList(t.Context()); err != nil {
			t.Fatal(err)
		}
		compacted := m.snapshot(t)
		y, now := build(t, compacted)
		m.compare(t, y, compacted)
		if now.CompactRevision != stats.Revision-3 || now.Revisions >= stats.Revisions {
			t.Errorf("before %+v, after %+v", stats, now)
		}
		if _, err := m.Defragment(t.Context(), m.Endpoints()[0]); err != nil {
			t.Fatal(err)
		}
		defragmented := m.snapshot(t)
		z, now := build(t, defragmented)
		m.compare(t, z, defragmented)
		if now.Size > int64(len(compacted)) {
			t.Errorf("%d bytes before, %d after", len(compacted), now.Size)
		}
		for c := range Diff(x, z) {
			t.Errorf("no key was changed, yet %+v", c)
		}
	})
	t.Run("copied file", func(t *testing.T) {
		m.end()
		copied, err := os.ReadFile(filepath.Join(m.dir, "member", "snap", "db"))
		if err != nil {
			t.Fatal(err)
		}
		y, stats, err := Build(t.Context(), bytes.NewReader(copied), int64(len(copied)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if stats.Checksum {
			t.Error("a checksum is reported")
		}
		for c := range Diff(x, y) {
			t.Errorf("no key was changed, yet %+v", c)
		}
		if _, _, err := Build(t.Context(), bytes.NewReader(copied), int64(len(copied)), Options{RequireChecksum: true}); err == nil {
			t.Error("the checksum is not required")
		}
	})
}
