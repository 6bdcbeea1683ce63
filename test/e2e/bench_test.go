package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
)

// These are measurements, not tests: make bench runs them, make test does not. Method and results are in docs/bench.md.
func benchmarks(t *testing.T) int {
	t.Helper()
	if os.Getenv("KANRIN_BENCH") == "" {
		t.Skip("a measurement: run make bench")
	}
	runs, err := strconv.Atoi(os.Getenv("KANRIN_BENCH_RUNS"))
	if err != nil {
		return 5
	}
	return runs
}

func fast(api *controlplanetest.API) kubernetes.Interface {
	c := rest.CopyConfig(api.Config)
	c.QPS, c.Burst = 1000, 2000
	return kubernetes.NewForConfigOrDie(c)
}

// crowd puts n pods on a node that belong to a controller. It is a ConfigMap, which brings nothing back: what is measured is the drain alone.
func crowd(t *testing.T, k kubernetes.Interface, node string, n int) {
	t.Helper()
	owner, err := k.CoreV1().ConfigMaps("default").Get(t.Context(), "crowd", metav1.GetOptions{})
	if err != nil {
		owner, err = k.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "crowd"}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	each(t, n, func(i int) error {
		_, err := k.CoreV1().Pods("default").Create(t.Context(), &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				GenerateName: "crowd-", Labels: map[string]string{"app": "crowd"},
				OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID, Controller: ptr.To(true)}},
			},
			Spec: corev1.PodSpec{
				// Without a grace period the API server itself removes the pod: what is measured is the drain, not how fast simulated kubelets are.
				NodeName: node, TerminationGracePeriodSeconds: ptr.To[int64](0), AutomountServiceAccountToken: ptr.To(false),
				Containers: []corev1.Container{{Name: "c", Image: "i", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1m")}}}},
			},
		}, metav1.CreateOptions{})
		return err
	})
}

