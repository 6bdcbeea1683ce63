package inventory_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rows "kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/fleettest"
	"kanrin.dev/kanrin/internal/inventory"
)

// Shorthand for container states.
func waiting(reason string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
}

func ended(code, signal int32, reason string) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Signal: signal, Reason: reason}}
}

var runs = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}

func status(name string, s corev1.ContainerState, ready bool, restarts int32) corev1.ContainerStatus {
	yes := true
	c := corev1.ContainerStatus{Name: name, State: s, Ready: ready, RestartCount: restarts, Image: "x", ImageID: "x"}
	if s.Running != nil {
		c.Started = &yes
	}
	return c
}

func condition(t corev1.PodConditionType, s corev1.ConditionStatus, reason string) corev1.PodCondition {
	return corev1.PodCondition{Type: t, Status: s, Reason: reason}
}

// podStates are pods in every state that kubectl has a word for. Containers main and (with two) second; init containers
// first and second-init; side is a sidecar.
var podStates = map[string]struct {
	init, side, two, finalizer, gated bool
	status                            corev1.PodStatus
}{
	"running":     {status: corev1.PodStatus{Phase: "Running", ContainerStatuses: []corev1.ContainerStatus{status("main", runs, true, 3)}}},
	"not-ready":   {status: corev1.PodStatus{Phase: "Running", ContainerStatuses: []corev1.ContainerStatus{status("main", runs, false, 0)}}},
	"unscheduled": {status: corev1.PodStatus{Phase: "Pending", Conditions: []corev1.PodCondition{condition(corev1.PodScheduled, "False", "Unschedulable")}}},
	"gated":       {gated: true, status: corev1.PodStatus{Phase: "Pending", Conditions: []corev1.PodCondition{condition(corev1.PodScheduled, "False", "SchedulingGated")}}},
	"creating":    {status: corev1.PodStatus{Phase: "Pending", ContainerStatuses: []corev1.ContainerStatus{status("main", waiting("ContainerCreating"), false, 0)}}},
	"pull":        {status: corev1.PodStatus{Phase: "Pending", ContainerStatuses: []corev1.ContainerStatus{status("main", waiting("ImagePullBackOff"), false, 0)}}},
	"crash":       {two: true, status: corev1.PodStatus{Phase: "Running", ContainerStatuses: []corev1.ContainerStatus{status("main", waiting("CrashLoopBackOff"), false, 12), status("second", runs, true, 1)}}},
	"succeeded":   {status: corev1.PodStatus{Phase: "Succeeded", ContainerStatuses: []corev1.ContainerStatus{status("main", ended(0, 0, "Completed"), false, 0)}}},
	"failed":      {status: corev1.PodStatus{Phase: "Failed", ContainerStatuses: []corev1.ContainerStatus{status("main", ended(1, 0, "Error"), false, 0)}}},
	"killed":      {status: corev1.PodStatus{Phase: "Failed", ContainerStatuses: []corev1.ContainerStatus{status("main", ended(137, 9, ""), false, 0)}}},
	"exit":        {status: corev1.PodStatus{Phase: "Failed", ContainerStatuses: []corev1.ContainerStatus{status("main", ended(3, 0, ""), false, 0)}}},
	"evicted":     {status: corev1.PodStatus{Phase: "Failed", Reason: "Evicted"}},
	"half-done":   {two: true, status: corev1.PodStatus{Phase: "Running", ContainerStatuses: []corev1.ContainerStatus{status("main", ended(0, 0, "Completed"), false, 0), status("second", runs, true, 0)}, Conditions: []corev1.PodCondition{condition(corev1.PodReady, "False", "")}}},
	"half-ready":  {two: true, status: corev1.PodStatus{Phase: "Running", ContainerStatuses: []corev1.ContainerStatus{status("main", ended(0, 0, "Completed"), false, 0), status("second", runs, true, 0)}, Conditions: []corev1.PodCondition{condition(corev1.PodReady, "True", "")}}},
	"half-failed": {two: true, status: corev1.PodStatus{Phase: "Running", ContainerStatuses: []corev1.ContainerStatus{status("main", ended(0, 0, "Completed"), false, 0), status("second", ended(2, 0, "Error"), false, 0)}}},
	"init-first":  {init: true, status: corev1.PodStatus{Phase: "Pending", InitContainerStatuses: []corev1.ContainerStatus{status("first", runs, false, 0), status("second-init", waiting("PodInitializing"), false, 0)}, ContainerStatuses: []corev1.ContainerStatus{status("main", waiting("PodInitializing"), false, 0)}}},
	"init-second": {init: true, status: corev1.PodStatus{Phase: "Pending", InitContainerStatuses: []corev1.ContainerStatus{status("first", ended(0, 0, "Completed"), true, 0), status("second-init", runs, false, 0)}, ContainerStatuses: []corev1.ContainerStatus{status("main", waiting("PodInitializing"), false, 0)}}},
	"init-crash":  {init: true, status: corev1.PodStatus{Phase: "Pending", InitContainerStatuses: []corev1.ContainerStatus{status("first", waiting("CrashLoopBackOff"), false, 4), status("second-init", waiting("PodInitializing"), false, 0)}}},
	"init-error":  {init: true, status: corev1.PodStatus{Phase: "Pending", InitContainerStatuses: []corev1.ContainerStatus{status("first", ended(1, 0, "Error"), false, 2), status("second-init", waiting("PodInitializing"), false, 0)}}},
	"init-signal": {init: true, status: corev1.PodStatus{Phase: "Pending", InitContainerStatuses: []corev1.ContainerStatus{status("first", ended(137, 9, ""), false, 2)}}},
	"init-code":   {init: true, status: corev1.PodStatus{Phase: "Pending", InitContainerStatuses: []corev1.ContainerStatus{status("first", ended(5, 0, ""), false, 2)}}},
	"init-again":  {init: true, status: corev1.PodStatus{Phase: "Running", InitContainerStatuses: []corev1.ContainerStatus{status("first", runs, false, 7), status("second-init", ended(0, 0, "Completed"), true, 0)}, ContainerStatuses: []corev1.ContainerStatus{status("main", runs, true, 1)}, Conditions: []corev1.PodCondition{condition(corev1.PodInitialized, "True", "")}}},
	"side-ready":  {side: true, status: corev1.PodStatus{Phase: "Running", InitContainerStatuses: []corev1.ContainerStatus{status("side", runs, true, 2)}, ContainerStatuses: []corev1.ContainerStatus{status("main", runs, true, 1)}}},
	"side-slow":   {side: true, status: corev1.PodStatus{Phase: "Running", InitContainerStatuses: []corev1.ContainerStatus{status("side", runs, false, 0)}, ContainerStatuses: []corev1.ContainerStatus{status("main", runs, true, 0)}}},
	"side-crash":  {side: true, status: corev1.PodStatus{Phase: "Pending", InitContainerStatuses: []corev1.ContainerStatus{status("side", waiting("CrashLoopBackOff"), false, 5)}, ContainerStatuses: []corev1.ContainerStatus{status("main", waiting("PodInitializing"), false, 0)}}},
	"leaving":     {finalizer: true, status: corev1.PodStatus{Phase: "Running", ContainerStatuses: []corev1.ContainerStatus{status("main", runs, true, 0)}}},
	"left":        {finalizer: true, status: corev1.PodStatus{Phase: "Succeeded", ContainerStatuses: []corev1.ContainerStatus{status("main", ended(0, 0, "Completed"), false, 0)}}},
	"lost":        {finalizer: true, status: corev1.PodStatus{Phase: "Running", Reason: "NodeLost", ContainerStatuses: []corev1.ContainerStatus{status("main", runs, true, 0)}}},
}

