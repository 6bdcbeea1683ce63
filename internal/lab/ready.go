//go:build linux

package lab

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// Client talks to the lab's cluster as its administrator.
func (l *Lab) Client() (kubernetes.Interface, error) {
	raw, err := os.ReadFile(l.KubeconfigFile())
	if err != nil {
		raw, err = os.ReadFile(l.path("kubeconfig.new"))
	}
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(raw)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS, config.Timeout = -1, 10*time.Second
	return kubernetes.NewForConfig(config)
}

// WaitReady waits until every node is Ready and every pod of kube-system is.
func (l *Lab) WaitReady(ctx context.Context) error {
	k, err := l.Client()
	if err != nil {
		return err
	}
	for {
		missing := l.missing(ctx, k)
		if missing == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", missing, ctx.Err())
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// missing says what is not ready; empty when all is.
func (l *Lab) missing(ctx context.Context, k kubernetes.Interface) string {
	nodes, err := k.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err.Error()
	}
	ready := map[string]bool{}
	for _, n := range nodes.Items {
		for _, c := range n.Status.Conditions {
			ready[n.Name] = ready[n.Name] || c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		}
	}
	var out []string
	for _, h := range l.Of(RoleControlPlane, RoleWorker) {
		if !ready[h.Name] {
			out = append(out, "node "+h.Name)
		}
	}
	pods, err := k.CoreV1().Pods("kube-system").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err.Error()
	}
	kinds := map[string]bool{}
	for _, p := range pods.Items {
		ok := false
		for _, c := range p.Status.Conditions {
			ok = ok || c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		}
		if !ok {
			out = append(out, "pod "+p.Name)
		}
		kinds[p.Labels["k8s-app"]] = true
	}
	for _, app := range []string{"kube-dns", "kube-proxy"} {
		if !kinds[app] {
			out = append(out, app)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "not ready: " + strings.Join(out, ", ")
}
