package nodes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/plan"
)

// base is what every planner and step needs.
type base struct{ d Dependencies }

const (
	syncTimeout = 30 * time.Second
	callLimit   = 20 * time.Second
	firstRetry  = 250 * time.Millisecond
	lastRetry   = 10 * time.Second
)

// connect returns the connection with fresh caches.
func (b base) connect(ctx context.Context, cluster string) (*fleet.Connection, error) {
	c, err := b.d.Fleet.Connection(cluster)
	if err != nil {
		return nil, plan.Fail("ClusterUnknown", cluster, err)
	}
	limited, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	if err := c.WaitSynced(limited); err != nil {
		return nil, plan.Fail("ClusterUnreachable", cluster, err)
	}
	return c, nil
}

// reach is connect for steps: it waits until the cluster answers.
func (b base) reach(ctx context.Context, s *plan.Scope) (*fleet.Connection, error) {
	for {
		c, err := b.connect(ctx, s.Cluster)
		if err == nil {
			s.GoOn()
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var f *plan.Failure
		if errors.As(err, &f) && f.Code == "ClusterUnknown" {
			return nil, err
		}
		s.Wait("ApiUnreachable", s.Cluster, "error", err)
		if err := sleep(ctx, time.Second); err != nil {
			return nil, err
		}
	}
}

// persist makes one idempotent call until the server has answered it, guarded each time. During the change of a control plane the API may
// be away for a while.
func (b base) persist(ctx context.Context, s *plan.Scope, call func(context.Context) error) error {
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		if err := s.Guard(); err != nil {
			return err
		}
		limited, cancel := s.Call(ctx, callLimit)
		err := call(limited)
		cancel()
		wait := pause
		switch {
		case answered(err):
			s.GoOn()
			return err
		case apierrors.IsTooManyRequests(err):
			if d, ok := apierrors.SuggestsClientDelay(err); ok && d > 0 {
				wait = max(wait, min(time.Duration(d)*time.Second, time.Minute))
			}
			s.Wait("ApiOverloaded", s.Cluster, "seconds", int64(max(wait, time.Second).Seconds()))
		default:
			s.Wait("ApiUnreachable", s.Cluster, "error", err)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func answered(err error) bool {
	return err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) || apierrors.IsInvalid(err) || apierrors.IsForbidden(err) ||
		apierrors.IsAlreadyExists(err) || apierrors.IsBadRequest(err) || apierrors.IsMethodNotSupported(err)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// machine waits until the host's machine can be used, for as long as the step may take. What no waiting changes ends it at once.
func (b base) machine(ctx context.Context, s *plan.Scope, host string) (*hosts.Machine, error) {
	for {
		m, err := b.d.Hosts.Machine(ctx, s.Cluster, host)
		if err == nil {
			_, err = m.Run(ctx, hosts.Command{Args: []string{"true"}, Timeout: callLimit})
		}
		if err == nil {
			s.GoOn()
			return m, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		switch state := hosts.StateOf(err); {
		case apierrors.IsNotFound(err):
			return nil, plan.Fail("HostGone", host, err)
		case state != v1alpha1.HostUnreachable && state != v1alpha1.HostNoAnswer:
			return nil, plan.Fail("HostUnusable", host, err)
		}
		s.Wait("HostUnreachable", host, "error", err)
		if err := sleep(ctx, 2*time.Second); err != nil {
			return nil, err
		}
	}
}

// onHost turns the error of a machine into a failure that names it.
func onHost(ctx context.Context, host string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil && context.Cause(ctx) != nil {
		return context.Cause(ctx)
	}
	var f *plan.Failure
	if errors.As(err, &f) || plan.Interrupted(err) {
		return err
	}
	return plan.Fail("OnHost", host, err)
}

// decode reads the arguments of a step.
func decode[T any](s *plan.Scope) (T, error) {
	var a T
	if s.Step.Args == nil {
		return a, fmt.Errorf("step %s has no arguments", s.Step.ID)
	}
	if err := json.Unmarshal(s.Step.Args.Raw, &a); err != nil {
		return a, fmt.Errorf("reading the arguments of step %s: %w", s.Step.ID, err)
	}
	return a, nil
}

// node reads a Node; nil when there is none.
func (b base) node(ctx context.Context, s *plan.Scope, c *fleet.Connection, name string) (*corev1.Node, error) {
	var n *corev1.Node
	err := b.persist(ctx, s, func(ctx context.Context) (err error) {
		n, err = c.Client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		return err
	})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return n, err
}

func nodeReady(n *corev1.Node) bool {
	i := slices.IndexFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool { return c.Type == corev1.NodeReady })
	return i >= 0 && n.Status.Conditions[i].Status == corev1.ConditionTrue
}

// hasEtcd opens etcd through the first of the hosts that lets it.
func (b base) etcdVia(ctx context.Context, cluster string, via []string) (*etcd, error) {
	errs := []error{errors.New("no host of a control plane is registered")}
	for _, host := range via {
		m, err := b.d.Hosts.Machine(ctx, cluster, host)
		if err == nil {
			var e *etcd
			if e, err = openEtcd(ctx, m); err == nil {
				return e, nil
			}
		}
		errs = append(errs, err)
	}
	if len(errs) > 1 {
		errs = errs[1:]
	}
	return nil, errors.Join(errs...)
}

// engaged adds which nodes are in the hands of other operations.
func (b base) engaged(ctx context.Context, op *v1alpha1.Operation) (map[string]string, error) {
	out := map[string]string{}
	ops, err := b.d.History.Operations(ctx, op.Namespace)
	if err != nil {
		return nil, fmt.Errorf("reading the operations of cluster %s: %w", op.Namespace, err)
	}
	for i := range ops {
		if o := &ops[i]; o.Name != op.Name && plan.AtWork(o.Status.Phase) {
			for _, n := range plan.Nodes(o) {
				out[n] = o.Name
			}
		}
	}
	return out, nil
}