// READY, STATUS and RESTARTS are what kubectl shows for the same pods.
func TestPodStatesAreKubectls(t *testing.T) {
	ctx := t.Context()
	const ns = "states"
	c := fleettest.Management(t, api.Config)
	fleettest.Namespace(t, api.Client, ns)
	always := corev1.ContainerRestartPolicyAlways
	for name, s := range podStates {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
		container := func(name string) corev1.Container { return corev1.Container{Name: name, Image: "registry.example/x:1"} }
		p.Spec.Containers = []corev1.Container{container("main")}
		if s.two {
			p.Spec.Containers = append(p.Spec.Containers, container("second"))
		}
		if s.init {
			p.Spec.InitContainers = []corev1.Container{container("first"), container("second-init")}
		}
		if s.side {
			side := container("side")
			side.RestartPolicy = &always
			p.Spec.InitContainers = []corev1.Container{side}
		}
		if s.gated {
			p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/wait"}}
		} else if name != "unscheduled" {
			p.Spec.NodeName = "nowhere"
		}
		if s.finalizer {
			p.Finalizers = []string{"example.com/keep"}
		}
		if err := c.Create(ctx, p); err != nil {
			t.Fatal(err)
		}
		p.Status = s.status
		if err := c.Status().Update(ctx, p); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if s.finalizer {
			if err := c.Delete(ctx, p); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := kubectl(t, ns)
	var views *inventory.Inventory
	f := fleettest.Start(t, c, fleettest.Quick(), func(f *fleet.Fleet) {
		views = inventory.New(inventory.Configuration{}, inventory.Dependencies{Fleet: f, Management: c, Authorizer: anything{}})
	})
	if _, err := f.Register(ctx, fleet.Registration{Name: "kubectls", Kubeconfig: api.Kubeconfig}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Deregister(ctx, "kubectls"); err != nil {
			t.Error(err)
		}
	}()
	fleettest.Synced(t, fleettest.Connection(t, f, "kubectls"))
	var page rows.Page[rows.Pod]
	if err := json.Unmarshal(serving(views).get(t, "/kanrin/v1/clusters/kubectls/pods?limit=1000&namespace="+ns), &page); err != nil {
		t.Fatal(err)
	}
	if page.Total != len(podStates) || len(want) != len(podStates) {
		t.Fatalf("%d pods, kubectl shows %d, want %d", page.Total, len(want), len(podStates))
	}
	for _, p := range page.Items {
		if got := fmt.Sprintf("%d/%d %s %d", p.Ready, p.Total, p.State, p.Restarts); got != want[p.Name] {
			t.Errorf("%s: %q, kubectl shows %q", p.Name, got, want[p.Name])
		}
	}
}

// kubectl returns "READY STATUS RESTARTS" of the pods of a namespace.
func kubectl(t *testing.T, namespace string) map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, api.Kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), api.Binary, "kubectl", "--kubeconfig", file, "get", "pods", "-n", namespace, "--no-headers").CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl: %v\n%s", err, out)
	}
	shown := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) >= 4 {
			shown[f[0]] = strings.Join(f[1:4], " ")
		}
	}
	return shown
}
