package power

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// The gates of a start look and wait; they change nothing and are never skipped.

type gateEtcd struct{ base }

type gateAPI struct{ base }

type gateNodes struct{ base }

type gateCore struct{ base }

// Done implements plan.Behaviour.
func (gateEtcd) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Done implements plan.Behaviour.
func (gateAPI) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Done implements plan.Behaviour.
func (gateNodes) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Done implements plan.Behaviour.
func (gateCore) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// etcdHealth is where kubeadm has etcd answer questions of health, on the loopback of each control plane. "true" there means that the
// member could read through its quorum.
const etcdHealth = "127.0.0.1:2381"

// Do implements plan.Behaviour: a majority of the members says that it reads through a quorum.
func (b gateEtcd) Do(ctx context.Context, s *plan.Scope) error {
	defer clock(s)()
	a, err := call.Decode[gateArgs](s)
	if err != nil {
		return err
	}
	need := a.Need
	for {
		healthy := 0
		for _, h := range a.Hosts {
			if b.etcdHealthy(ctx, s.Cluster, h.Host) {
				healthy++
			}
		}
		s.Progress(healthy, len(a.Hosts))
		if healthy >= need {
			s.GoOn()
			return nil
		}
		s.Wait("EtcdQuorum", s.Cluster, "healthy", healthy, "members", len(a.Hosts), "need", need)
		if err := call.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// etcdHealthy asks the member on a host, through SSH.
func (b base) etcdHealthy(ctx context.Context, cluster, host string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	m, err := b.Hosts.Machine(ctx, cluster, host)
	if err != nil {
		return false
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return m.Dial(ctx, "tcp", etcdHealth) }, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+etcdHealth+"/health", nil)
	if err != nil {
		return false
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	var answer struct{ Health string }
	return json.NewDecoder(http.MaxBytesReader(nil, res.Body, 4096)).Decode(&answer) == nil && answer.Health == "true"
}

// Do implements plan.Behaviour: the API server is ready and the caches follow it.
func (b gateAPI) Do(ctx context.Context, s *plan.Scope) error {
	defer clock(s)()
	for {
		c, err := b.Reach(ctx, s)
		if err != nil {
			return err
		}
		limited, cancel := context.WithTimeout(ctx, 10*time.Second)
		_, err = c.Client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(limited)
		cancel()
		if err == nil {
			s.GoOn()
			return nil
		}
		s.Wait("ApiUnreachable", s.Cluster, "error", err)
		if err := call.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// Do implements plan.Behaviour: every node of the step is Ready.
func (b gateNodes) Do(ctx context.Context, s *plan.Scope) error {
	defer clock(s)()
	a, err := call.Decode[gateArgs](s)
	if err != nil {
		return err
	}
	want := make([]string, len(a.Hosts))
	for i, h := range a.Hosts {
		want[i] = h.Node
	}
	return b.awaitNodes(ctx, s, want)
}

// awaitNodes asks the API, not the cache: what was Ready before a power cut is so in the cache too.
func (b base) awaitNodes(ctx context.Context, s *plan.Scope, want []string) error {
	for {
		c, err := b.Reach(ctx, s)
		if err != nil {
			return err
		}
		missing := unready(ctx, c, want)
		s.Progress(len(want)-len(missing), len(want))
		if len(missing) == 0 {
			s.GoOn()
			return nil
		}
		s.Wait("NodesNotReady", missing[0], "count", len(missing), "nodes", strings.Join(missing, ", "))
		if err := call.Sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

// fresh is how old a kubelet's last lease may be. After a power cut a node keeps its last condition until somebody notices.
const freshLease = 40 * time.Second

func unready(ctx context.Context, c *fleet.Connection, want []string) []string {
	var out []string
	for _, name := range want {
		limited, cancel := context.WithTimeout(ctx, 10*time.Second)
		n, err := c.Client.CoreV1().Nodes().Get(limited, name, metav1.GetOptions{})
		ok := err == nil && nodeReady(n)
		if ok {
			l, err := c.Client.CoordinationV1().Leases("kube-node-lease").Get(limited, name, metav1.GetOptions{})
			ok = err == nil && l.Spec.RenewTime != nil && time.Since(l.Spec.RenewTime.Time) < freshLease
		}
		cancel()
		if !ok {
			out = append(out, name)
		}
	}
	return out
}

// Do implements plan.Behaviour: what every pod needs runs again: the Deployments and DaemonSets of kube-system.
func (b gateCore) Do(ctx context.Context, s *plan.Scope) error {
	defer clock(s)()
	for {
		c, err := b.Reach(ctx, s)
		if err != nil {
			return err
		}
		missing, all, err := core(c)
		if err != nil {
			return err
		}
		s.Progress(all-len(missing), all)
		if len(missing) == 0 {
			s.GoOn()
			return nil
		}
		s.Wait("CoreServices", missing[0], "count", len(missing))
		if err := call.Sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

func core(c *fleet.Connection) (missing []string, all int, err error) {
	ds, err := c.Deployments().Deployments("kube-system").List(labels.Everything())
	if err != nil {
		return nil, 0, err
	}
	for _, d := range ds {
		all++
		// One replica is enough to go on: the other may stand on a node that is still cordoned.
		if want := ptr.Deref(d.Spec.Replicas, 1); want > 0 && d.Status.ReadyReplicas == 0 {
			missing = append(missing, "Deployment/"+d.Namespace+"/"+d.Name)
		}
	}
	sets, err := c.DaemonSets().DaemonSets("kube-system").List(labels.Everything())
	if err != nil {
		return nil, 0, err
	}
	for _, d := range sets {
		all++
		if d.Status.NumberReady < d.Status.DesiredNumberScheduled {
			missing = append(missing, "DaemonSet/"+d.Namespace+"/"+d.Name)
		}
	}
	return missing, all, nil
}
