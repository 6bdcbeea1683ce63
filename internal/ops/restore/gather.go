package restore

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/etcd"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/plan"
)

const (
	labelControlPlane = "node-role.kubernetes.io/control-plane"
	probeLimit        = 40 * time.Second
	apiLimit          = 8 * time.Second
	probes            = 16
	// toolVersion is that of the etcdutl inside kanrin-kube.
	toolVersion = "3.6"
)

// gather reads all that a plan rests on; deep also what only findings and forecasts need.
func (b base) gather(ctx context.Context, op *v1alpha1.Operation, o Options, deep bool) (*Facts, error) {
	f := &Facts{Cluster: op.Namespace, Now: time.Now(), Tool: toolVersion}
	if o.Mode != v1alpha1.RestoreMember {
		if err := b.gatherSet(ctx, f, o.Backup); err != nil {
			return nil, err
		}
	}
	if o.Mode == v1alpha1.RestoreEverything {
		return f, b.gatherBare(ctx, f)
	}
	if err := b.gatherHosts(ctx, f, o); err != nil {
		return nil, err
	}
	if deep || o.Mode == v1alpha1.RestoreMember {
		b.gatherEtcd(ctx, f, o)
	}
	if o.Mode == v1alpha1.RestoreMember && f.host(o.Member) == nil {
		return nil, plan.Refuse(v1alpha1.ReasonNotFound, "RestoreHostUnknown", o.Member, "cluster", f.Cluster)
	}
	if !deep || o.Mode != v1alpha1.RestoreAllMembers {
		return f, nil
	}
	if err := b.highest(ctx, f); err != nil {
		return nil, err
	}
	b.openSet(ctx, f)
	return f, nil
}

// gatherSet reads the Backup.
func (b base) gatherSet(ctx context.Context, f *Facts, name string) error {
	if name == "" {
		return plan.Refuse(v1alpha1.ReasonInvalidInput, "RestoreNoSet", f.Cluster)
	}
	var s v1alpha1.Backup
	err := b.d.Client.Get(ctx, client.ObjectKey{Namespace: f.Cluster, Name: name}, &s)
	if apierrors.IsNotFound(err) {
		return plan.Refuse(v1alpha1.ReasonNotFound, "RestoreSetUnknown", name, "cluster", f.Cluster)
	}
	if err != nil {
		return fmt.Errorf("reading backup %s: %w", name, err)
	}
	st := &s.Status
	set := &SetFacts{
		Name: name, Digest: st.Digest, Phase: string(st.Phase), Kubernetes: st.KubernetesVersion, Revision: st.Revision, Missing: st.Missing, Objects: st.Objects,
	}
	if st.StartedAt != nil {
		set.At = st.StartedAt.UTC()
	}
	for _, c := range st.Components {
		if c.State != v1alpha1.ComponentCaptured {
			continue
		}
		switch c.Type {
		case v1alpha1.ComponentEtcd:
			set.Etcd, set.EtcdVersion, set.Bytes = c.Name, c.Version, c.Bytes
			if c.StartedAt != nil {
				set.At = c.StartedAt.UTC().Truncate(time.Second)
			}
			if set.Revision == 0 {
				set.Revision = c.Revision
			}
		case v1alpha1.ComponentClusterDirectory:
			set.Keys = c.Name
			for _, name := range strings.Split(c.From, ",") {
				if name = strings.TrimSpace(name); name != "" {
					set.Hosts = append(set.Hosts, name)
				}
			}
			slices.Sort(set.Hosts)
		}
	}
	f.Set = set
	return nil
}

// highest looks how large the program is, and for the highest revision that anybody may have seen: etcd may not answer, and an earlier restore has raised them.
func (b base) highest(ctx context.Context, f *Facts) error {
	if info, err := os.Stat(b.d.Kube); err == nil {
		f.Program = info.Size()
	}
	var list v1alpha1.BackupList
	if err := b.d.Client.List(ctx, &list, client.InNamespace(f.Cluster)); err != nil {
		return fmt.Errorf("listing the backups of %s: %w", f.Cluster, err)
	}
	for i := range list.Items {
		f.Highest = max(f.Highest, list.Items[i].Status.Revision)
	}
	if b.d.History == nil {
		return nil
	}
	ops, err := b.d.History.Operations(ctx, f.Cluster)
	if err != nil {
		return fmt.Errorf("reading the operations of %s: %w", f.Cluster, err)
	}
	for i := range ops {
		if ops[i].Status.Plan == nil || ops[i].Spec.Type != v1alpha1.OperationRestoreCluster {
			continue
		}
		for _, st := range ops[i].Status.Plan.Steps {
			var a struct{ Revision, Bump int64 }
			if st.Kind == KindQuorum && st.Args != nil && json.Unmarshal(st.Args.Raw, &a) == nil {
				f.Highest = max(f.Highest, a.Revision+a.Bump)
			}
		}
	}
	return nil
}

