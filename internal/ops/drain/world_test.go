package drain_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/fleettest"
	"kanrin.dev/kanrin/internal/ops/drain"
	"kanrin.dev/kanrin/internal/plan"
	"kanrin.dev/kanrin/internal/rehearse"
)

// api is a real control plane with simulated nodes. It is the managed cluster and holds Kanrin's own kinds too; the worlds of the tests
// are kept apart by namespaces, node names and labels.
var api *controlplanetest.API

var (
	self       *fleettest.Self
	management client.WithWatch
	connection *fleet.Connection
)

func TestMain(m *testing.M) {
	os.Exit(controlplanetest.Main(m, &api, controlplanetest.WithScheduling()))
}

var setUp = sync.OnceValue(func() (err error) {
	if self, err = fleettest.NewSelf(api.Config, api.Kubeconfig); err == nil {
		management, connection = self.Management, self.Cluster
	}
	return err
})

func registry(t *testing.T) *plan.Registry {
	t.Helper()
	if err := setUp(); err != nil {
		t.Fatalf("preparing the API: %v", err)
	}
	r := plan.NewRegistry()
	drain.Register(r, drain.Dependencies{Fleet: self, Rehearser: rehearse.Simulator{Path: api.Binary}, History: self})
	return r
}

// world is a namespace with nodes of its own: <name>-a is to be drained, <name>-b takes what leaves, <name>-c was cordoned by somebody
// else before.
type world struct {
	name string
	t    *testing.T
}

func newWorld(t *testing.T, name string) *world {
	w := &world{strings.ToLower(name), t}
	w.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.name}})
	w.node("a", false)
	return w
}

func (w *world) create(o client.Object) {
	w.t.Helper()
	if err := management.Create(w.t.Context(), o); err != nil {
		w.t.Fatalf("creating %T %s: %v", o, o.GetName(), err)
	}
}

func (w *world) node(suffix string, cordoned bool) {
	w.t.Helper()
	full := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("8"), corev1.ResourceMemory: resource.MustParse("16Gi"), corev1.ResourcePods: resource.MustParse("600")}
	w.create(&corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: w.name + "-" + suffix, Labels: map[string]string{"world": w.name}, Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"}},
		Spec:       corev1.NodeSpec{Unschedulable: cordoned},
		Status:     corev1.NodeStatus{Allocatable: full, Capacity: full},
	})
	// kwok may miss a pod that is bound to a node which it has not taken over yet.
	w.eventually("node "+suffix+" ready", func() bool {
		for _, c := range w.theNode(suffix).Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				return true
			}
		}
		return false
	})
}

// deployment with a budget, on the world's nodes only; it returns when all pods are ready.
func (w *world) deployment(name string, replicas, minAvailable int32) {
	w.t.Helper()
	l := map[string]string{"app": name}
	w.create(&appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.name, Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: l},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: l}, Spec: corev1.PodSpec{
				NodeSelector:                  map[string]string{"world": w.name},
				TerminationGracePeriodSeconds: ptr.To[int64](1),
				Containers:                    []corev1.Container{{Name: "c", Image: "i"}},
			}},
		},
	})
	if minAvailable > 0 {
		w.create(&policyv1.PodDisruptionBudget{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.name, Name: name},
			Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: ptr.To(intstr.FromInt32(minAvailable)), Selector: &metav1.LabelSelector{MatchLabels: l}},
		})
	}
	w.eventually("deployment "+name+" ready", func() bool {
		var d appsv1.Deployment
		var b policyv1.PodDisruptionBudget
		key := client.ObjectKey{Namespace: w.name, Name: name}
		if management.Get(w.t.Context(), key, &d) != nil || d.Status.ReadyReplicas < replicas {
			return false
		}
		return minAvailable == 0 || (management.Get(w.t.Context(), key, &b) == nil && b.Status.CurrentHealthy == replicas && b.Status.ObservedGeneration == b.Generation)
	})
}

func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: not within three minutes", what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (w *world) operation(spec v1alpha1.DrainSpec) *v1alpha1.Operation {
	return &v1alpha1.Operation{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.name, Name: "drain"},
		Spec:       v1alpha1.OperationSpec{Type: v1alpha1.OperationDrain, Drain: &spec},
	}
}

func (w *world) theNode(suffix string) corev1.Node {
	w.t.Helper()
	var n corev1.Node
	if err := management.Get(w.t.Context(), client.ObjectKey{Name: w.name + "-" + suffix}, &n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) podsOn(suffix string) []corev1.Pod {
	w.t.Helper()
	var l corev1.PodList
	if err := management.List(w.t.Context(), &l, client.InNamespace(w.name)); err != nil {
		w.t.Fatal(err)
	}
	var out []corev1.Pod
	for _, p := range l.Items {
		if p.Spec.NodeName == w.name+"-"+suffix {
			out = append(out, p)
		}
	}
	return out
}

// guardian watches the pods of a Deployment and tells whether its healthy ones were ever fewer than its budget wants.
type guardian struct {
	stop   context.CancelFunc
	done   chan struct{}
	lowest int
}

func (w *world) guard(app string) *guardian {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	g := &guardian{stop: cancel, done: make(chan struct{}), lowest: 1 << 30}
	sel := client.MatchingLabelsSelector{Selector: labels.SelectorFromSet(labels.Set{"app": app})}
	var l corev1.PodList
	if err := management.List(ctx, &l, client.InNamespace(w.name), sel); err != nil {
		w.t.Fatal(err)
	}
	healthy := map[string]bool{}
	note := func(p *corev1.Pod, gone bool) {
		ready := false
		for _, c := range p.Status.Conditions {
			ready = ready || (c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue)
		}
		healthy[p.Name] = ready && !gone && p.DeletionTimestamp == nil
		n := 0
		for _, h := range healthy {
			if h {
				n++
			}
		}
		g.lowest = min(g.lowest, n)
	}
	for i := range l.Items {
		healthy[l.Items[i].Name] = true
	}
	watcher, err := management.Watch(ctx, &corev1.PodList{}, client.InNamespace(w.name), sel, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: l.ResourceVersion}})
	if err != nil {
		w.t.Fatal(err)
	}
	go func() {
		defer close(g.done)
		defer watcher.Stop()
		for e := range watcher.ResultChan() {
			if p, ok := e.Object.(*corev1.Pod); ok {
				note(p, e.Type == "DELETED")
			}
		}
	}()
	return g
}

func (g *guardian) end() int { g.stop(); <-g.done; return g.lowest }
