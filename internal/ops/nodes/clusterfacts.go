package nodes

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/url"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/etcd"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/plan"
)

const (
	labelControlPlane = labelRole + "control-plane"
	maxConfigMap      = 1 << 20
)

// clusterConfig is the part of kubeadm's ClusterConfiguration that matters here.
type clusterConfig struct {
	ControlPlaneEndpoint string `json:"controlPlaneEndpoint"`
	Etcd                 struct {
		External *struct{} `json:"external"`
	} `json:"etcd"`
	raw string
}

// kubeadmConfig reads ConfigMap kubeadm-config; nil when the cluster has none.
func kubeadmConfig(ctx context.Context, c *fleet.Connection) (*clusterConfig, error) {
	cm, err := c.Client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, "kubeadm-config", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, plan.Fail("ClusterUnreachable", c.Name, err)
	}
	conf := &clusterConfig{raw: cm.Data["ClusterConfiguration"]}
	if len(conf.raw) > maxConfigMap || yaml.Unmarshal([]byte(conf.raw), conf) != nil {
		return nil, plan.Fail("KubeadmConfig", c.Name, nil)
	}
	return conf, nil
}

// clusterInfo reads where the cluster says it is found, and the digests of its authority's keys, from ConfigMap cluster-info in
// kube-public, which kubeadm join reads too.
func clusterInfo(ctx context.Context, c *fleet.Connection) (endpoint string, hashes []string, err error) {
	cm, err := c.Client.CoreV1().ConfigMaps(metav1.NamespacePublic).Get(ctx, "cluster-info", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, plan.Fail("ClusterUnreachable", c.Name, err)
	}
	kubeconfig, err := clientcmd.Load([]byte(cm.Data["kubeconfig"]))
	if err != nil {
		return "", nil, nil // as good as none
	}
	for _, cluster := range kubeconfig.Clusters {
		if u, err := url.Parse(cluster.Server); err == nil {
			endpoint = u.Host
		}
		hashes = caHashes(cluster.CertificateAuthorityData)
	}
	return endpoint, hashes, nil
}

// caHashes are the pins that kubeadm takes: SHA-256 over the DER form of the public key (RFC 7469).
func caHashes(data []byte) []string {
	var out []string
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
		out = append(out, "sha256:"+hex.EncodeToString(sum[:]))
	}
	return out
}

// layout is who is who in the cluster.
type layout struct {
	nodes, controlPlanes []string
	readyControlPlanes   int
	workers              int
	hosts                []v1alpha1.Host
}

func (b base) layout(ctx context.Context, c *fleet.Connection, cluster string) (*layout, error) {
	// Read live: the cache may not know a node yet that has just joined.
	list, err := c.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, plan.Fail("ClusterUnreachable", c.Name, err)
	}
	l := &layout{nodes: []string{}}
	for i := range list.Items {
		n := &list.Items[i]
		l.nodes = append(l.nodes, n.Name)
		if _, cp := n.Labels[labelControlPlane]; cp {
			l.controlPlanes = append(l.controlPlanes, n.Name)
			if nodeReady(n) {
				l.readyControlPlanes++
			}
		} else {
			l.workers++
		}
	}
	slices.Sort(l.nodes)
	slices.Sort(l.controlPlanes)
	if l.hosts, err = b.d.Hosts.Hosts(ctx, cluster); err != nil {
		return nil, err
	}
	return l, nil
}

// hostOf finds the machine of a node: by the name that the Host gives, else by its own.
func (l *layout) hostOf(node string) *v1alpha1.Host {
	for i := range l.hosts {
		if l.hosts[i].Spec.NodeName == node {
			return &l.hosts[i]
		}
	}
	for i := range l.hosts {
		if l.hosts[i].Name == node && l.hosts[i].Spec.NodeName == "" {
			return &l.hosts[i]
		}
	}
	return nil
}

// via are the hosts of control planes that answer, but that of the node left out.
func (b base) via(ctx context.Context, cluster string, l *layout, without string) []string {
	type look struct {
		host string
		ok   bool
	}
	looks := make(chan look)
	n := 0
	for _, node := range l.controlPlanes {
		h := l.hostOf(node)
		if h == nil || node == without {
			continue
		}
		n++
		go func() {
			m, err := b.d.Hosts.Machine(ctx, cluster, h.Name)
			if err == nil {
				_, err = m.Script(ctx, `[ -r /etc/kubernetes/admin.conf ]`)
			}
			looks <- look{h.Name, err == nil}
		}()
	}
	var out []string
	for range n {
		if v := <-looks; v.ok {
			out = append(out, v.host)
		}
	}
	slices.Sort(out)
	return out
}

// etcdMembers lists them; why they are not known is a sentence.
func (b base) etcdMembers(ctx context.Context, cluster string, via []string) ([]etcd.Member, string) {
	e, err := b.etcdVia(ctx, cluster, via)
	if err != nil {
		return nil, oneLine(err)
	}
	defer e.Close()
	m, err := e.Members(ctx)
	if err != nil {
		return nil, oneLine(err)
	}
	return m, ""
}

func oneLine(err error) string { return strings.ReplaceAll(fmt.Sprint(err), "\n", "; ") }