// gatherHosts joins hosts and nodes and asks each control plane. The cluster's API may be gone; then the registered hosts are all there is.
func (b base) gatherHosts(ctx context.Context, f *Facts, o Options) error {
	list, err := b.Hosts.Hosts(ctx, f.Cluster)
	if err != nil {
		return err
	}
	nodes := map[string]*corev1.Node{}
	if c, err := b.Fleet.Connection(f.Cluster); err == nil {
		limited, cancel := context.WithTimeout(ctx, apiLimit)
		_ = c.WaitSynced(limited) // what is known is better than nothing
		cancel()
		if all, err := c.Nodes().List(labels.Everything()); err == nil {
			for _, n := range all {
				nodes[n.Name] = n
			}
		}
	}
	for i := range list {
		h := &list[i]
		x := Host{Name: h.Name, Node: h.Spec.NodeName, ControlPlane: slices.Contains(h.Spec.Roles, v1alpha1.RoleControlPlane), FreeData: -1, FreeState: -1, Left: slices.Contains(o.Without, h.Name)}
		if n := nodes[x.Node]; n != nil {
			_, cp := n.Labels[labelControlPlane]
			x.ControlPlane = x.ControlPlane || cp
			delete(nodes, x.Node)
		}
		f.Hosts = append(f.Hosts, x)
	}
	for name, n := range nodes {
		if _, cp := n.Labels[labelControlPlane]; cp {
			f.Unhosted = append(f.Unhosted, name)
		}
	}
	slices.Sort(f.Unhosted)
	return b.askAll(ctx, f, func(ctx context.Context, m *hosts.Machine, h *Host) (err error) {
		switch {
		case h.ControlPlane:
			err = probeControlPlane(ctx, m, h)
		case h.Node != "":
			_, err = m.Run(ctx, hosts.Command{Args: []string{"true"}})
		}
		return err
	})
}

// askAll asks every host at the same time; one that does not answer is a fact too.
func (b base) askAll(ctx context.Context, f *Facts, ask func(context.Context, *hosts.Machine, *Host) error) error {
	slots := make(chan struct{}, probes)
	var wg sync.WaitGroup
	for i := range f.Hosts {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			limited, cancel := context.WithTimeout(ctx, probeLimit)
			defer cancel()
			h := &f.Hosts[i]
			m, err := b.Hosts.Machine(limited, f.Cluster, h.Name)
			if err == nil {
				err = ask(limited, m, h)
			}
			if err != nil {
				h.Unreachable = oneLine(err)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// gatherEtcd asks etcd through every control plane that answers, all at the same time: a broken one takes its time.
func (b base) gatherEtcd(ctx context.Context, f *Facts, o Options) {
	var via []string
	for _, h := range f.controlPlanes() {
		if h.Unreachable == "" && !(o.Mode == v1alpha1.RestoreMember && h.Name == o.Member) {
			via = append(via, h.Name)
		}
	}
	type answer struct {
		status  *etcd.Status
		members []etcd.Member
		err     error
	}
	answers := make([]answer, len(via))
	var wg sync.WaitGroup
	for i, host := range via {
		wg.Go(func() {
			a := &answers[i]
			var e *etcd.Client
			if e, a.err = etcd.Via(ctx, b.Hosts, f.Cluster, []string{host}); a.err != nil {
				return
			}
			defer e.Close()
			if a.status, a.err = e.Status(ctx); a.err == nil {
				a.members, a.err = e.Members(ctx)
			}
		})
	}
	wg.Wait()
	var errs []string
	for i, a := range answers {
		if a.status != nil {
			f.Highest, f.EtcdBytes = max(f.Highest, a.status.Revision), max(f.EtcdBytes, a.status.Bytes)
		}
		if a.err != nil {
			errs = append(errs, via[i]+": "+oneLine(a.err))
		} else if f.Etcd == nil || !etcd.QuorumOf(f.Etcd).Has() {
			f.Etcd = a.members
		}
	}
	if f.Etcd == nil {
		f.EtcdError = strings.Join(errs, "; ")
		if f.EtcdError == "" {
			f.EtcdError = "no control plane answers"
		}
	}
	if h := f.host(o.Member); h != nil && o.Mode == v1alpha1.RestoreMember {
		for _, m := range f.Etcd {
			if m.Name == h.Member && h.Member != "" || slices.Contains(m.PeerURLs, h.PeerURL) {
				f.Member = m.ID
			}
		}
	}
}

func oneLine(err error) string { return strings.ReplaceAll(fmt.Sprint(err), "\n", "; ") }
