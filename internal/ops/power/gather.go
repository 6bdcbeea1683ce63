package power

import (
	"context"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// History lists the operations of a cluster.
type History interface {
	Operations(ctx context.Context, cluster string) ([]v1alpha1.Operation, error)
}

// Dependencies of the planners and steps of this package.
type Dependencies struct {
	Fleet   call.Connections
	Hosts   *hosts.Pool
	Client  client.Client // of the management API
	History History
}

type base struct {
	call.Base
	d Dependencies
}

const (
	labelControlPlane = "node-role.kubernetes.io/control-plane"
	markCordonedBy    = "kanrin.dev/cordoned-by"
	// probeLimit is how long one machine may take to answer all questions of a plan.
	probeLimit = 30 * time.Second
	// probes at the same time.
	probes = 16
)

// machines joins hosts and nodes. nodes may be nil when the cluster does not answer.
func (b base) machines(ctx context.Context, cluster string, nodes []*corev1.Node) (*Facts, error) {
	list, err := b.Hosts.Hosts(ctx, cluster)
	if err != nil {
		return nil, err
	}
	f := &Facts{Cluster: cluster, Now: time.Now(), Engaged: map[string]string{}}
	byName := map[string]*corev1.Node{}
	for _, n := range nodes {
		byName[n.Name] = n
	}
	for _, h := range list {
		m := Machine{
			Host: h.Name, Node: h.Spec.NodeName, Tier: h.Spec.Tier, Power: h.Spec.Power.BMC != nil || h.Spec.Power.Command != "",
			ControlPlane: slices.Contains(h.Spec.Roles, v1alpha1.RoleControlPlane), Runtime: "containerd",
		}
		m.Other = slices.ContainsFunc(h.Spec.Roles, func(r v1alpha1.HostRole) bool { return r == v1alpha1.RoleProxy || r == v1alpha1.RoleManagement })
		if h.Status.Facts != nil && strings.Contains(strings.ToLower(h.Status.Facts.Runtime), "crio") {
			m.Runtime = "crio"
		}
		if n := byName[m.Node]; n != nil {
			_, cp := n.Labels[labelControlPlane]
			m.ControlPlane = m.ControlPlane || cp
			m.Cordoned, m.CordonedBy, m.Ready = n.Spec.Unschedulable, n.Annotations[markCordonedBy], nodeReady(n)
			delete(byName, m.Node)
		}
		f.Machines = append(f.Machines, m)
	}
	for name := range byName {
		f.Unhosted = append(f.Unhosted, name)
	}
	sort.Strings(f.Unhosted)
	sort.Slice(f.Machines, func(i, j int) bool {
		a, c := f.Machines[i], f.Machines[j]
		if a.Tier != c.Tier {
			return a.Tier < c.Tier
		}
		return a.Host < c.Host
	})
	return f, nil
}

// probe asks every machine at the same time; one that does not answer is a fact too.
func (b base) probe(ctx context.Context, f *Facts, ask func(context.Context, *hosts.Machine, *Machine) error) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, probes)
	for i := range f.Machines {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			limited, cancel := context.WithTimeout(ctx, probeLimit)
			defer cancel()
			m := &f.Machines[i]
			machine, err := b.Hosts.Machine(limited, f.Cluster, m.Host)
			if err == nil {
				err = ask(limited, machine, m)
			}
			m.State = v1alpha1.HostReachable
			if err != nil {
				m.State, m.StateText = hosts.StateOf(err), err.Error()
			}
		})
	}
	wg.Wait()
}

// look reads clock and certificates.
func look(ctx context.Context, machine *hosts.Machine, m *Machine) error {
	facts, err := machine.Facts(ctx)
	if err != nil {
		return err
	}
	m.OffsetMs, m.ErrorMs = facts.ClockOffsetMilliseconds, facts.ClockErrorMilliseconds
	if strings.Contains(strings.ToLower(facts.Runtime), "crio") {
		m.Runtime = "crio"
	}
	if m.Node == "" {
		return nil
	}
	r, err := machine.Script(ctx, certificateScript)
	if err != nil {
		return err
	}
	m.NotAfterFile, m.NotAfter = earliest(string(r.Stdout))
	return nil
}

