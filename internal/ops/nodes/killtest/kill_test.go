package killtest

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/fleettest"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/ops/nodes"
	"kanrin.dev/kanrin/internal/plan"
	"kanrin.dev/kanrin/internal/plan/plantest"
)

// api is a real control plane: the managed cluster, and the home of Kanrin's own kinds.
var api *controlplanetest.API

var (
	self       *fleettest.Self
	management client.WithWatch
	connection *fleet.Connection
)

func TestMain(m *testing.M) {
	if os.Getenv("KANRIN_E2E") != "full" {
		fmt.Println("left out: these kills take minutes and run with KANRIN_E2E=full (make e2e)")
		return
	}
	os.Exit(controlplanetest.Main(m, &api))
}

var setUp = sync.OnceValue(func() (err error) {
	if self, err = fleettest.NewSelf(api.Config, api.Kubeconfig); err == nil {
		management, connection = self.Management, self.Cluster
	}
	return err
})

// A dead node is removed, and Kanrin is killed before and after each durable write. In the end node, pods and attachments are gone, and so is
// the machine's entry with its key; the key that another machine uses too is not.
func TestDeadRemovalSurvivesBeingKilled(t *testing.T) {
	if err := setUp(); err != nil {
		t.Fatalf("preparing the API: %v", err)
	}
	r := plan.NewRegistry()
	pool := hosts.New(hosts.Options{Client: management, DataDir: t.TempDir()})
	t.Cleanup(pool.Close)
	nodes.Register(r, nodes.Dependencies{Fleet: self, Hosts: pool, History: self, Client: management, Bundles: t.TempDir(), Patience: time.Second})
	plantest.Run(t, plantest.Subject{Registry: r, Client: management, Parallel: 8, Prepare: prepare})
}

func prepare(t *testing.T, name string) plantest.World {
	w := &world{t, "dead-" + name}
	w.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.name}})
	w.create(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.name, Name: "default"}})
	// Nobody simulates this node: it was never Ready and renews no lease. The address is of the block that is kept for documentation.
	w.create(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: w.name, Labels: map[string]string{"dead": "yes"}}})
	for _, host := range []string{w.name, "other"} {
		w.create(&v1alpha1.Host{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.name, Name: host},
			Spec:       v1alpha1.HostSpec{Address: "192.0.2.77", NodeName: host, KeySecret: "shared"},
		})
	}
	w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.name, Name: "shared"}})
	w.create(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.name, Name: "stuck", Finalizers: nil},
		Spec: corev1.PodSpec{
			NodeName: w.name, TerminationGracePeriodSeconds: ptr.To[int64](3600), Containers: []corev1.Container{{Name: "c", Image: "i"}},
			Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
		},
	})
	w.create(&storagev1.VolumeAttachment{
		ObjectMeta: metav1.ObjectMeta{Name: w.name},
		Spec: storagev1.VolumeAttachmentSpec{
			Attacher: "nobody.example.com", NodeName: w.name,
			Source: storagev1.VolumeAttachmentSource{PersistentVolumeName: ptr.To(w.name)},
		},
	})
	return plantest.World{
		Operation: &v1alpha1.Operation{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.name, Name: "remove"},
			Spec: v1alpha1.OperationSpec{
				Type:       v1alpha1.OperationRemoveNode,
				RemoveNode: &v1alpha1.RemoveNodeSpec{Node: w.name, Dead: true, AcceptSplitBrain: w.name},
			},
		},
		Want: v1alpha1.PhaseSucceeded,
		Check: func(t *testing.T, _ *v1alpha1.Operation) {
			for what, o := range map[string]client.Object{"": &corev1.Node{}, " ": &storagev1.VolumeAttachment{}, w.name: &v1alpha1.Host{}, "stuck": &corev1.Pod{}} {
				key := client.ObjectKey{Name: w.name}
				if _, namespaced := o.(*v1alpha1.Host); namespaced || what == "stuck" {
					key = client.ObjectKey{Namespace: w.name, Name: what}
				}
				if err := management.Get(t.Context(), key, o); !apierrors.IsNotFound(err) {
					t.Errorf("%T %s is left: %v", o, key, err)
				}
			}
			var s corev1.Secret
			if err := management.Get(t.Context(), client.ObjectKey{Namespace: w.name, Name: "shared"}, &s); err != nil {
				t.Errorf("the key that another host uses: %v", err)
			}
		},
	}
}

type world struct {
	t    *testing.T
	name string
}

func (w *world) create(o client.Object) {
	w.t.Helper()
	if err := management.Create(w.t.Context(), o); err != nil {
		w.t.Fatalf("creating %T %s: %v", o, o.GetName(), err)
	}
}
