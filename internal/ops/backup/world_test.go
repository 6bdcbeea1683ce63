package backup_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup"
	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/fleettest"
	"kanrin.dev/kanrin/internal/hosts"
	opsbackup "kanrin.dev/kanrin/internal/ops/backup"
	"kanrin.dev/kanrin/internal/plan"
)

// api is a real control plane: the managed cluster, which holds Kanrin's own kinds too. Each test has a namespace of its own as its
// cluster, all with the same etcd.
var api *controlplanetest.API

var (
	self       *fleettest.Self
	management client.WithWatch
	connection *fleet.Connection
)

func TestMain(m *testing.M) { os.Exit(controlplanetest.Main(m, &api)) }

var setUp = sync.OnceValue(func() (err error) {
	if self, err = fleettest.NewSelf(api.Config, api.Kubeconfig); err == nil {
		management, connection = self.Management, self.Cluster
	}
	return err
})

// bench is what the tests of one function share.
type bench struct {
	t     *testing.T
	store *backup.Store
	deps  opsbackup.Dependencies
	repos string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	if err := setUp(); err != nil {
		t.Fatalf("preparing the API: %v", err)
	}
	log := slog.New(slog.DiscardHandler)
	b := &bench{t: t, store: backup.New(backup.Configuration{CacheDir: t.TempDir()}, management, log), repos: t.TempDir()}
	pool := hosts.New(hosts.Options{Client: management, DataDir: t.TempDir()})
	t.Cleanup(func() {
		pool.Close()
		if err := b.store.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	b.deps = opsbackup.Dependencies{
		Fleet: self, Hosts: pool, History: self, Client: management, Store: b.store, Kube: api.Binary, Version: "v0", Log: log,
	}
	return b
}

func (b *bench) registry() *plan.Registry {
	r := plan.NewRegistry()
	opsbackup.Register(r, b.deps)
	return r
}

// world is a cluster of its own with a policy.
type world struct {
	t    *testing.T
	name string
	b    *bench
}

func (b *bench) world(t *testing.T, name string, change func(*v1alpha1.BackupPolicySpec)) *world {
	t.Helper()
	w := &world{t, name, b}
	w.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	etcd, err := api.ControlPlane.EtcdFiles()
	if err != nil {
		t.Fatal(err)
	}
	w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "etcd"}, Data: map[string][]byte{
		"ca.crt": etcd.CA, "tls.crt": etcd.Cert, "tls.key": etcd.Key, "encryption": etcd.Encryption,
	}})
	w.create(&v1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: name}, Spec: v1alpha1.ClusterSpec{
		KubeconfigSecret: "none", Etcd: &v1alpha1.EtcdAccess{Endpoints: []string{etcd.Endpoint}, SecretName: "etcd"},
	}})
	w.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "settings"}, Data: map[string]string{"colour": "blue"}})
	spec := v1alpha1.BackupPolicySpec{
		Repository: v1alpha1.BackupRepository{Type: v1alpha1.RepositoryFilesystem, Path: filepath.Join(b.repos, name), SecretName: "backup"},
		Components: []v1alpha1.BackupComponent{
			{Name: "etcd", Type: v1alpha1.ComponentEtcd},
			{Name: "resources", Type: v1alpha1.ComponentResources, Namespaces: []string{name}},
		},
	}
	if change != nil {
		change(&spec)
	}
	w.create(&v1alpha1.BackupPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "default"}, Spec: spec})
	return w
}

func (w *world) create(o client.Object) {
	w.t.Helper()
	if err := management.Create(w.t.Context(), o); err != nil {
		w.t.Fatalf("creating %T %s: %v", o, o.GetName(), err)
	}
}

func (w *world) operation(spec v1alpha1.OperationSpec) *v1alpha1.Operation {
	return &v1alpha1.Operation{ObjectMeta: metav1.ObjectMeta{Namespace: w.name, GenerateName: "op-"}, Spec: spec}
}

func (w *world) sets() []v1alpha1.Backup {
	w.t.Helper()
	sets, err := opsbackup.Sets(w.t.Context(), management, w.name, "default")
	if err != nil {
		w.t.Fatal(err)
	}
	return sets
}

func (w *world) policy() *v1alpha1.BackupPolicy {
	w.t.Helper()
	p, err := w.b.store.Policy(w.t.Context(), w.name, "default")
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// whole checks that the repository holds exactly the sealed sets, and that every byte of it is as it was written.
func (w *world) whole(want int) {
	w.t.Helper()
	repo, _, err := w.b.store.Repository(w.t.Context(), w.policy())
	if err != nil {
		w.t.Fatal(err)
	}
	stored, err := repo.Sets(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if len(stored) != want || len(w.sets()) != want {
		w.t.Errorf("the repository holds %d sets and the API knows %d, want %d", len(stored), len(w.sets()), want)
	}
	report, err := repo.Verify(w.t.Context(), true, "")
	if err != nil {
		w.t.Fatal(err)
	}
	if !report.OK() {
		w.t.Errorf("the repository is damaged: %v", report.Problems)
	}
}
