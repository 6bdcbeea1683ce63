package restore

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kanrin.dev/kanrin/internal/etcd"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// given reports whether all the manifests are where the kubelet looks.
func (b base) given(ctx context.Context, s *plan.Scope, a hostArgs, pods ...string) (bool, error) {
	out, err := b.ask(ctx, s, a, "given", pods...)
	return err == nil && len(strings.Fields(out)) == len(pods), err
}

// startEtcd puts the manifest of etcd back: as it was, or as that of a member that joins.
type startEtcd struct{ base }

// Done implements plan.Behaviour.
func (b startEtcd) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	return b.given(ctx, s, a, podEtcd)
}

// Do implements plan.Behaviour.
func (b startEtcd) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	if a.Joins {
		return b.join(ctx, s, a)
	}
	_, err = b.change(ctx, s, a, "give", podEtcd)
	return err
}

// join writes the manifest as kubeadm join leaves it.
func (b startEtcd) join(ctx context.Context, s *plan.Scope, a hostArgs) error {
	var cluster string
	err := b.look(ctx, s, a.Via, func(_ *etcd.Client, members []etcd.Member) error {
		cluster = clusterOf(members, a.Member, a.PeerURL)
		return nil
	})
	if err != nil {
		return err
	}
	m, err := b.Machine(ctx, s, a.Host)
	if err != nil {
		return err
	}
	raw, err := m.ReadFile(ctx, keptDir(s)+"/"+podEtcd+".yaml", maxManifest)
	if err != nil {
		return call.OnHost(ctx, a.Host, err)
	}
	out, err := joinManifest(raw, cluster)
	if err != nil {
		return plan.Fail("RestoreManifest", a.Host, err)
	}
	err = b.onMachine(ctx, s, a.Host, func(ctx context.Context, m *hosts.Machine) error {
		return m.WriteFile(ctx, manifestDir+"/"+podEtcd+".yaml", 0o600, bytes.NewReader(out))
	})
	if err != nil {
		return err
	}
	_, err = b.change(ctx, s, a, "drop", podEtcd)
	return err
}

// Undo implements plan.Undoer.
func (b startEtcd) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil || passed(s) || a.Joins {
		return false, err
	}
	err = b.take(ctx, s, a, podEtcd)
	return err == nil, err
}

// quorum waits until all members agree: on who leads, and on every key.
type quorum struct{ base }

// MeasureRevision of step quorum is the revision of the restored etcd.
const MeasureRevision = "revision"

// Done implements plan.Behaviour.
func (quorum) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Do implements plan.Behaviour.
func (b quorum) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[gateArgs](s)
	if err != nil {
		return err
	}
	for {
		revision, err := b.agreed(ctx, s.Cluster, a)
		var f *plan.Failure
		switch {
		case err == nil:
			s.GoOn()
			s.Measure(MeasureRevision, revision)
			s.Progress(len(a.Hosts), len(a.Hosts))
			s.Log("info", "RestoreAgreed", s.Cluster, "revision", revision, "count", len(a.Hosts))
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.As(err, &f):
			return err
		}
		s.Wait("RestoreQuorum", s.Cluster, "error", oneLine(err))
		if err := call.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// agreed compares all members at one revision.
func (b base) agreed(ctx context.Context, cluster string, a gateArgs) (int64, error) {
	clients := make([]*etcd.Client, 0, len(a.Hosts))
	defer func() {
		for _, c := range clients {
			c.Close()
		}
	}()
	var lowest int64
	for _, host := range a.Hosts {
		c, err := etcd.Via(ctx, b.Hosts, cluster, []string{host})
		if err != nil {
			return 0, err
		}
		clients = append(clients, c)
		st, err := c.Status(ctx)
		switch {
		case err != nil:
			return 0, err
		case st.Leader == "":
			return 0, fmt.Errorf("the member on %s knows no leader", host)
		case len(st.Errors) > 0:
			return 0, plan.Fail("RestoreAlarm", host, nil, "errors", strings.Join(st.Errors, "; ")) // no waiting ends it
		case st.Revision < a.Revision+a.Bump:
			return 0, plan.Fail("RestoreRevisionLow", host, nil, "revision", st.Revision, "want", a.Revision+a.Bump)
		}
		if lowest == 0 || st.Revision < lowest {
			lowest = st.Revision
		}
	}
	members, err := clients[0].Members(ctx)
	if err != nil {
		return 0, err
	}
	if q := etcd.QuorumOf(members); q.Voters != len(a.Hosts) || q.Healthy != q.Voters {
		return 0, fmt.Errorf("%d of %d members are healthy", q.Healthy, len(a.Hosts))
	}
	var first etcd.Hash
	for i, c := range clients {
		h, err := c.Hash(ctx, lowest)
		if err != nil {
			return 0, err
		}
		if i == 0 {
			first = h
		} else if h != first {
			return 0, plan.Fail("RestoreHashDiffers", a.Hosts[i], nil, "other", a.Hosts[0], "revision", lowest)
		}
	}
	return lowest, nil
}

// serve puts the API server of a control plane back and waits until it is ready.
type serve struct{ base }

// Done implements plan.Behaviour.
func (b serve) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	ok, err := b.given(ctx, s, a, podAPIServer)
	return ok && b.ready(ctx, s.Cluster, a) == nil, err
}

