package demo

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"kanrin.dev/kanrin/internal/kubebin"
)

func start(t *testing.T, dir string) *Demo {
	t.Helper()
	binary, err := kubebin.Find("", "")
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(Configuration{Dir: dir, Binary: binary}, Dependencies{Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(t.Context()); err != nil { // the context has ended: no courtesy
			t.Error(err)
		}
	})
	began := time.Now()
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("control plane ready after %v", time.Since(began).Round(time.Millisecond))
	if err := d.Check(); err == nil {
		t.Error("ready before there is anything in it")
	}
	began = time.Now()
	if err := d.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("filled and settled after %v", time.Since(began).Round(time.Millisecond))
	if err := d.Check(); err != nil {
		t.Error(err)
	}
	return d
}

// TestDemo starts a fresh demo cluster and finds the layout that the package's documentation shows.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	d := start(t, dir)
	client := kubernetes.NewForConfigOrDie(d.cp.RESTConfig())
	pods, err := client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}

	byNode := map[string][]string{}
	cpu := map[string]int64{}
	for _, p := range pods.Items {
		switch p.Status.Phase {
		case corev1.PodRunning, corev1.PodSucceeded:
		default:
			t.Errorf("%s/%s is %s on %q", p.Namespace, p.Name, p.Status.Phase, p.Spec.NodeName)
		}
		byNode[p.Spec.NodeName] = append(byNode[p.Spec.NodeName], p.Namespace+"/"+workloadOf(&p))
		if p.Status.Phase == corev1.PodRunning {
			cpu[p.Spec.NodeName] += p.Spec.Containers[0].Resources.Requests.Cpu().MilliValue()
		}
	}
	daemons := []string{"kube-system/kube-proxy", "monitoring/node-exporter"}
	static := []string{"kube-system/etcd", "kube-system/kube-apiserver", "kube-system/kube-controller-manager", "kube-system/kube-scheduler"}
	for node, want := range map[string][]string{
		"cp-1": static, "cp-2": static, "cp-3": static,
		"w1": {"shop/cart", "shop/cart", "shop/web", "shop/checkout", "data/search", "dev/api"},
		"w2": {"data/ingest", "data/ingest", "data/ingest", "data/ingest"},
		"w3": {"shop/cart", "shop/cart", "shop/web", "shop/recommend", "dev/api", "batch/nightly-report"},
		"w4": {"shop/checkout", "data/search", "payments/api", "data/etl", "kube-system/coredns", "monitoring/alertmanager"},
		"w5": {"payments/ledger-1", "data/ingest", "data/ingest", "data/ingest"},
		"w6": {"shop/recommend", "payments/api", "kube-system/coredns", "monitoring/grafana", "dev/api"},
		"w7": {"shop/web", "shop/checkout", "data/search", "payments/ledger-0"},
		"w8": {"shop/cart", "shop/cart", "payments/api", "batch/adhoc-import", "data/ingest", "data/ingest", "data/ingest"},
		"w9": {"shop/recommend", "payments/api", "payments/ledger-2", "monitoring/alertmanager"},
	} {
		want = append(slices.Clone(want), daemons...)
		slices.Sort(want)
		slices.Sort(byNode[node])
		if !slices.Equal(byNode[node], want) {
			t.Errorf("%s holds\n\t%s\nwant\n\t%s", node, strings.Join(byNode[node], " "), strings.Join(want, " "))
		}
	}
	for _, node := range []string{"w2", "w5", "w8"} {
		if share := float64(cpu[node]) / 7600; share < 0.9 || share > 1 {
			t.Errorf("%s in zone b is requested to %.0f %%, want at least 90 %%", node, 100*share)
		}
		if node != "w5" && 7600-cpu[node] >= 2000 {
			t.Errorf("%s has room for payments/ledger-1", node)
		}
	}

	budgets, err := client.PolicyV1().PodDisruptionBudgets("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int32{
		"shop/cart": 1, "shop/web": 0, "shop/checkout": 1, "shop/shop-critical": 1, "payments/api": 1, "payments/ledger": 1,
		"data/search": 1, "data/ingest": 3, "kube-system/coredns": 1, "monitoring/alertmanager": 1,
	}
	for _, b := range budgets.Items {
		name := b.Namespace + "/" + b.Name
		if allowed, ok := want[name]; !ok || b.Status.DisruptionsAllowed != allowed {
			t.Errorf("budget %s allows %d disruptions, want %d", name, b.Status.DisruptionsAllowed, allowed)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("missing budgets: %v", want)
	}

	// What a user changes stays, also when the first start was cut short before its end was noted.
	if err := client.AppsV1().Deployments("dev").Delete(t.Context(), "api", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := d.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list, err := client.AppsV1().Deployments("dev").List(t.Context(), metav1.ListOptions{}); err != nil || len(list.Items) != 0 {
		t.Errorf("what was deleted came back: %v, %v", list.Items, err)
	}
}

// workloadOf names what a pod belongs to; replicas with a volume of their own keep their number.
func workloadOf(p *corev1.Pod) string {
	if p.Labels["app"] == "ledger" {
		return p.Name
	}
	for _, label := range []string{"app", "component", "run", "job-name"} {
		if v := p.Labels[label]; v != "" {
			return v
		}
	}
	return p.Name
}

func TestExpectedCountsThePods(t *testing.T) {
	n := 0
	for _, w := range workloads {
		if len(w.homes) == 0 || (w.apart && int(w.replicas) != len(w.homes)) {
			t.Errorf("%s/%s has %d replicas and the homes %v", w.namespace, w.name, w.replicas, w.homes)
		}
		n += int(w.replicas)
	}
	if got := expected(); got != n+24+2 {
		t.Error(fmt.Sprint("expected ", got))
	}
}
