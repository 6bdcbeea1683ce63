package nodes

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/etcd"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// empty looks that nothing is left on the node that would not come back. It changes nothing.
type empty struct{ base }

// Done implements plan.Behaviour.
func (b empty) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Do implements plan.Behaviour.
func (b empty) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return err
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return err
	}
	for _, p := range c.Pods().ByNode(a.Node) {
		if disruption.ClassOf(p) == disruption.Unmanaged {
			return plan.Fail("UnmanagedStays", p.Namespace+"/"+p.Name, nil, "node", a.Node)
		}
	}
	return nil
}

// reset runs kubeadm reset on the machine. Its member is out of a stacked etcd by then.
type reset struct{ base }

// Done implements plan.Behaviour.
func (b reset) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return false, err
	}
	m, err := b.Machine(ctx, s, a.Host)
	if err != nil {
		return false, err
	}
	running, err := jobState(ctx, m)
	if err != nil || running {
		return false, call.OnHost(ctx, a.Host, err)
	}
	out, err := m.Script(ctx, `[ -e `+kubeletConf+` ] || [ -e /etc/kubernetes/manifests/etcd.yaml ] || echo gone`)
	return err == nil && len(out.Stdout) > 0, call.OnHost(ctx, a.Host, err)
}

// Do implements plan.Behaviour.
func (b reset) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return err
	}
	m, err := b.Machine(ctx, s, a.Host)
	if err != nil {
		return err
	}
	if err := awaitJob(ctx, m); err != nil {
		return call.OnHost(ctx, a.Host, err)
	}
	if a.Etcd {
		// kubeadm reset goes on when it cannot remove the member: it is not begun before the member is gone.
		if err := b.dismiss(ctx, s, a.Via, func(x etcd.Member) bool { return x.Is(a.Node, a.Addresses) }, a.Node, quorumPatience); err != nil {
			return err
		}
	}
	socket, err := b.socket(ctx, m)
	if err != nil {
		return call.OnHost(ctx, a.Host, err)
	}
	if err := runJob(ctx, s, m, resetJob, socket); err != nil {
		return call.OnHost(ctx, a.Host, fmt.Errorf("kubeadm reset: %w", err))
	}
	return nil
}

// socket is where the runtime of a node listens.
func (b base) socket(ctx context.Context, m *hosts.Machine) (string, error) {
	out, err := m.Script(ctx, `if [ -S /var/run/crio/crio.sock ] && [ ! -S /run/containerd/containerd.sock ]; then echo unix:///var/run/crio/crio.sock; else echo unix:///run/containerd/containerd.sock; fi`)
	if err != nil {
		return "", err
	}
	return trimmed(out.Stdout), nil
}

// remove deletes the Node, its lease and its certificate requests.
type remove struct{ base }

// Done implements plan.Behaviour.
func (b remove) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return false, err
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return false, err
	}
	n, err := b.node(ctx, s, c, a.Node)
	return err == nil && n == nil && !s.Resumed, err
}

// Do implements plan.Behaviour.
func (b remove) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return err
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return err
	}
	if a.Dead {
		if err := b.proven(ctx, s, a); err != nil {
			return err
		}
	}
	if err := b.deleteNode(ctx, s, c, a.Node, a.UID); err != nil {
		return err
	}
	if a.Dead {
		// Now that there is no Node, nobody puts them back.
		pods := stuckPods(b)
		list, err := pods.bound(ctx, s, c, a.Node)
		if err != nil {
			return plan.Fail("ClusterUnreachable", s.Cluster, err)
		}
		for i := range list.Items {
			if err := pods.force(ctx, s, c, &list.Items[i]); err != nil {
				return err
			}
		}
	}
	return b.deleteRequests(ctx, s, c, a.Node)
}

