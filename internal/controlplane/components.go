package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Names of the processes; the ports they listen on are remembered under the same names (the peer port of etcd besides).
const (
	nameEtcd              = "etcd"
	nameEtcdPeer          = "etcd-peer"
	nameAPIServer         = "kube-apiserver"
	nameControllerManager = "kube-controller-manager"
	nameScheduler         = "kube-scheduler"
	nameKwok              = "kwok"
)

// serviceRange is the range of service addresses of the control planes; nothing routes it.
const serviceRange = "10.96.0.0/16"

func (c *ControlPlane) processes() []Process {
	if c.conf.Restored != nil {
		return []Process{c.restoredEtcd(), c.restoredAPIServer()}
	}
	all := []Process{c.etcd(), c.apiServer()}
	if c.conf.Scheduling {
		all = append(all, c.controllerManager(), c.scheduler())
	}
	if c.conf.Kwok != nil {
		all = append(all, c.kwok())
	}
	return all
}

func (c *ControlPlane) etcd() Process {
	return Process{
		Name: nameEtcd, Path: c.conf.Binary,
		Args: func(settled bool) ([]string, error) {
			if err := c.ports.claim(settled, nameEtcd, nameEtcdPeer); err != nil {
				return nil, err
			}
			client, peer := "https://"+c.ports.address(nameEtcd), "https://"+c.ports.address(nameEtcdPeer)
			args := []string{
				"etcd",
				"--name=" + c.conf.Name,
				"--data-dir=" + filepath.Join(c.conf.Dir, "etcd"),
				"--listen-client-urls=" + client,
				"--advertise-client-urls=" + client,
				"--listen-peer-urls=" + peer,
				"--initial-advertise-peer-urls=" + peer,
				"--initial-cluster=" + c.conf.Name + "=" + peer,
				"--initial-cluster-token=kanrin-" + c.conf.Name,
				"--client-cert-auth",
				"--trusted-ca-file=" + c.pki.cert(certEtcdCA),
				"--cert-file=" + c.pki.cert(certEtcd),
				"--key-file=" + c.pki.key(certEtcd),
				"--peer-client-cert-auth",
				"--peer-trusted-ca-file=" + c.pki.cert(certEtcdCA),
				"--peer-cert-file=" + c.pki.cert(certEtcd),
				"--peer-key-file=" + c.pki.key(certEtcd),
				"--log-level=warn",
				"--max-snapshots=2",
				"--max-wals=2",
			}
			if c.conf.Unsynced {
				args = append(args, "--unsafe-no-fsync")
			}
			return args, nil
		},
		Ready: func(ctx context.Context) error {
			return c.probe(ctx, certEtcdCA, certEtcdClient, "https://"+c.ports.address(nameEtcd)+"/readyz")
		},
	}
}

func (c *ControlPlane) apiServer() Process {
	return Process{
		// Clients that watch would hold up its end for a minute. It keeps nothing that is not in etcd.
		Name: nameAPIServer, Path: c.conf.Binary, After: []string{nameEtcd}, StopTimeout: 3 * time.Second,
		Args: func(settled bool) ([]string, error) {
			if err := c.ports.claim(settled, nameAPIServer); err != nil {
				return nil, err
			}
			if err := c.writeKubeconfigs(); err != nil {
				return nil, err
			}
			_, port, _ := strings.Cut(c.ports.address(nameAPIServer), ":")
			args := []string{
				"kube-apiserver",
				"--etcd-servers=https://" + c.ports.address(nameEtcd),
				"--etcd-cafile=" + c.pki.cert(certEtcdCA),
				"--etcd-certfile=" + c.pki.cert(certEtcdClient),
				"--etcd-keyfile=" + c.pki.key(certEtcdClient),
				"--encryption-provider-config=" + c.pki.file(encryptionFile),
				"--bind-address=127.0.0.1",
				"--secure-port=" + port,
				"--tls-cert-file=" + c.pki.cert(certAPIServer),
				"--tls-private-key-file=" + c.pki.key(certAPIServer),
				"--client-ca-file=" + c.pki.cert(certCA),
				"--anonymous-auth=false",
				"--authorization-mode=Node,RBAC",
				"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
				"--service-account-key-file=" + c.pki.file("sa.key"),
				"--service-account-signing-key-file=" + c.pki.file("sa.key"),
				"--service-cluster-ip-range=" + serviceRange,
				"--endpoint-reconciler-type=none", // a loopback address is no endpoint
				"--allow-privileged",
				"--audit-policy-file=" + filepath.Join(c.conf.Dir, auditPolicyFile),
				"--audit-log-path=" + filepath.Join(c.conf.Dir, "audit", "audit.log"),
				"--audit-log-maxsize=20",
				"--audit-log-maxbackup=5",
				"--audit-log-maxage=90",
				"--profiling=false",
				"--shutdown-delay-duration=0s",
			}
			if !c.conf.Scheduling {
				// Nobody makes service accounts, and nobody collects garbage: a foreground deletion would never end.
				args = append(args, "--disable-admission-plugins=ServiceAccount", "--enable-garbage-collector=false")
			}
			return args, nil
		},
		Ready: func(ctx context.Context) error {
			return c.probe(ctx, certCA, certAdmin, "https://"+c.ports.address(nameAPIServer)+"/readyz")
		},
	}
}

