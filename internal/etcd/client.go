package etcd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"kanrin.dev/kanrin/internal/hosts"
)

const (
	pki         = "/etc/kubernetes/pki/etcd"
	local       = "https://127.0.0.1:2379"
	timeout     = 10 * time.Second
	healthLimit = 4 * time.Second
	hashLimit   = 2 * time.Minute
	maxPEM      = 64 << 10
)

// Client speaks to the etcd of a cluster through one of its machines. The certificates stay in memory.
type Client struct {
	machine *hosts.Machine
	tls     *tls.Config
	client  *clientv3.Client
}

// Open connects to the member on a machine. The caller closes.
func Open(ctx context.Context, m *hosts.Machine) (*Client, error) {
	var pem [3][]byte
	for i, name := range []string{"/ca.crt", "/healthcheck-client.crt", "/healthcheck-client.key"} {
		var err error
		if pem[i], err = m.ReadFile(ctx, pki+name, maxPEM); err != nil {
			return nil, fmt.Errorf("reading the certificates of etcd: %w", err)
		}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem[0]) {
		return nil, errors.New("reading the certificates of etcd: ca.crt holds no certificate")
	}
	pair, err := tls.X509KeyPair(pem[1], pem[2])
	if err != nil {
		return nil, errors.New("reading the certificates of etcd: healthcheck-client.crt and .key do not fit together")
	}
	e := &Client{machine: m, tls: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}}
	if e.client, err = e.dial(local); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Client) dial(endpoint string) (*clientv3.Client, error) {
	c, err := clientv3.New(clientv3.Config{
		Endpoints: []string{endpoint}, TLS: e.tls, Logger: zap.NewNop(), DialTimeout: timeout,
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			if u, err := url.Parse(address); err == nil && u.Host != "" {
				address = u.Host
			}
			return e.machine.Dial(ctx, "tcp", address)
		})},
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the client of etcd: %w", err)
	}
	return c, nil
}

// Close ends the use of it.
func (e *Client) Close() { _ = e.client.Close() } // nothing is lost by it

// Members lists them, with who answers. The list is agreed on by a quorum; when there is none, the one that this member knows is taken.
func (e *Client) Members(ctx context.Context) ([]Member, error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	list, err := e.client.MemberList(limited)
	if err != nil {
		again, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		if list, err = e.client.MemberList(again, clientv3.WithSerializable()); err != nil {
			return nil, fmt.Errorf("listing the members of etcd through %s: %w", e.machine.Name, err)
		}
	}
	out := make([]Member, len(list.Members))
	var asking sync.WaitGroup
	for i, m := range list.Members {
		out[i] = Member{
			ID: strconv.FormatUint(m.ID, 16), Name: m.Name, Learner: m.IsLearner, Started: m.Name != "" && len(m.ClientURLs) > 0,
			PeerURLs: slices.Sorted(slices.Values(m.PeerURLs)),
		}
		if out[i].Started {
			asking.Go(func() { out[i].Healthy = e.healthy(ctx, m.ClientURLs) })
		}
	}
	asking.Wait()
	slices.SortFunc(out, func(a, b Member) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
	return out, nil
}

// healthy asks a member itself: it answers, knows a leader and has no errors.
func (e *Client) healthy(ctx context.Context, urls []string) bool {
	for _, u := range urls {
		c, err := e.dial(u)
		if err != nil {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, healthLimit)
		s, err := c.Status(limited, u)
		cancel()
		_ = c.Close()
		if err == nil && s.Leader != 0 && len(s.Errors) == 0 {
			return true
		}
	}
	return false
}

// Remove takes a member out; one that is out already is no error.
func (e *Client) Remove(ctx context.Context, id string) error {
	n, err := strconv.ParseUint(id, 16, 64)
	if err != nil {
		return fmt.Errorf("%q is not the id of a member: %w", id, err)
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	_, err = e.client.MemberRemove(limited, n)
	if errors.Is(err, rpctypes.ErrMemberNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("removing member %s from etcd: %w", id, err)
	}
	return nil
}
