package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/controlplane"
	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
)

// small is a cluster of two nodes with n pods on the first, which take a few seconds to leave.
func small(t *testing.T, n int32) *controlplanetest.API {
	t.Helper()
	api := controlplanetest.Start(t, controlplanetest.WithPace(controlplane.Pace{
		Start: controlplane.Span{Min: time.Second, Max: 2 * time.Second}, Stop: controlplane.Span{Min: time.Second, Max: 4 * time.Second},
	}))
	node(t, api, "n1")
	l := map[string]string{"app": "web"}
	_, err := api.Client.AppsV1().Deployments("default").Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &n, Selector: &metav1.LabelSelector{MatchLabels: l},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: l}, Spec: corev1.PodSpec{
				TerminationGracePeriodSeconds: ptr.To[int64](5), Containers: []corev1.Container{{Name: "c", Image: "i"}},
			}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 2*time.Minute, "the pods run", func() bool {
		d, err := api.Client.AppsV1().Deployments("default").Get(t.Context(), "web", metav1.GetOptions{})
		return err == nil && d.Status.ReadyReplicas == n
	})
	node(t, api, "n2")
	return api
}

func node(t *testing.T, api *controlplanetest.API, name string) {
	t.Helper()
	room := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("16"), corev1.ResourceMemory: resource.MustParse("64Gi"), corev1.ResourcePods: resource.MustParse("500")}
	_, err := api.Client.CoreV1().Nodes().Create(t.Context(), &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"}}, Status: corev1.NodeStatus{Capacity: room, Allocatable: room},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// kwok may miss a pod that is bound to a node which it has not taken over yet.
	eventually(t, 2*time.Minute, "node "+name+" is ready", func() bool {
		n, err := api.Client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
		if err != nil || len(n.Spec.Taints) > 0 { // the taint of a node that is not ready goes a moment after it is
			return false
		}
		for _, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				return true
			}
		}
		return false
	})
}

func (s *server) add(name string, kubeconfig []byte) {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), name)
	if err := os.WriteFile(path, kubeconfig, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.must(0, "cluster", "add", name, "--kubeconfig", path)
}

// slowly lets a cluster's drains evict five pods a second, so that a test can reach into the middle of one.
func (s *server) slowly(cluster, kubeconfig string) {
	s.t.Helper()
	if r := s.kubectl(kubeconfig, "patch", "clusters.kanrin.dev", cluster, "-n", cluster, "--type=merge", "-p", `{"spec":{"limits":{"evictionsPerSecond":5}}}`); r.code != 0 {
		s.t.Fatalf("limiting evictions: %s", r.err)
	}
}

// planned plans a drain of n1 and returns it when it waits for approval.
func (s *server) planned(cluster string, nodes ...string) *v1alpha1.Operation {
	s.t.Helper()
	var op *v1alpha1.Operation
	eventually(s.t, time.Minute, "a plan", func() bool {
		r := s.kanrin(append([]string{"drain", "--cluster", cluster, "--plan-only", "-o", "json"}, nodes...)...)
		if r.code == 0 {
			op = s.operation(r)
		}
		return r.code == 0
	})
	return op
}

func (s *server) approve(op *v1alpha1.Operation) {
	s.t.Helper()
	s.must(0, "approve", "operation/"+op.Name, "--cluster", op.Namespace, "--plan", op.Status.Plan.Digest)
}

func (s *server) read(op *v1alpha1.Operation) *v1alpha1.Operation {
	s.t.Helper()
	r := s.kanrin("get", "operations", op.Name, "--cluster", op.Namespace, "-o", "json")
	if r.code != 0 {
		return op
	}
	return s.operation(r)
}

func (s *server) ends(op *v1alpha1.Operation, limit time.Duration) *v1alpha1.Operation {
	s.t.Helper()
	got := op
	eventually(s.t, limit, "operation "+op.Name+" is over", func() bool {
		got = s.read(op)
		return got.Status.Phase.Terminal()
	})
	return got
}

// once checks that no pod was evicted twice and that none is left.
func once(t *testing.T, api *controlplanetest.API, pods int) {
	t.Helper()
	all := api.Evictions(t, "default")
	for name, n := range all {
		if n != 1 {
			t.Errorf("pod %s was evicted %d times", name, n)
		}
	}
	// An eviction whose caller was cut off in the middle is done, and stands in the audit log as failed.
	if len(all) > pods || len(all) < pods/2 {
		t.Errorf("%d pods were evicted, want %d", len(all), pods)
	}
	l, err := api.Client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{FieldSelector: "spec.nodeName=n1"})
	if err != nil || len(l.Items) > 0 {
		t.Errorf("%d pods are left on the drained node, %v", len(l.Items), err)
	}
}