func each(t *testing.T, n int, do func(i int) error) {
	t.Helper()
	var group sync.WaitGroup
	next := make(chan int)
	errs := make(chan error, 1)
	for range 16 {
		group.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					select {
					case errs <- err:
					default:
					}
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
	select {
	case err := <-errs:
		t.Fatal(err)
	default:
	}
}

func onNode(t *testing.T, k kubernetes.Interface, node string) int {
	l, err := k.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
	if err != nil {
		t.Fatal(err)
	}
	return len(l.Items)
}

type series struct {
	name string
	all  []time.Duration
}

func (s series) String() string {
	v := slices.Clone(s.all)
	slices.Sort(v)
	return fmt.Sprintf("%-42s median %7.2f s   range %.2f–%.2f s   n=%d", s.name, v[len(v)/2].Seconds(), v[0].Seconds(), v[len(v)-1].Seconds(), len(v))
}

// TestBenchDrain drains 500 pods from one node, Kanrin and kubectl in turn, on the same API server.
func TestBenchDrain(t *testing.T) {
	runs := benchmarks(t)
	const pods = 500
	api := controlplanetest.Start(t, controlplanetest.WithScheduling(), controlplanetest.Synced())
	k := fast(api)
	bigNode(t, k, "n1", nil)
	s := newServer(t).start()
	s.add("bench", api.Kubeconfig)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, api.Kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	refill := func() {
		if _, err := k.CoreV1().Nodes().Patch(t.Context(), "n1", "application/merge-patch+json", []byte(`{"metadata":{"annotations":{"kanrin.dev/cordoned-by":null}},"spec":{"unschedulable":null}}`), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		crowd(t, k, "n1", pods)
		eventually(t, 3*time.Minute, "500 pods run", func() bool {
			l, err := k.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{})
			if err != nil {
				return false
			}
			running := 0
			for _, p := range l.Items {
				if p.Status.Phase == corev1.PodRunning {
					running++
				}
			}
			return running == pods
		})
	}
	limit := func(perSecond int) {
		patch := fmt.Sprintf(`{"spec":{"limits":{"evictionsPerSecond":%d}}}`, perSecond)
		if r := s.kubectl(s.kubeconfig(), "patch", "clusters.kanrin.dev", "bench", "-n", "bench", "--type=merge", "-p", patch); r.code != 0 {
			t.Fatalf("setting the limit: %s", r.err)
		}
		time.Sleep(time.Second) // the fleet follows the object; nothing else tells when
	}
	kanrin := func() time.Duration {
		refill()
		began := time.Now()
		s.must(0, "drain", "n1", "--cluster", "bench", "--yes")
		took := time.Since(began)
		if n := onNode(t, k, "n1"); n != 0 {
			t.Errorf("%d pods left", n)
		}
		return took
	}
	kubectl := func() time.Duration {
		refill()
		began := time.Now()
		if r := s.kubectl(kubeconfig, "drain", "n1", "--ignore-daemonsets"); r.code != 0 {
			t.Fatalf("kubectl drain: %s", tail(r.err, 1000))
		}
		return time.Since(began)
	}
	ours, theirs, equal := series{name: "kanrin drain, 500 pods"}, series{name: "kubectl drain, 500 pods, its defaults"}, series{name: "kanrin drain, 500 pods, 5 evictions/s"}
	for range runs {
		ours.all = append(ours.all, kanrin())
		theirs.all = append(theirs.all, kubectl())
	}
	limit(5)
	equal.all = append(equal.all, kanrin())
	limit(0)
	fmt.Printf("\n%s\n%s\n%s\n", ours, theirs, equal)
}

func bigNode(t *testing.T, k kubernetes.Interface, name string, labels map[string]string) {
	t.Helper()
	room := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("64"), corev1.ResourceMemory: resource.MustParse("256Gi"), corev1.ResourcePods: resource.MustParse("1000")}
	_, err := k.CoreV1().Nodes().Create(t.Context(), &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"}},
		Status: corev1.NodeStatus{
			Capacity: room, Allocatable: room, Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.Now(), LastTransitionTime: metav1.Now()}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBenchScale watches 1,000 nodes and 10,000 pods: memory of the server, time of the first page, time of a plan for ten nodes.
func TestBenchScale(t *testing.T) {
	runs := benchmarks(t)
	api := controlplanetest.Start(t)
	k := fast(api)
	each(t, 1000, func(i int) error {
		bigNode(t, k, fmt.Sprintf("n%04d", i), map[string]string{"topology.kubernetes.io/zone": string(rune('a' + i%3)), "kubernetes.io/hostname": fmt.Sprintf("n%04d", i)})
		return nil
	})
	populate(t, k, 10000, 1000)
	s := newServer(t).start()
	s.add("big", api.Kubeconfig)
	eventually(t, 3*time.Minute, "10,000 pods are seen", func() bool {
		r := s.kanrin("get", "clusters", "big", "-o", "jsonpath={.status.pods.total}")
		return r.code == 0 && r.out == "10000"
	})
	token := tokenOf(t, s.kubeconfig())
	first, any := series{name: "first page of 10,000 pods"}, series{name: "page in the middle, filtered and sorted"}
	for range max(runs, 5) {
		first.all = append(first.all, s.page(t, token, "?limit=100"))
		any.all = append(any.all, s.page(t, token, "?limit=100&offset=5000&sort=-age&q=app"))
	}
	plans := series{name: "plan of 10 of 1,000 nodes (CLI to plan shown)"}
	rehearsal := int64(0)
	for range runs {
		args := []string{"drain", "--cluster", "big", "--dry-run", "-o", "json"}
		for i := range 10 {
			args = append(args, fmt.Sprintf("n%04d", i))
		}
		began := time.Now()
		r := s.kanrin(args...)
		plans.all = append(plans.all, time.Since(began))
		if r.code != 0 && r.code != 4 {
			t.Fatalf("planning: exit %d %s", r.code, r.err)
		}
		rehearsal = s.operation(r).Status.Plan.Rehearsal.Milliseconds
	}
	status := readFile(t, fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	fmt.Printf("\n%s\n%s\n%s (of which rehearsal %d ms in the last)\n", first, any, plans, rehearsal)
	for _, line := range strings.Split(status, "\n") {
		if strings.HasPrefix(line, "VmRSS") || strings.HasPrefix(line, "VmHWM") || strings.HasPrefix(line, "RssAnon") {
			fmt.Printf("kanrin up, 10,000 pods watched: %s\n", line)
		}
	}
}

// populate creates pods of 100 ReplicaSets in 20 namespaces, bound to nodes and running.
func populate(t *testing.T, k kubernetes.Interface, pods, nodes int) {
	t.Helper()
	each(t, 20, func(i int) error {
		_, err := k.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("ns%02d", i)}}, metav1.CreateOptions{})
		return err
	})
	owners := make([]*appsv1.ReplicaSet, 100)
	each(t, len(owners), func(i int) error {
		l := map[string]string{"app": fmt.Sprintf("app%03d", i)}
		rs, err := k.AppsV1().ReplicaSets(fmt.Sprintf("ns%02d", i%20)).Create(t.Context(), &appsv1.ReplicaSet{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("app%03d", i)},
			Spec: appsv1.ReplicaSetSpec{Replicas: ptr.To(int32(pods / len(owners))), Selector: &metav1.LabelSelector{MatchLabels: l}, Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: l}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
			}},
		}, metav1.CreateOptions{})
		owners[i] = rs
		return err
	})
	each(t, pods, func(i int) error {
		rs := owners[i%len(owners)]
		p, err := k.CoreV1().Pods(rs.Namespace).Create(t.Context(), &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Name: fmt.Sprintf("%s-%05d", rs.Name, i), Labels: map[string]string{"app": rs.Name, "pod-template-hash": "5d4f8c7b9"},
				Annotations:     map[string]string{"example.com/checksum": strings.Repeat("0123456789abcdef", 16)},
				OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: rs.Name, UID: rs.UID, Controller: ptr.To(true)}},
			},
			Spec: corev1.PodSpec{
				NodeName: fmt.Sprintf("n%04d", i%nodes), AutomountServiceAccountToken: ptr.To(false),
				TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
					MaxSkew: 1, TopologyKey: "topology.kubernetes.io/zone", WhenUnsatisfiable: corev1.ScheduleAnyway, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": rs.Name}},
				}},
				Containers: []corev1.Container{{
					Name: "c", Image: "registry.example.com/team/" + rs.Name + ":1.4.2", Env: []corev1.EnvVar{{Name: "A", Value: "1"}, {Name: "B", Value: strings.Repeat("b", 80)}},
					Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("256Mi")}},
				}},
			},
		}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		p.Status = corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), StartTime: ptr.To(metav1.Now()),
			Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()}, {Type: corev1.PodScheduled, Status: corev1.ConditionTrue}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "c", Ready: true, Image: "registry.example.com/team/" + rs.Name + ":1.4.2", ImageID: strings.Repeat("f", 64), ContainerID: "containerd://" + strings.Repeat("c", 64)}},
		}
		_, err = k.CoreV1().Pods(rs.Namespace).UpdateStatus(t.Context(), p, metav1.UpdateOptions{})
		return err
	})
}