// deleteRequests deletes the certificate requests that the node has made. They would go by themselves after a while.
func (b base) deleteRequests(ctx context.Context, s *plan.Scope, c *fleet.Connection, node string) error {
	requests := c.Client.CertificatesV1().CertificateSigningRequests()
	var names []string
	err := b.Persist(ctx, s, func(ctx context.Context) error {
		names = nil
		list, err := requests.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, r := range list.Items {
			if r.Spec.Username == "system:node:"+node {
				names = append(names, r.Name)
			}
		}
		return nil
	})
	if apierrors.IsForbidden(err) {
		s.Log("warn", "RequestsLeft", node, "error", oneLine(err))
		return nil // they run out by themselves
	}
	if err != nil {
		return plan.Fail("NodeNotDeleted", node, err)
	}
	for _, name := range names {
		err := b.Persist(ctx, s, func(ctx context.Context) error { return requests.Delete(ctx, name, metav1.DeleteOptions{}) })
		if err != nil && !apierrors.IsNotFound(err) {
			return plan.Fail("NodeNotDeleted", node, err)
		}
	}
	return nil
}

// bare takes the machine back to what it was before it became a node, as far as Kanrin knows.
type bare struct{ base }

// Done implements plan.Behaviour.
func (b bare) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Do implements plan.Behaviour.
func (b bare) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return err
	}
	m, err := b.Machine(ctx, s, a.Host)
	if err != nil {
		return err
	}
	r, err := readRecord(ctx, m)
	if err != nil {
		return call.OnHost(ctx, a.Host, err)
	}
	if r == nil {
		// Not made by Kanrin: what there was before is not known. Nothing of it is deleted but the state of the node.
		r = &Record{Units: map[string]RecordUnit{kubeletUnit: {Exists: true}, "containerd.service": {Exists: true}, "crio.service": {Exists: true}}}
	}
	return call.OnHost(ctx, a.Host, restore(ctx, s, m, r))
}

// deregister takes the machine out of Kanrin, or only off its node.
type deregister struct{ base }

func (b deregister) host(ctx context.Context, s *plan.Scope, name string) (*v1alpha1.Host, error) {
	var h v1alpha1.Host
	err := b.d.Client.Get(ctx, client.ObjectKey{Namespace: s.Cluster, Name: name}, &h)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading host %s: %w", name, err)
	}
	return &h, nil
}

// Done implements plan.Behaviour.
func (b deregister) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return false, err
	}
	h, err := b.host(ctx, s, a.Host)
	return err == nil && (h == nil || a.KeepHost && h.Spec.NodeName == "") && !s.Resumed, err
}

// Do implements plan.Behaviour.
func (b deregister) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[removeArgs](s)
	if err != nil {
		return err
	}
	if a.KeepHost {
		return registered(b).change(ctx, s, a.Host, func(h *v1alpha1.Host) bool {
			was := h.Spec.NodeName != "" || len(h.Spec.Roles) > 0
			h.Spec.NodeName, h.Spec.Roles = "", nil
			return was
		})
	}
	if err := b.delete(ctx, s, &v1alpha1.Host{ObjectMeta: metav1.ObjectMeta{Namespace: s.Cluster, Name: a.Host}}); err != nil {
		return err
	}
	rest, err := b.d.Hosts.Hosts(ctx, s.Cluster)
	if err != nil {
		return err
	}
	for _, name := range []string{a.KeySecret, a.BMCSecret} {
		used := name == ""
		for _, h := range rest {
			used = used || h.Spec.KeySecret == name || h.Spec.Power.BMC != nil && h.Spec.Power.BMC.CredentialsSecret == name
		}
		if used {
			continue // by another machine too
		}
		if err := b.delete(ctx, s, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Cluster, Name: name}}); err != nil {
			return err
		}
	}
	return nil
}

func (b deregister) delete(ctx context.Context, s *plan.Scope, o client.Object) error {
	if err := s.Guard(); err != nil {
		return err
	}
	limited, cancel := s.Call(ctx, call.Limit)
	defer cancel()
	if err := b.d.Client.Delete(limited, o); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting %T %s: %w", o, o.GetName(), err)
	}
	return nil
}
