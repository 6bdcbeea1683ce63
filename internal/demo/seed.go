package demo

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// marker is the ConfigMap in kube-system that says that the content was made.
const marker = "kanrin-demo"

const (
	seedTimeout   = 2 * time.Minute
	settleTimeout = time.Minute
)

type seeder struct {
	client  client.Client
	version string
	log     *slog.Logger
}

func newSeeder(config *rest.Config, log *slog.Logger) (*seeder, error) {
	c, err := client.New(config, client.Options{})
	if err != nil {
		return nil, fmt.Errorf("reaching the demo cluster: %w", err)
	}
	d, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("reaching the demo cluster: %w", err)
	}
	info, err := d.ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("asking the demo cluster for its version: %w", err)
	}
	return &seeder{client: c, version: info.GitVersion, log: log}, nil
}

func (s *seeder) seed(ctx context.Context) error {
	mark := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: marker}}
	err := s.client.Get(ctx, client.ObjectKeyFromObject(mark), mark)
	if err == nil {
		return nil
	}
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("looking whether it was done before: %w", err)
	}
	making, cancel := context.WithTimeout(ctx, seedTimeout)
	defer cancel()
	if err := s.makeNodes(making); err != nil {
		return err
	}
	if err := s.make(making, ground()...); err != nil {
		return err
	}
	if err := s.until(making, "service accounts", s.haveAccounts); err != nil {
		return err
	}
	if err := s.make(making, content()...); err != nil {
		return err
	}
	if err := s.until(making, "places for the pods", s.allPlaced); err != nil {
		return err
	}
	if err := s.make(making, filler.object()); err != nil {
		return err
	}
	if err := s.settle(ctx, "running pods", s.allRun); err != nil {
		return err
	}
	// Budgets come when the pods run: of two budgets for one pod, Kubernetes keeps only one up to date.
	if err := s.make(ctx, budgets()...); err != nil {
		return err
	}
	if err := s.settle(ctx, "counted budgets", s.allCounted); err != nil {
		return err
	}
	return s.make(ctx, mark)
}

// settle waits for what comes by itself, but not for ever.
func (s *seeder) settle(ctx context.Context, what string, done func(context.Context) (bool, error)) error {
	settling, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	err := s.until(settling, what, done)
	if err != nil && ctx.Err() == nil {
		s.log.Warn("the demo cluster takes long to settle", "error", err)
		return nil
	}
	return err
}

// makeNodes makes the nodes and, once they are looked after, the static pods of the control planes: kwok may miss a pod that is bound to
// a node which it has not taken over yet, and a node reports Ready only when it has.
func (s *seeder) makeNodes(ctx context.Context) error {
	all := nodes(s.version)
	for _, n := range all {
		if err := s.make(ctx, n); err != nil {
			return err
		}
	}
	if err := s.until(ctx, "ready nodes", s.allReady); err != nil {
		return err
	}
	for _, n := range all {
		if _, ok := n.Labels["node-role.kubernetes.io/control-plane"]; !ok {
			continue
		}
		if err := s.client.Get(ctx, client.ObjectKeyFromObject(n), n); err != nil { // its UID owns the pods
			return fmt.Errorf("reading node %s: %w", n.Name, err)
		}
		for _, p := range staticPods(n) {
			if err := s.make(ctx, p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *seeder) allReady(ctx context.Context) (bool, error) {
	var l corev1.NodeList
	if err := s.client.List(ctx, &l); err != nil {
		return false, fmt.Errorf("listing nodes: %w", err)
	}
	ready := 0
	for _, n := range l.Items {
		for _, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				ready++
			}
		}
	}
	return ready >= controlPlanes+workers, nil
}

// make creates what is not there yet.
func (s *seeder) make(ctx context.Context, objects ...client.Object) error {
	for _, o := range objects {
		if err := s.client.Create(ctx, o); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("making %T %s: %w", o, client.ObjectKeyFromObject(o), err)
		}
	}
	return nil
}

func (s *seeder) until(ctx context.Context, what string, done func(context.Context) (bool, error)) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := done(ctx)
		if err == nil && ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w (%v)", what, ctx.Err(), err)
		case <-tick.C:
		}
	}
}

func (s *seeder) haveAccounts(ctx context.Context) (bool, error) {
	for _, ns := range namespaces {
		err := s.client.Get(ctx, client.ObjectKey{Namespace: ns, Name: "default"}, &corev1.ServiceAccount{})
		if err != nil {
			return false, client.IgnoreNotFound(err)
		}
	}
	return true, nil
}

// expected is the number of pods that the content makes, the filler and static pods left out.
func expected() int {
	n := 2*(controlPlanes+workers) + 2 // daemons, the unmanaged pod, that of the job
	for _, w := range workloads {
		n += int(w.replicas)
	}
	return n
}

func (s *seeder) allPlaced(ctx context.Context) (bool, error) {
	n, err := s.count(ctx, func(p *corev1.Pod) bool { return p.Spec.NodeName != "" })
	return n >= expected()+4*controlPlanes, err
}

func (s *seeder) allRun(ctx context.Context) (bool, error) {
	n, err := s.count(ctx, func(p *corev1.Pod) bool {
		return p.Status.Phase == corev1.PodRunning || p.Status.Phase == corev1.PodSucceeded
	})
	return n >= expected()+4*controlPlanes+int(filler.replicas), err
}

func (s *seeder) allCounted(ctx context.Context) (bool, error) {
	var list policyv1.PodDisruptionBudgetList
	if err := s.client.List(ctx, &list); err != nil {
		return false, fmt.Errorf("listing budgets: %w", err)
	}
	for _, b := range list.Items {
		if b.Status.ObservedGeneration != b.Generation {
			return false, nil
		}
	}
	return true, nil
}

func (s *seeder) count(ctx context.Context, is func(*corev1.Pod) bool) (int, error) {
	var pods corev1.PodList
	if err := s.client.List(ctx, &pods); err != nil {
		return 0, fmt.Errorf("listing pods: %w", err)
	}
	n := 0
	for i := range pods.Items {
		if is(&pods.Items[i]) {
			n++
		}
	}
	return n, nil
}
