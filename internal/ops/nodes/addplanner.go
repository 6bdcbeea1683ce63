package nodes

import (
	"cmp"
	"context"
	"errors"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/lang"
	"kanrin.dev/kanrin/internal/plan"
)

// AddPlanner plans joins.
type AddPlanner struct{ base }

// Plan implements plan.Planner.
func (p *AddPlanner) Plan(ctx context.Context, op *v1alpha1.Operation) (*plan.Draft, error) {
	o := AddOptionsOf(op.Spec.AddNode)
	f, err := p.gather(ctx, op, o)
	if err != nil {
		return nil, err
	}
	return ComposeAdd(f, o, CheckAdd(f, o))
}

// Facts implements plan.Planner.
func (p *AddPlanner) Facts(ctx context.Context, op *v1alpha1.Operation) (any, error) {
	return p.gather(ctx, op, AddOptionsOf(op.Spec.AddNode))
}

func (p *AddPlanner) gather(ctx context.Context, op *v1alpha1.Operation, o AddOptions) (*AddFacts, error) {
	c, err := p.Connect(ctx, op.Namespace)
	if err != nil {
		return nil, err
	}
	l, err := p.layout(ctx, c, op.Namespace)
	if err != nil {
		return nil, err
	}
	f := &AddFacts{Cluster: op.Namespace, Host: o.Host, Nodes: l.nodes, ControlPlanes: l.controlPlanes, HostsOf: map[string]string{}, Version: c.Version()}
	var host *v1alpha1.Host
	for i := range l.hosts {
		if l.hosts[i].Name == o.Host {
			host = &l.hosts[i]
		}
	}
	if host == nil {
		return nil, plan.Refuse(v1alpha1.ReasonNotFound, "HostUnknown", o.Host, "cluster", op.Namespace)
	}
	f.Node, f.NodeNamed = cmp.Or(host.Spec.NodeName, host.Name), host.Spec.NodeName != ""
	f.HostNode, f.HostRoles, f.HostGroup, f.Address = host.Spec.NodeName, host.Spec.Roles, host.Spec.Group, host.Spec.Address
	for i := range l.hosts {
		if h := &l.hosts[i]; h.Name != o.Host && cmp.Or(h.Spec.NodeName, h.Name) == f.Node {
			f.HostsOf[f.Node] = h.Name
		}
	}
	if f.Engaged, err = p.engaged(ctx, op); err != nil {
		return nil, err
	}
	conf, err := kubeadmConfig(ctx, c)
	if err != nil {
		return nil, err
	}
	if f.Endpoint, f.CAHashes, err = clusterInfo(ctx, c); err != nil {
		return nil, err
	}
	if conf != nil {
		f.Kubeadmed, f.Stable, f.ExternalEtcd = true, conf.ControlPlaneEndpoint != "", conf.Etcd.External != nil
		f.Endpoint = cmp.Or(conf.ControlPlaneEndpoint, f.Endpoint)
	}
	if f.Endpoint != "" && !strings.Contains(strings.TrimPrefix(f.Endpoint, "["), ":") {
		f.Endpoint += ":6443"
	}
	p.bundle(f, o)
	if err := p.ask(ctx, op.Namespace, f); err != nil {
		return nil, err
	}
	if o.controlPlane() {
		if f.Via = p.via(ctx, op.Namespace, l, f.Node); len(f.Via) > 0 && !f.ExternalEtcd {
			f.Etcd, f.EtcdError = p.etcdMembers(ctx, op.Namespace, f.Via)
		}
	}
	return f, nil
}

// ask gathers what the machine says of itself.
func (p *AddPlanner) ask(ctx context.Context, cluster string, f *AddFacts) error {
	m, err := p.d.Hosts.Machine(ctx, cluster, f.Host)
	if err != nil {
		return unusable(f, err)
	}
	facts, err := m.Facts(ctx)
	if err != nil {
		return unusable(f, err)
	}
	f.Hostname, f.OS, f.Arch, f.Swap = facts.Hostname, facts.OS, facts.Arch, facts.Swap
	f.Runtime, f.Kubelet, f.Kubeadm = facts.Runtime, facts.Kubelet, facts.Kubeadm
	f.ClockOffset, f.ClockError = facts.ClockOffsetMilliseconds, facts.ClockErrorMilliseconds
	host, port := splitEndpoint(f.Endpoint)
	r, err := m.Script(ctx, preflightScript, host, port)
	if err != nil {
		return unusable(f, err)
	}
	if f.Preflight, err = parsePreflight(r.Stdout); err != nil {
		return unusable(f, err)
	}
	return nil
}

// unusable makes a machine's error a fact; any other is returned.
func unusable(f *AddFacts, err error) error {
	if !machineError(err) {
		return err
	}
	f.Unreachable = oneLine(err)
	return nil
}

func machineError(err error) bool {
	var e *hosts.Error
	var x *hosts.ExitError
	return errors.As(err, &e) || errors.As(err, &x) || apierrors.IsNotFound(err)
}

func splitEndpoint(e string) (host, port string) {
	i := strings.LastIndex(e, ":")
	if i < 0 {
		return e, "6443"
	}
	return strings.Trim(e[:i], "[]"), e[i+1:]
}

// bundle reads the bundle that was asked for.
func (p *AddPlanner) bundle(f *AddFacts, o AddOptions) {
	if o.Bundle == "" {
		return
	}
	b, err := OpenBundle(p.d.Bundles, o.Bundle)
	if err != nil {
		f.BundleError = oneLine(err)
		return
	}
	defer b.Close()
	f.Bundle, f.BundleKube, f.BundleBytes = b.sum(), b.Kubernetes, b.Bytes()
	for _, program := range []string{"kubelet", "kubeadm", "containerd"} {
		if b.Has(program) {
			f.Brings = append(f.Brings, program)
		}
	}
}

// Report implements plan.Planner.
func (p *AddPlanner) Report(_ context.Context, op *v1alpha1.Operation, _ []v1alpha1.Member) ([]v1alpha1.Line, map[string]int64, error) {
	return []v1alpha1.Line{reportLine("NodeJoined", "node", op.Status.Target, "role", string(op.Spec.AddNode.Role))}, nil, nil
}

func reportLine(code string, pairs ...any) v1alpha1.Line {
	params := lang.P(pairs...)
	return v1alpha1.Line{Code: code, Params: params, Message: lang.English.Text("report."+code, params)}
}
