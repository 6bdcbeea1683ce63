package component

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
)

const (
	etcdPKI     = "/etc/kubernetes/pki/etcd"
	etcdLocal   = "https://127.0.0.1:2379"
	etcdTimeout = 10 * time.Second
	maxPEM      = 64 << 10
)

// Keys of the Secret that a cluster's spec.etcd names.
const (
	secretCA         = "ca.crt"
	secretCert       = "tls.crt"
	secretKey        = "tls.key"
	SecretEncryption = "encryption"
)

// etcdAccess is a way to speak to etcd: its TLS identity, and how a connection is made.
type etcdAccess struct {
	via       string
	endpoints []string
	tls       *tls.Config
	dial      func(ctx context.Context, address string) (net.Conn, error)
}

func identity(ca, cert, key []byte) (*tls.Config, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("reading the certificates of etcd: the authority holds no certificate")
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, errors.New("reading the certificates of etcd: certificate and key do not fit together")
	}
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// directAccess speaks to the endpoints that the Cluster names.
func directAccess(ctx context.Context, c client.Client, cluster *v1alpha1.Cluster) (*etcdAccess, *corev1.Secret, error) {
	var s corev1.Secret
	if err := c.Get(ctx, client.ObjectKey{Namespace: cluster.Name, Name: cluster.Spec.Etcd.SecretName}, &s); err != nil {
		return nil, nil, fmt.Errorf("reading the certificates of etcd: %w", err)
	}
	id, err := identity(s.Data[secretCA], s.Data[secretCert], s.Data[secretKey])
	if err != nil {
		return nil, nil, err
	}
	d := net.Dialer{Timeout: etcdTimeout}
	return &etcdAccess{via: "etcd", endpoints: cluster.Spec.Etcd.Endpoints, tls: id, dial: func(ctx context.Context, address string) (net.Conn, error) {
		return d.DialContext(ctx, "tcp", address)
	}}, &s, nil
}

// hostAccess speaks to etcd from a control plane, with the certificate that kubeadm makes for health checks.
func hostAccess(ctx context.Context, m *hosts.Machine) (*etcdAccess, error) {
	var pem [3][]byte
	for i, name := range []string{"/ca.crt", "/healthcheck-client.crt", "/healthcheck-client.key"} {
		var err error
		if pem[i], err = m.ReadFile(ctx, etcdPKI+name, maxPEM); err != nil {
			return nil, fmt.Errorf("reading the certificates of etcd: %w", err)
		}
	}
	id, err := identity(pem[0], pem[1], pem[2])
	if err != nil {
		return nil, err
	}
	return &etcdAccess{via: m.Name, endpoints: []string{etcdLocal}, tls: id, dial: func(ctx context.Context, address string) (net.Conn, error) {
		return m.Dial(ctx, "tcp", address)
	}}, nil
}

// client of some endpoints; the caller closes it.
func (a *etcdAccess) client(endpoints ...string) (*clientv3.Client, error) {
	c, err := clientv3.New(clientv3.Config{
		Endpoints: endpoints, TLS: a.tls, Logger: zap.NewNop(), DialTimeout: etcdTimeout,
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			if u, err := url.Parse(address); err == nil && u.Host != "" {
				address = u.Host
			}
			return a.dial(ctx, address)
		})},
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the client of etcd: %w", err)
	}
	return c, nil
}

// member is one from which a snapshot may be taken.
type member struct {
	name, url, version string
	leader             bool
	alarms             []string
}

// members lists those that are healthy voters, followers first: a snapshot costs its member I/O that the leader should not pay.
func (a *etcdAccess) members(ctx context.Context) ([]member, error) {
	c, err := a.client(a.endpoints...)
	if err != nil {
		return nil, err
	}
	defer c.Close() //nolint:errcheck // nothing is lost by it
	limited, cancel := context.WithTimeout(ctx, etcdTimeout)
	defer cancel()
	list, err := c.MemberList(limited)
	if err != nil {
		return nil, fmt.Errorf("listing the members of etcd through %s: %w", a.via, err)
	}
	var followers, leaders []member
	for _, m := range list.Members {
		if m.IsLearner || len(m.ClientURLs) == 0 {
			continue
		}
		x, ok := a.ask(ctx, m.ID, m.Name, m.ClientURLs)
		switch {
		case !ok:
		case x.leader:
			leaders = append(leaders, x)
		default:
			followers = append(followers, x)
		}
	}
	if len(followers)+len(leaders) == 0 {
		return nil, fmt.Errorf("none of the %d members of etcd is healthy", len(list.Members))
	}
	return append(followers, leaders...), nil
}

// ask whether a member is healthy. NOSPACE is an alarm that a snapshot may well be taken under; CORRUPT is not.
func (a *etcdAccess) ask(ctx context.Context, id uint64, name string, urls []string) (member, bool) {
	for _, u := range urls {
		c, err := a.client(u)
		if err != nil {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, etcdTimeout/2)
		s, err := c.Status(limited, u)
		cancel()
		_ = c.Close() // nothing is lost by it
		if err != nil || s.Leader == 0 {
			continue
		}
		for _, e := range s.Errors {
			if containsCorrupt(e) {
				return member{}, false
			}
		}
		return member{name: name, url: u, version: s.Version, leader: s.Leader == id, alarms: s.Errors}, true
	}
	return member{}, false
}