func (s *server) page(t *testing.T, token, query string) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url()+"/kanrin/v1/clusters/big/pods"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	began := time.Now()
	res, err := insecure.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var page struct {
		Items []json.RawMessage
		Total int
	}
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil || len(page.Items) != 100 {
		t.Fatalf("page %s: status %d, %d items of %d, %v", query, res.StatusCode, len(page.Items), page.Total, err)
	}
	return time.Since(began)
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestBenchSimulate runs kanrin-kube simulate on a synthetic snapshot of 1,000 nodes and 10,000 pods; ten nodes are emptied.
func TestBenchSimulate(t *testing.T) {
	runs := benchmarks(t)
	var in bytes.Buffer
	head := map[string]any{"kind": "Simulation", "version": 1}
	var cordon []string
	var evict []map[string]any
	for i := range 10 {
		cordon = append(cordon, fmt.Sprintf("n%04d", i))
	}
	for i := range 10000 {
		if i%1000 < 10 {
			evict = append(evict, map[string]any{"namespace": "default", "name": fmt.Sprintf("p%05d", i), "recreate": true})
		}
	}
	head["scenarios"] = []any{map[string]any{"name": "drain", "cordon": cordon, "rounds": []any{map[string]any{"evict": evict}}}}
	enc := json.NewEncoder(&in)
	_ = enc.Encode(head) // a buffer does not fail
	for i := range 1000 {
		_ = enc.Encode(map[string]any{
			"apiVersion": "v1", "kind": "Node", "metadata": map[string]any{"name": fmt.Sprintf("n%04d", i), "labels": map[string]string{"topology.kubernetes.io/zone": string(rune('a' + i%3)), "kubernetes.io/hostname": fmt.Sprintf("n%04d", i)}},
			"status": map[string]any{"allocatable": map[string]string{"cpu": "16", "memory": "64Gi", "pods": "110"}},
		})
	}
	for i := range 10000 {
		app := fmt.Sprintf("app%03d", i%100)
		_ = enc.Encode(map[string]any{
			"apiVersion": "v1", "kind": "Pod",
			"metadata": map[string]any{"namespace": "default", "name": fmt.Sprintf("p%05d", i), "uid": fmt.Sprint("u", i), "labels": map[string]string{"app": app}, "ownerReferences": []any{map[string]any{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": app, "uid": app, "controller": true}}},
			"spec": map[string]any{
				"nodeName": fmt.Sprintf("n%04d", i%1000), "schedulerName": "default-scheduler",
				"containers":                []any{map[string]any{"name": "c", "resources": map[string]any{"requests": map[string]string{"cpu": "500m", "memory": "1Gi"}}}},
				"topologySpreadConstraints": []any{map[string]any{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": map[string]any{"matchLabels": map[string]string{"app": app}}}},
			},
			"status": map[string]any{"phase": "Running"},
		})
	}
	wall := series{name: "kanrin-kube simulate, 10 of 1,000 nodes"}
	var peak int64
	for range runs {
		cmd := exec.Command(program(t, "kanrin-kube", "KANRIN_KUBE"), "simulate")
		cmd.Stdin = bytes.NewReader(in.Bytes())
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, os.Stderr
		began := time.Now()
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		wall.all = append(wall.all, time.Since(began))
		peak = max(peak, maxRSS(cmd.ProcessState))
	}
	fmt.Printf("\n%s   peak %d MiB\n", wall, peak>>20)
}
