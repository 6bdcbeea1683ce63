package fleet_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
	"kanrin.dev/kanrin/internal/fleet"
)

// api is the one API of this package's tests: the management API, and the managed cluster too where that does not matter.
var api *controlplanetest.API

func TestMain(m *testing.M) {
	if file := os.Getenv(watchOnly); file != "" {
		os.Exit(watchProcess(file))
	}
	os.Exit(controlplanetest.Main(m, &api))
}

var scheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(s); err != nil {
		panic(err)
	}
	if err := v1alpha1.AddToScheme(s); err != nil {
		panic(err)
	}
	return s
}()

// management returns a client of the management API with Kanrin's kinds installed.
func management(t testing.TB) client.WithWatch {
	t.Helper()
	config := rest.CopyConfig(api.Config)
	config.QPS = -1
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../api/crds/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("finding the CRDs: %v, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		crd := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(data, &crd.Object); err != nil {
			t.Fatal(err)
		}
		if err := client.IgnoreAlreadyExists(c.Create(t.Context(), crd)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the kinds are served", func() error { return c.List(t.Context(), &v1alpha1.ClusterList{}) })
	return c
}

// eventually waits until f has no complaint.
func eventually(t testing.TB, what string, f func() error) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// start runs a fleet that leads until the test ends.
func start(t testing.TB, c client.WithWatch, settings fleet.Configuration) *fleet.Fleet {
	t.Helper()
	f := fleet.New(settings, fleet.Dependencies{Management: c})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := f.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := f.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	f.SetLeader(true)
	return f
}

// connection waits for the connection to a cluster.
func connection(t testing.TB, f *fleet.Fleet, name string) *fleet.Connection {
	t.Helper()
	var conn *fleet.Connection
	eventually(t, "connecting to "+name, func() (err error) {
		conn, err = f.Connection(name)
		return err
	})
	return conn
}

func synced(t testing.TB, conn *fleet.Connection) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := conn.WaitSynced(ctx); err != nil {
		t.Fatal(err)
	}
}

// has returns a check that the named pod is or is not in the cache.
func has(conn *fleet.Connection, namespace, name string, want bool) func() error {
	return func() error {
		if _, ok := conn.Pods().Get(namespace, name); ok != want {
			return fmt.Errorf("pod %s/%s in the cache: %v, want %v", namespace, name, ok, want)
		}
		return nil
	}
}

func podOf(namespace, name, node string) *corev1.Pod {
	p := &corev1.Pod{}
	p.Namespace, p.Name = namespace, name
	p.Spec.NodeName = node
	p.Spec.Containers = []corev1.Container{{Name: "main", Image: "registry.example/app:1"}}
	return p
}
