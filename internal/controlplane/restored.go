package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Restored describes a control plane on a store that was restored from a snapshot of another one. It is there to be read:
// its API server admits everything, converts nothing over the network and connects to nothing but its own etcd. The API
// server waits for StartAPI, so that etcd can be read before anything is written to it.
type Restored struct {
	// Encryption is the other control plane's EncryptionConfiguration; nil when it encrypted nothing.
	Encryption []byte
	// EtcdPrefix is what the other API server put before its keys; empty means /registry.
	EtcdPrefix string
}

const (
	restoredEncryptionFile = "restored-encryption.yaml"
	egressFile             = "egress.yaml"
)

// egressNowhere sends what the API server would connect to (webhooks, aggregated APIs, kubelets) to a socket that is not there.
const egressNowhere = `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport:
      uds:
        udsName: %s
`

// allAdmission are the plugins that are on by default.
var allAdmission = []string{
	"NamespaceLifecycle", "LimitRanger", "ServiceAccount", "TaintNodesByCondition", "PodSecurity", "Priority", "DefaultTolerationSeconds",
	"DefaultStorageClass", "StorageObjectInUseProtection", "PersistentVolumeClaimResize", "RuntimeClass", "CertificateApproval",
	"CertificateSigning", "ClusterTrustBundleAttest", "CertificateSubjectRestriction", "DefaultIngressClass", "PodTopologyLabels",
	"MutatingAdmissionPolicy", "MutatingAdmissionWebhook", "ValidatingAdmissionPolicy", "ValidatingAdmissionWebhook", "ResourceQuota",
}

func (c *ControlPlane) writeRestored() error {
	none := filepath.Join(c.conf.Dir, "nowhere.sock")
	if err := writeFile(filepath.Join(c.conf.Dir, egressFile), fmt.Appendf(nil, egressNowhere, none), 0o600); err != nil {
		return err
	}
	if c.conf.Restored.Encryption == nil {
		return nil
	}
	return writeFile(c.pki.file(restoredEncryptionFile), c.conf.Restored.Encryption, 0o600)
}

// restoredQuota is large, so that a store that was nearly full can be started.
const restoredQuota = 64 << 30

func (c *ControlPlane) restoredEtcd() Process {
	p := c.etcd()
	args := p.Args
	p.Args = func(settled bool) ([]string, error) {
		all, err := args(settled)
		return append(all, fmt.Sprintf("--quota-backend-bytes=%d", int64(restoredQuota))), err
	}
	return p
}

func (c *ControlPlane) restoredAPIServer() Process {
	p := c.apiServer()
	p.Hold = c.letGo
	p.Args = func(settled bool) ([]string, error) {
		if err := c.ports.claim(settled, nameAPIServer); err != nil {
			return nil, err
		}
		_, port, _ := strings.Cut(c.ports.address(nameAPIServer), ":")
		args := []string{
			"kube-apiserver",
			"--etcd-servers=https://" + c.ports.address(nameEtcd),
			"--etcd-cafile=" + c.pki.cert(certEtcdCA),
			"--etcd-certfile=" + c.pki.cert(certEtcdClient),
			"--etcd-keyfile=" + c.pki.key(certEtcdClient),
			"--bind-address=127.0.0.1",
			"--secure-port=" + port,
			"--tls-cert-file=" + c.pki.cert(certAPIServer),
			"--tls-private-key-file=" + c.pki.key(certAPIServer),
			"--client-ca-file=" + c.pki.cert(certCA),
			"--anonymous-auth=false",
			"--authorization-mode=AlwaysAllow",
			"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
			"--service-account-key-file=" + c.pki.file("sa.key"),
			"--service-account-signing-key-file=" + c.pki.file("sa.key"),
			"--service-cluster-ip-range=" + serviceRange,
			"--endpoint-reconciler-type=none",
			"--egress-selector-config-file=" + filepath.Join(c.conf.Dir, egressFile),
			"--disable-admission-plugins=" + strings.Join(allAdmission, ","),
			"--enable-garbage-collector=false",
			"--enable-priority-and-fairness=false",
			// Every version that is known is served, whatever the other API server had been told.
			"--runtime-config=api/all=true",
			// One value that cannot be read would keep the cache of its resource from ever being filled.
			"--watch-cache=false",
			"--profiling=false",
			"--shutdown-delay-duration=0s",
		}
		if c.conf.Restored.EtcdPrefix != "" {
			args = append(args, "--etcd-prefix="+c.conf.Restored.EtcdPrefix)
		}
		if c.conf.Restored.Encryption != nil {
			args = append(args, "--encryption-provider-config="+c.pki.file(restoredEncryptionFile))
		}
		return args, nil
	}
	return p
}

// WaitEtcd waits until etcd has been ready. It gives up as WaitReady does.
func (c *ControlPlane) WaitEtcd(ctx context.Context) error {
	if err := c.supervisor.WaitReady(ctx, nameEtcd); err != nil {
		return fmt.Errorf("control plane %s: %w", c.conf.Name, err)
	}
	return nil
}

// StartAPI lets the API server of a Restored control plane go; it is called once.
func (c *ControlPlane) StartAPI() { close(c.letGo) }

// Etcd returns the address of etcd and a client's settings for it; final once WaitEtcd or WaitReady has returned.
func (c *ControlPlane) Etcd() (endpoint string, conf *tls.Config, err error) {
	ca, err := os.ReadFile(c.pki.cert(certEtcdCA))
	if err != nil {
		return "", nil, fmt.Errorf("reading certificate authority: %w", err)
	}
	cert, err := tls.LoadX509KeyPair(c.pki.cert(certEtcdClient), c.pki.key(certEtcdClient))
	if err != nil {
		return "", nil, fmt.Errorf("reading client certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return "", nil, errors.New("reading certificate authority: it holds none")
	}
	return "https://" + c.ports.address(nameEtcd), &tls.Config{
		RootCAs: roots, Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12,
	}, nil
}

// StopLeftovers ends the processes that an earlier Kanrin started in a directory and left behind.
func StopLeftovers(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return stopLeftovers(ctx, dir, discard)
}
