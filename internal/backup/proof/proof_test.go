package proof

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"kanrin.dev/kanrin/internal/backup/snapshot"
	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
)

// source is the cluster that is backed up.
var source *controlplanetest.API

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedDir); dir != "" {
		proveUntilKilled(dir)
	}
	os.Exit(controlplanetest.Main(m, &source))
}

// set is a snapshot of the source with what belongs to it.
type set struct {
	data       []byte
	index      *snapshot.Index
	encryption []byte
}

func (s *set) input() Input {
	return Input{Snapshot: bytes.NewReader(s.data), Size: int64(len(s.data)), Index: s.index, Encryption: s.encryption}
}

func etcdClient(t testing.TB) *clientv3.Client {
	t.Helper()
	endpoint, tls, err := source.ControlPlane.Etcd()
	if err != nil {
		t.Fatal(err)
	}
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, TLS: tls, Logger: zap.NewNop(), DialTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func takeSet(t testing.TB) *set {
	t.Helper()
	r, err := etcdClient(t).Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	s := &set{data: data}
	if s.index, _, err = snapshot.Build(t.Context(), bytes.NewReader(data), int64(len(data)), snapshot.Options{RequireChecksum: true}); err != nil {
		t.Fatal(err)
	}
	if s.encryption, err = os.ReadFile(filepath.Join(source.Dir, "pki", "encryption.json")); err != nil {
		t.Fatal(err)
	}
	return s
}

func configuration(t testing.TB) Configuration {
	return Configuration{Binary: source.Binary, Settle: 2 * time.Second, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
}

// prove runs a proof and checks that it leaves nothing.
func prove(t testing.TB, in Input, change func(*Configuration)) *Result {
	t.Helper()
	conf := configuration(t)
	conf.Scratch = scratchDir(t)
	if change != nil {
		change(&conf)
	}
	res, err := Run(t.Context(), conf, in, nil)
	nothingLeft(t, conf.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range res.Stages {
		t.Logf("%-9s %s", s.Name, s.Duration.Round(time.Millisecond))
	}
	for _, p := range res.Problems {
		t.Log("problem: ", p)
	}
	for _, p := range res.Excluded {
		t.Log("excluded:", p)
	}
	return res
}

func definitionOf(group, plural, kind string, versions ...string) *unstructured.Unstructured {
	var list []any
	for i, v := range versions {
		list = append(list, map[string]any{
			"name": v, "served": true, "storage": i == len(versions)-1,
			"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
		})
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": plural + "." + group},
		"spec": map[string]any{
			"group": group, "scope": "Namespaced", "versions": list,
			"names": map[string]any{"plural": plural, "singular": strings.ToLower(kind), "kind": kind, "listKind": kind + "List"},
		},
	}}
}

// fill makes objects: ConfigMaps, Secrets and custom resources, n of each.
func fill(t testing.TB, prefix string, n int) {
	t.Helper()
	dyn := dynamic.NewForConfigOrDie(source.Config)
	if _, err := dyn.Resource(definitions).Create(t.Context(), definitionOf(prefix+".example.com", "widgets", "Widget", "v1"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	widgets := dyn.Resource(schema.GroupVersionResource{Group: prefix + ".example.com", Version: "v1", Resource: "widgets"}).Namespace("default")
	for i := range n {
		meta := metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", prefix, i)}
		cm := &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"k": strings.Repeat("x", 500)}}
		if _, err := source.Client.CoreV1().ConfigMaps("default").Create(t.Context(), cm, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		secret := &corev1.Secret{ObjectMeta: meta, StringData: map[string]string{"k": "plain-to-see"}}
		if _, err := source.Client.CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		w := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": prefix + ".example.com/v1", "kind": "Widget", "metadata": map[string]any{"name": meta.Name}, "spec": map[string]any{"size": int64(i)},
		}}
		eventually(t, "a widget", func() bool {
			_, err := widgets.Create(t.Context(), w, metav1.CreateOptions{})
			return err == nil
		})
	}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("still no %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestProof(t *testing.T) {
	fill(t, "good", 20)
	s := takeSet(t)
	var seen []string
	conf := configuration(t)
	conf.Scratch = scratchDir(t)
	res, err := Run(t.Context(), conf, s.input(), func(st Stage) { seen = append(seen, fmt.Sprint(st.Name, st.Done)) })
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range res.Problems {
		t.Error("problem:", p)
	}
	if res.Keys != s.index.Len() || res.Secrets < 20 || res.KubernetesVersion == "" || res.EtcdVersion == "" || res.Recovery <= 0 {
		t.Errorf("%+v", res)
	}
	stored := 0
	for _, r := range res.Resources {
		stored += r.Stored
		if r.Listed != r.Stored {
			t.Errorf("%+v", r)
		}
	}
	for _, e := range res.Excluded {
		if e.Code == ExcludedUnserved {
			n, _ := strconv.Atoi(e.Params["count"])
			stored += n
		} else {
			t.Error("excluded:", e)
		}
	}
	if stored < 100 || stored > s.index.Len() {
		t.Errorf("%d of %d keys were looked at", stored, s.index.Len())
	}
	want := "[SnapshotfalseSnapshottrue Restorefalse Restoretrue Etcdfalse Etcdtrue Keysfalse Keystrue APIfalse APItrue Objectsfalse Objectstrue]"
	if got := fmt.Sprint(seen); strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Error("stages", got)
	}
	nothingLeft(t, conf.Scratch)
}

// TestDamagedDefinition: the API server never becomes ready, and the reason has a name.
func TestDamagedDefinition(t *testing.T) {
	key := "/registry/apiextensions.k8s.io/customresourcedefinitions/broken.example.com"
	put(t, key, `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{`)
	s := takeSet(t)
	res := prove(t, s.input(), nil)
	codes := map[Code]string{}
	for _, p := range res.Problems {
		codes[p.Code] = fmt.Sprint(p)
	}
	if !strings.Contains(codes[NotExamined], "widgets.good.example.com map[count:20]") {
		t.Error("the widgets, which depend on all definitions, are not reported")
	}
	if codes[APINotReady] == "" || !strings.Contains(codes[Unreadable], "customresourcedefinitions.apiextensions.k8s.io/broken.example.com") {
		t.Error(res.Problems)
	}
}
