package fleettest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Size of a cluster.
type Size struct {
	Nodes, Pods int
	// PerWorkload is the number of pods of each Deployment.
	PerWorkload int
	// Prefix keeps the names of several fillings of one API apart.
	Prefix string
}

// Cluster is what Fill has made.
type Cluster struct {
	Client     kubernetes.Interface
	Namespaces []string
	Nodes      []string
}

const writers = 24

// Fill creates nodes in three zones, and Deployments with ReplicaSets and running pods in ten namespaces.
func Fill(t testing.TB, config *rest.Config, size Size) *Cluster {
	t.Helper()
	c := rest.CopyConfig(config)
	c.QPS, c.ContentType = -1, "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(c)
	if err != nil {
		t.Fatal(err)
	}
	out := &Cluster{Client: client}
	ctx := t.Context()
	for i := range 10 {
		name := fmt.Sprintf("%steam-%d", size.Prefix, i)
		out.Namespaces = append(out.Namespaces, name)
		Namespace(t, client, name)
	}
	for i := range size.Nodes {
		out.Nodes = append(out.Nodes, fmt.Sprintf("%snode-%03d", size.Prefix, i))
	}
	parallel(t, size.Nodes, func(i int) error { return createNode(ctx, client, out.Nodes[i], "abc"[i%3:i%3+1]) })
	workloads := (size.Pods + size.PerWorkload - 1) / size.PerWorkload
	parallel(t, workloads, func(i int) error {
		count := min(size.PerWorkload, size.Pods-i*size.PerWorkload)
		return createWorkload(ctx, client, out, i, count, i*size.PerWorkload)
	})
	return out
}

// Namespace makes a namespace in which pods are admitted, in an API without controllers too.
func Namespace(t testing.TB, client kubernetes.Interface, name string) {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	must(t, ignoreExists(second(client.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}))))
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "default"}}
	must(t, ignoreExists(second(client.CoreV1().ServiceAccounts(name).Create(t.Context(), account, metav1.CreateOptions{}))))
}

// Empty deletes what Fill has made.
func (c *Cluster) Empty(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	now := int64(0)
	d := metav1.DeleteOptions{GracePeriodSeconds: &now}
	for _, ns := range c.Namespaces {
		must(t, c.Client.CoreV1().Pods(ns).DeleteCollection(ctx, d, metav1.ListOptions{}))
		must(t, c.Client.AppsV1().ReplicaSets(ns).DeleteCollection(ctx, d, metav1.ListOptions{}))
		must(t, c.Client.AppsV1().Deployments(ns).DeleteCollection(ctx, d, metav1.ListOptions{}))
	}
	for _, n := range c.Nodes {
		must(t, c.Client.CoreV1().Nodes().Delete(ctx, n, d))
	}
}

func createNode(ctx context.Context, client kubernetes.Interface, name, zone string) error {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
		corev1.LabelHostname: name, corev1.LabelTopologyZone: zone, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
	}}}
	made, err := client.CoreV1().Nodes().Create(ctx, n, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	size := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("32"), corev1.ResourceMemory: resource.MustParse("128Gi"),
		corev1.ResourcePods: resource.MustParse("250"), corev1.ResourceEphemeralStorage: resource.MustParse("500Gi"),
	}
	made.Status = corev1.NodeStatus{
		Capacity: size, Allocatable: size,
		NodeInfo:   corev1.NodeSystemInfo{KubeletVersion: "v1.36.3", OSImage: "Debian GNU/Linux 12 (bookworm)", KernelVersion: "6.1.0-31-amd64", ContainerRuntimeVersion: "containerd://2.2.1"},
		Addresses:  []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.0.0.1"}, {Type: corev1.NodeHostName, Address: name}},
		Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", LastTransitionTime: metav1.Now(), LastHeartbeatTime: metav1.Now()}},
	}
	_, err = client.CoreV1().Nodes().UpdateStatus(ctx, made, metav1.UpdateOptions{})
	return err
}

// createWorkload makes a Deployment, its ReplicaSet and pods that run.
func createWorkload(ctx context.Context, client kubernetes.Interface, c *Cluster, i, count, first int) error {
	ns, name := c.Namespaces[i%len(c.Namespaces)], fmt.Sprintf("app-%04d", i)
	hash := fmt.Sprintf("%08x", i*2654435761%(1<<32))
	labels := map[string]string{"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop", "app.kubernetes.io/version": "1.4.2"}
	replicas := int32(count)
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: podSpec(name, ns)}
	d, err := client.AppsV1().Deployments(ns).Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec:       appsv1.DeploymentSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	podLabels := map[string]string{"pod-template-hash": hash}
	for k, v := range labels {
		podLabels[k] = v
	}
	template.Labels = podLabels
	rs, err := client.AppsV1().ReplicaSets(ns).Create(ctx, &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: name + "-" + hash, Labels: podLabels, OwnerReferences: owner("Deployment", d.Name, d)},
		Spec:       appsv1.ReplicaSetSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: podLabels}, Template: template},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	for j := range count {
		n := first + j
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Name: fmt.Sprintf("%s-%05x", rs.Name, n), Labels: podLabels, OwnerReferences: owner("ReplicaSet", rs.Name, rs),
				Annotations: map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "9090", "checksum/config": "9b74c9897bac770ffc029102a200c5de"},
			},
			Spec: *template.Spec.DeepCopy(),
		}
		pod.Spec.NodeName = c.Nodes[n%len(c.Nodes)]
		made, err := client.CoreV1().Pods(ns).Create(ctx, pod, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		made.Status = running(made, n)
		if _, err := client.CoreV1().Pods(ns).UpdateStatus(ctx, made, metav1.UpdateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func owner(kind, name string, o metav1.Object) []metav1.OwnerReference {
	yes := true
	return []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: name, UID: o.GetUID(), Controller: &yes, BlockOwnerDeletion: &yes}}
}

// parallel does n things, a few at a time.
func parallel(t testing.TB, n int, do func(i int) error) {
	t.Helper()
	var (
		next   = make(chan int)
		failed = make(chan error, writers)
		each   sync.WaitGroup
	)
	for range writers {
		each.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	var err error
	for i := range n {
		select {
		case next <- i:
		case err = <-failed:
		}
		if err != nil {
			break
		}
	}
	close(next)
	each.Wait()
	close(failed)
	for late := range failed {
		err = late
	}
	must(t, err)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func second[T any](_ T, err error) error { return err }

func ignoreExists(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
