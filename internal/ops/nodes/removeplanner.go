package nodes

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/ops/drain"
	"kanrin.dev/kanrin/internal/plan"
)

// RemovePlanner plans removals.
type RemovePlanner struct{ base }

// Plan implements plan.Planner.
func (p *RemovePlanner) Plan(ctx context.Context, op *v1alpha1.Operation) (*plan.Draft, error) {
	o := RemoveOptionsOf(op.Spec.RemoveNode)
	f, err := p.gather(ctx, op, o)
	if err != nil {
		return nil, err
	}
	return ComposeRemove(f, o, CheckRemove(f, o))
}

// Facts implements plan.Planner.
func (p *RemovePlanner) Facts(ctx context.Context, op *v1alpha1.Operation) (any, error) {
	return p.gather(ctx, op, RemoveOptionsOf(op.Spec.RemoveNode))
}

func (p *RemovePlanner) gather(ctx context.Context, op *v1alpha1.Operation, o RemoveOptions) (*RemoveFacts, error) {
	c, err := p.Connect(ctx, op.Namespace)
	if err != nil {
		return nil, err
	}
	l, err := p.layout(ctx, c, op.Namespace)
	if err != nil {
		return nil, err
	}
	f := &RemoveFacts{Cluster: op.Namespace, Node: o.Node, ControlPlanes: l.controlPlanes, ReadyControlPlanes: l.readyControlPlanes, Workers: l.workers}
	if f.Engaged, err = p.engaged(ctx, op); err != nil {
		return nil, err
	}
	host := l.hostOf(o.Node)
	node, err := c.Client.CoreV1().Nodes().Get(ctx, o.Node, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err) && (host == nil || !o.Dead):
		return nil, plan.Refuse(v1alpha1.ReasonNotFound, "NodeUnknown", o.Node, "cluster", op.Namespace)
	case apierrors.IsNotFound(err): // a removal that was begun by hand, say
	case err != nil:
		return nil, plan.Fail("ClusterUnreachable", op.Namespace, err)
	default:
		f.take(node)
	}
	if host != nil {
		f.Host, f.HostKeySecret = host.Name, host.Spec.KeySecret
		if host.Spec.Power.BMC != nil {
			f.BMCSecret = host.Spec.Power.BMC.CredentialsSecret
		}
		f.ControlPlane = f.ControlPlane || slices.Contains(host.Spec.Roles, v1alpha1.RoleControlPlane)
		if !slices.Contains(f.Addresses, host.Spec.Address) {
			f.Addresses = append(f.Addresses, host.Spec.Address)
		}
	}
	slices.Sort(f.Addresses)
	f.Server = strings.TrimSuffix(strings.TrimPrefix(c.Config.Host, "https://"), "/")
	conf, err := kubeadmConfig(ctx, c)
	if err != nil {
		return nil, err
	}
	if conf != nil {
		f.Endpoint, f.ExternalEtcd = conf.ControlPlaneEndpoint, conf.Etcd.External != nil
	}
	p.pods(c, f)
	if o.Dead {
		p.silence(ctx, c, l, f)
		if err := p.volumes(ctx, c, f); err != nil {
			return nil, err
		}
	} else if err := p.alive(ctx, f); err != nil {
		return nil, err
	}
	if f.ControlPlane {
		if f.Via = p.via(ctx, op.Namespace, l, f.Node); len(f.Via) > 0 && !f.ExternalEtcd {
			f.Etcd, f.EtcdError = p.etcdMembers(ctx, op.Namespace, f.Via)
		}
	}
	return f, nil
}

// take reads the Node.
func (f *RemoveFacts) take(n *corev1.Node) {
	f.UID, f.Ready = string(n.UID), nodeReady(n)
	f.Cordoned, f.CordonedBy = n.Spec.Unschedulable, n.Annotations[drain.MarkCordonedBy]
	_, f.ControlPlane = n.Labels[labelControlPlane]
	for _, a := range n.Status.Addresses {
		if a.Type == corev1.NodeInternalIP || a.Type == corev1.NodeExternalIP {
			if !slices.Contains(f.Addresses, a.Address) {
				f.Addresses = append(f.Addresses, a.Address)
			}
		}
	}
}

// pods counts what has to leave, and names what would not come back or not leave.
func (p *RemovePlanner) pods(c *fleet.Connection, f *RemoveFacts) {
	never := map[string]bool{}
	for _, pod := range c.Pods().ByNode(f.Node) {
		key := pod.Namespace + "/" + pod.Name
		switch disruption.ClassOf(pod) {
		case disruption.Unmanaged:
			f.Unmanaged = append(f.Unmanaged, key)
		case disruption.Evictable:
			f.Pods++
			for _, b := range c.BudgetsFor(pod) {
				if b.Never() {
					never[b.Name] = true
				}
			}
		}
	}
	slices.Sort(f.Unmanaged)
	for b := range never {
		f.Never = append(f.Never, b)
	}
	slices.Sort(f.Never)
}