// gatherStop reads all that a stop rests on.
func (b base) gatherStop(ctx context.Context, op *v1alpha1.Operation, deep bool) (*Facts, error) {
	state, err := ReadState(ctx, b.d.Client, op.Namespace)
	if err != nil {
		return nil, err
	}
	c, err := b.Connect(ctx, op.Namespace)
	if err != nil && state != nil {
		return nil, plan.Refuse(v1alpha1.ReasonInvalidInput, "StoppedAlready", op.Namespace, "operation", state.Operation, "at", state.At.UTC().Format(time.RFC3339))
	}
	if err != nil {
		return nil, err
	}
	nodes, err := c.Nodes().List(labels.Everything())
	if err != nil {
		return nil, err
	}
	f, err := b.machines(ctx, op.Namespace, nodes)
	if err != nil {
		return nil, err
	}
	f.State = state
	if f.Webhooks, err = webhooksOf(ctx, c); err != nil {
		return nil, err
	}
	f.Workloads = map[string]int32{}
	for _, t := range op.Spec.Stop.ScaleDown {
		for _, key := range t.Workloads {
			n, err := replicas(ctx, c, key)
			switch {
			case apierrors.IsNotFound(err) || err == errKind:
				f.Missing = append(f.Missing, key)
			case err != nil:
				return nil, plan.Fail("ClusterUnreachable", op.Namespace, err)
			default:
				f.Workloads[key] = n
			}
		}
	}
	f.Pods = c.Pods().Len()
	for i := range f.Machines {
		for _, p := range c.Pods().ByNode(f.Machines[i].Node) {
			f.Grace = max(f.Grace, ptr.Deref(p.Spec.TerminationGracePeriodSeconds, 30))
			f.Machines[i].Pods++
		}
	}
	if deep {
		if f.Whole, err = whole(c); err != nil {
			return nil, err
		}
		b.probe(ctx, f, look)
	}
	return f, nil
}

func webhooksOf(ctx context.Context, c *fleet.Connection) ([]Webhook, error) {
	v, err := c.Client.AdmissionregistrationV1().ValidatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, plan.Fail("ClusterUnreachable", c.Name, err)
	}
	m, err := c.Client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, plan.Fail("ClusterUnreachable", c.Name, err)
	}
	return deadlocks(v.Items, m.Items), nil
}

// whole lists workloads that have all their replicas ready.
func whole(c *fleet.Connection) ([]string, error) {
	var out []string
	ds, err := c.Deployments().List(labels.Everything())
	if err != nil {
		return nil, err
	}
	for _, d := range ds {
		if n := ptr.Deref(d.Spec.Replicas, 1); n > 0 && d.Status.ReadyReplicas >= n {
			out = append(out, "Deployment/"+d.Namespace+"/"+d.Name)
		}
	}
	ss, err := c.StatefulSets().List(labels.Everything())
	if err != nil {
		return nil, err
	}
	for _, s := range ss {
		if n := ptr.Deref(s.Spec.Replicas, 1); n > 0 && s.Status.ReadyReplicas >= n {
			out = append(out, "StatefulSet/"+s.Namespace+"/"+s.Name)
		}
	}
	sort.Strings(out)
	return out, nil
}

func nodeReady(n *corev1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// engage adds which nodes are in the hands of other operations.
func (b base) engage(ctx context.Context, op *v1alpha1.Operation, f *Facts) error {
	ops, err := b.d.History.Operations(ctx, op.Namespace)
	if err != nil {
		return err
	}
	for i := range ops {
		if o := &ops[i]; o.Name != op.Name && plan.AtWork(o.Status.Phase) {
			for _, n := range plan.Nodes(o) {
				f.Engaged[n] = o.Name
			}
		}
	}
	return nil
}