// clientArgs are what controller-manager and scheduler have in common. Neither elects a leader: there is one of each, and
// waiting for the lease of a killed predecessor would take 15 s.
func (c *ControlPlane) clientArgs(name, cert string) []string {
	kubeconfig := c.kubeconfigPath(cert)
	_, port, _ := strings.Cut(c.ports.address(name), ":")
	return []string{
		name,
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1",
		"--secure-port=" + port,
		"--tls-cert-file=" + c.pki.cert(cert),
		"--tls-private-key-file=" + c.pki.key(cert),
		"--client-ca-file=" + c.pki.cert(certCA),
		"--leader-elect=false",
		"--kube-api-qps=1000",
		"--kube-api-burst=2000",
		"--profiling=false",
	}
}

func (c *ControlPlane) controllerManager() Process {
	return Process{
		Name: nameControllerManager, Path: c.conf.Binary, After: []string{nameAPIServer},
		Args: func(settled bool) ([]string, error) {
			if err := c.ports.claim(settled, nameControllerManager); err != nil {
				return nil, err
			}
			return append(c.clientArgs(nameControllerManager, certControllerManager),
				"--service-account-private-key-file="+c.pki.file("sa.key"),
				"--root-ca-file="+c.pki.cert(certCA),
				"--use-service-account-credentials",
				"--controllers=*,-node-ipam-controller,-service-lb-controller,-node-route-controller,-cloud-node-lifecycle-controller",
				"--concurrent-deployment-syncs=10",
				"--concurrent-replicaset-syncs=20",
				"--concurrent-namespace-syncs=5",
			), nil
		},
		Ready: func(ctx context.Context) error {
			return c.probe(ctx, certCA, certAdmin, "https://"+c.ports.address(nameControllerManager)+"/healthz")
		},
	}
}

func (c *ControlPlane) scheduler() Process {
	return Process{
		Name: nameScheduler, Path: c.conf.Binary, After: []string{nameAPIServer},
		Args: func(settled bool) ([]string, error) {
			if err := c.ports.claim(settled, nameScheduler); err != nil {
				return nil, err
			}
			return c.clientArgs(nameScheduler, certScheduler), nil
		},
		Ready: func(ctx context.Context) error {
			return c.probe(ctx, certCA, certAdmin, "https://"+c.ports.address(nameScheduler)+"/readyz")
		},
	}
}

func (c *ControlPlane) kwok() Process {
	return Process{
		Name: nameKwok, Path: c.conf.Binary, After: []string{nameAPIServer},
		Args: func(settled bool) ([]string, error) {
			if err := c.ports.claim(settled, nameKwok); err != nil {
				return nil, err
			}
			path := filepath.Join(c.conf.Dir, "kwok.yaml")
			if err := writeFile(path, c.conf.Kwok, 0o600); err != nil {
				return nil, err
			}
			return []string{
				"kwok",
				"--config=" + path,
				"--kubeconfig=" + c.kubeconfigPath(certKwok),
				"--cidr=10.244.0.0/16",
				"--server-address=" + c.ports.address(nameKwok),
			}, nil
		},
		Ready: func(ctx context.Context) error {
			return get(ctx, http.DefaultTransport, "http://"+c.ports.address(nameKwok)+"/healthz")
		},
	}
}

// probe asks a URL with a client certificate. The files are read each time: they may have been renewed.
func (c *ControlPlane) probe(ctx context.Context, ca, client, url string) error {
	roots := x509.NewCertPool()
	data, err := os.ReadFile(c.pki.cert(ca))
	if err != nil {
		return fmt.Errorf("reading certificate authority: %w", err)
	}
	roots.AppendCertsFromPEM(data)
	cert, err := tls.LoadX509KeyPair(c.pki.cert(client), c.pki.key(client))
	if err != nil {
		return fmt.Errorf("reading client certificate: %w", err)
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true,
	}
	return get(ctx, transport, url)
}

func get(ctx context.Context, transport http.RoundTripper, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("asking for readiness: %w", err)
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err
		}
		return fmt.Errorf("it does not answer: %w", err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096)) // only for the reason
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s%s", resp.Status, failedChecks(string(body)))
	}
	return nil
}

// failedChecks picks the failing lines ("[-]etcd failed: …") out of a verbose readiness answer.
func failedChecks(body string) string {
	var failed []string
	for line := range strings.Lines(body) {
		if check, ok := strings.CutPrefix(strings.TrimSpace(line), "[-]"); ok {
			failed = append(failed, check)
		}
	}
	if len(failed) == 0 {
		return ""
	}
	return ": " + strings.Join(failed, "; ")
}