// Do implements plan.Behaviour.
func (b serve) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	if _, err := b.change(ctx, s, a, "give", podAPIServer); err != nil {
		return err
	}
	for {
		err := b.ready(ctx, s.Cluster, a)
		if err == nil {
			s.GoOn()
			return nil
		}
		s.Wait("RestoreServer", a.Host, "error", oneLine(err))
		if err := call.Sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

// ready asks the API server of one host, past any load balancer.
func (b base) ready(ctx context.Context, cluster string, a hostArgs) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	m, err := b.Hosts.Machine(ctx, cluster, a.Host)
	if err != nil {
		return err
	}
	ca, err := m.ReadFile(ctx, "/etc/kubernetes/pki/ca.crt", maxManifest)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return m.Dial(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(a.APIPort)))
		},
		TLSClientConfig:   &tls.Config{RootCAs: pool, ServerName: "kubernetes", MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true,
	}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://kubernetes/readyz", nil)
	if err != nil {
		return err
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // only read from
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 4096))
	switch res.StatusCode {
	case http.StatusOK, http.StatusUnauthorized, http.StatusForbidden: // it may not talk to strangers
		return nil
	}
	return fmt.Errorf("the API server answers %s", res.Status)
}

// control puts the controllers of a control plane back.
type control struct{ base }

// Done implements plan.Behaviour.
func (b control) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	return b.given(ctx, s, a, podController, podScheduler)
}

// Do implements plan.Behaviour.
func (b control) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	if _, err := b.change(ctx, s, a, "give", podController, podScheduler); err != nil {
		return err
	}
	for {
		m, err := b.Machine(ctx, s, a.Host)
		if err != nil {
			return err
		}
		running, _, err := b.still(ctx, m, manifestDir, []string{podController, podScheduler})
		if err == nil && len(running) == 2 {
			s.GoOn()
			return nil
		}
		if err != nil && !lost(err) {
			return call.OnHost(ctx, a.Host, err)
		}
		s.Wait("RestoreControllers", a.Host)
		if err := call.Sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

// kubelet restarts the kubelet of a node: what it knows of the API is of before.
type kubelet struct{ base }

// Done implements plan.Behaviour.
func (kubelet) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Do implements plan.Behaviour.
func (b kubelet) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	return b.unit(ctx, s, a, `systemctl --no-block restart kubelet`, "active")
}

// tidy removes from a host what was brought for the restore. The data that was set aside stays.
type tidy struct{ base }

// Done implements plan.Behaviour.
func (tidy) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Do implements plan.Behaviour.
func (b tidy) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	dir, err := b.change(ctx, s, a, "tidy")
	if err == nil && dir != "" {
		s.Log("info", "RestoreKept", a.Host, "dir", dir)
	}
	return err
}