// alive asks the machine whether it can be used, and whether it was made by Kanrin.
func (p *RemovePlanner) alive(ctx context.Context, f *RemoveFacts) error {
	if f.Host == "" {
		return nil
	}
	m, err := p.d.Hosts.Machine(ctx, f.Cluster, f.Host)
	if err == nil {
		var r *Record
		r, err = readRecord(ctx, m)
		f.Recorded = r != nil
	}
	if err != nil && machineError(err) {
		f.Unreachable, err = oneLine(err), nil
	}
	return err
}

// volumes are those attached to the node.
func (p *RemovePlanner) volumes(ctx context.Context, c *fleet.Connection, f *RemoveFacts) error {
	list, err := c.Client.StorageV1().VolumeAttachments().List(ctx, metav1.ListOptions{})
	if err != nil {
		return plan.Fail("ClusterUnreachable", c.Name, err)
	}
	for _, v := range list.Items {
		if v.Spec.NodeName == f.Node {
			f.Attachments = append(f.Attachments, v.Name)
		}
	}
	slices.Sort(f.Attachments)
	return nil
}

// silence listens for the machine: its power, its lease, and any answer, from here and from elsewhere in the cluster.
func (b base) silence(ctx context.Context, c *fleet.Connection, l *layout, f *RemoveFacts) {
	if f.Host != "" {
		b.power(ctx, f)
	}
	lease, err := c.Client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, f.Node, metav1.GetOptions{})
	if err == nil && lease.Spec.RenewTime != nil {
		// The lease is dated by the machine's own clock. A fresh one shows itself by being renewed, whatever the clocks say; the node
		// controller goes by that, and its verdict is the Ready condition.
		f.LeaseAge = int64(time.Since(lease.Spec.RenewTime.Time).Seconds())
		f.LeaseFresh = f.LeaseAge < leaseLimit
	}
	f.Answers = listen(ctx, "Kanrin", f.Addresses, sshPort(l, f.Host))
	f.Witnesses, f.Answers = b.witnessed(ctx, l, f, f.Answers)
}

// maxWitnesses are asked besides Kanrin, at the same time.
const maxWitnesses = 3

func (b base) witnessed(ctx context.Context, l *layout, f *RemoveFacts, answers []string) (who, heard []string) {
	names := witnesses(l, f.Host)
	names = names[:min(len(names), maxWitnesses)]
	type report struct {
		answers []string
		err     error
	}
	reports := make([]report, len(names))
	var asking sync.WaitGroup
	for i, name := range names {
		asking.Go(func() {
			m, err := b.d.Hosts.Machine(ctx, f.Cluster, name)
			if err == nil {
				reports[i].answers, err = listenFrom(ctx, m, f.Addresses, sshPort(l, f.Host))
			}
			reports[i].err = err
		})
	}
	asking.Wait()
	heard = answers
	for i, r := range reports {
		if r.err == nil {
			who, heard = append(who, names[i]), append(heard, r.answers...)
		}
	}
	return who, heard
}

// witnesses are the other hosts, control planes first.
func witnesses(l *layout, but string) []string {
	var first, rest []string
	for i := range l.hosts {
		h := &l.hosts[i]
		switch {
		case h.Name == but:
		case slices.Contains(h.Spec.Roles, v1alpha1.RoleControlPlane):
			first = append(first, h.Name)
		default:
			rest = append(rest, h.Name)
		}
	}
	return append(first, rest...)
}

func sshPort(l *layout, host string) int {
	for i := range l.hosts {
		if l.hosts[i].Name == host && l.hosts[i].Spec.Port != 0 {
			return int(l.hosts[i].Spec.Port)
		}
	}
	return 22
}

// Report implements plan.Planner.
func (p *RemovePlanner) Report(_ context.Context, op *v1alpha1.Operation, _ []v1alpha1.Member) ([]v1alpha1.Line, map[string]int64, error) {
	lines := []v1alpha1.Line{reportLine("NodeLeft", "node", op.Spec.RemoveNode.Node)}
	if op.Spec.RemoveNode.Dead {
		lines = append(lines, reportLine("NeverSwitchOn", "node", op.Spec.RemoveNode.Node))
	}
	return lines, nil, nil
}