// The API server of the cluster is gone for a while, answers 429 to everything, or never answers: the drain waits, says so, and goes on.
func TestTheClustersAPIServerMisbehaves(t *testing.T) {
	const pods = 30
	long := 10 * time.Second
	if full {
		long = time.Minute
	}
	for name, m := range map[string]struct {
		mood mood
		says string
	}{"refuses": {away, "ApiUnreachable"}, "answers 429": {busy, "ApiOverloaded"}, "never answers": {mute, "ApiUnreachable"}} {
		t.Run(name, func(t *testing.T) {
			api := small(t, pods)
			bad := newBadServer(t, api.Config)
			s := newServer(t).start()
			s.add("small", bad.kubeconfig(t))
			s.slowly("small", s.kubeconfig())
			op := s.planned("small", "n1")
			s.approve(op)
			eventually(t, time.Minute, "evictions have begun", func() bool { return len(api.Evictions(t, "default")) > 0 })
			bad.behave(m.mood)
			until := time.Now().Add(long)
			said := false
			for time.Now().Before(until) {
				if w := s.read(op).Status.Waiting; w != nil && (w.Code == m.says || w.Code == "ApiUnreachable" || w.Code == "ApiOverloaded") {
					said = true
				}
				time.Sleep(500 * time.Millisecond)
			}
			if got := s.read(op); !said && len(api.Evictions(t, "default")) < pods {
				t.Errorf("it does not say that it waits for the API server: %+v", got.Status.Waiting)
			}
			bad.behave(well)
			if got := s.ends(op, 3*time.Minute); got.Status.Phase != v1alpha1.PhaseSucceeded {
				t.Errorf("%s: %s", got.Status.Phase, got.Status.Message)
			}
			once(t, api, pods)
		})
	}
}

// A node disappears in the middle of its drain.
func TestTheNodeDisappears(t *testing.T) {
	api := small(t, 20)
	s := newServer(t).start()
	s.add("small", api.Kubeconfig)
	s.slowly("small", s.kubeconfig())
	op := s.planned("small", "n1")
	s.approve(op)
	eventually(t, time.Minute, "evictions have begun", func() bool { return len(api.Evictions(t, "default")) > 0 })
	if err := api.Client.CoreV1().Nodes().Delete(t.Context(), "n1", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	// Nobody confirms the pods' end any more but the pod garbage collector; the drain waits and says for what.
	got := op
	eventually(t, 3*time.Minute, "the drain is over, or says what it waits for", func() bool {
		got = s.read(op)
		return got.Status.Phase.Terminal() || (got.Status.Waiting != nil && got.Status.Waiting.Message != "")
	})
	s.must(7, "drain", "n1", "--cluster", "small", "--yes")
}

// Two servers on one management API: when the leader is killed, the other finishes; when the leader is cut off from the API for longer
// than its lease, it stops by itself, and no pod is evicted twice.
func TestTwoServers(t *testing.T) {
	const pods = 40
	for name, cut := range map[string]bool{"the leader is killed": false, "the leader is cut off": true} {
		t.Run(name, func(t *testing.T) {
			management := controlplanetest.Start(t)
			api := small(t, pods)
			cables := [2]*cable{}
			servers := [2]*server{}
			for i := range servers {
				cables[i] = newCable(t, strings.TrimPrefix(management.Config.Host, "https://"))
				path := filepath.Join(t.TempDir(), "management")
				config := strings.Replace(string(management.Kubeconfig), management.Config.Host, "https://"+cables[i].address(), 1)
				if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
					t.Fatal(err)
				}
				servers[i] = newServer(t, "--management-kubeconfig", path).start()
			}
			servers[0].add("small", api.Kubeconfig)
			servers[0].slowly("small", servers[0].kubeconfig())
			op := servers[0].planned("small", "n1")
			servers[0].approve(op)
			eventually(t, time.Minute, "evictions have begun", func() bool { return len(api.Evictions(t, "default")) > 0 })
			first := servers[1].read(op).Status.Executor
			leader, other := 0, 1
			if first == nil {
				t.Fatal("nobody carries the operation out")
			}
			if leads(t, management) == identityOf(servers[1]) {
				leader, other = 1, 0
			}
			if cut {
				cables[leader].set(true)
				time.AfterFunc(40*time.Second, func() { cables[leader].set(false) })
			} else {
				servers[leader].kill()
			}
			got := servers[other].ends(op, 3*time.Minute)
			if got.Status.Phase != v1alpha1.PhaseSucceeded {
				t.Errorf("%s: %s", got.Status.Phase, got.Status.Message)
			}
			if got.Status.Executor.Epoch <= first.Epoch && got.Status.Executor.Identity != first.Identity {
				t.Errorf("taken over without a greater epoch: %+v after %+v", got.Status.Executor, first)
			}
			once(t, api, pods)
		})
	}
}

// leads is the holder of the leader's lease.
func leads(t *testing.T, management *controlplanetest.API) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	l, err := management.Client.CoordinationV1().Leases("kanrin-system").Get(ctx, "kanrin-leader", metav1.GetOptions{})
	if err != nil || l.Spec.HolderIdentity == nil {
		t.Fatalf("reading the leader's lease: %v", err)
	}
	// host-PID-chance
	parts := strings.Split(*l.Spec.HolderIdentity, "-")
	return parts[len(parts)-2]
}

func identityOf(s *server) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.cmd.Process.Pid)
}
