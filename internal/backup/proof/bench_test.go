package proof

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// TestBenchProof proves a set of 20,000 objects: ConfigMaps, Secrets (encrypted) and custom resources.
func TestBenchProof(t *testing.T) {
	if os.Getenv("KANRIN_BENCH") == "" {
		t.Skip("set KANRIN_BENCH=1")
	}
	const each, limit = 6700, time.Minute
	fill(t, "bench", 1)
	dyn := dynamic.NewForConfigOrDie(source.Config)
	widgets := dyn.Resource(schema.GroupVersionResource{Group: "bench.example.com", Version: "v1", Resource: "widgets"}).Namespace("default")
	var group errgroup.Group
	group.SetLimit(16)
	for i := range each {
		meta := metav1.ObjectMeta{Name: fmt.Sprintf("load-%05d", i)}
		group.Go(func() error {
			cm := &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"k": strings.Repeat("x", 2000)}}
			_, err := source.Client.CoreV1().ConfigMaps("default").Create(t.Context(), cm, metav1.CreateOptions{})
			return err
		})
		group.Go(func() error {
			secret := &corev1.Secret{ObjectMeta: meta, StringData: map[string]string{"k": strings.Repeat("y", 1000)}}
			_, err := source.Client.CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{})
			return err
		})
		group.Go(func() error {
			w := &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "bench.example.com/v1", "kind": "Widget", "metadata": map[string]any{"name": meta.Name},
				"spec": map[string]any{"text": strings.Repeat("z", 1000)},
			}}
			_, err := widgets.Create(t.Context(), w, metav1.CreateOptions{})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	s := takeSet(t)
	t.Logf("%d keys, snapshot of %d MiB", s.index.Len(), len(s.data)>>20)
	for range 3 {
		began := time.Now()
		res := prove(t, s.input(), nil)
		took := time.Since(began)
		t.Logf("%d keys, %d secrets in %s; recovery %s", res.Keys, res.Secrets, took.Round(time.Millisecond), res.Recovery.Round(time.Millisecond))
		if len(res.Problems) > 0 || res.Keys != s.index.Len() || took > limit {
			t.Errorf("took %s, %v", took, res.Problems)
		}
	}
}
