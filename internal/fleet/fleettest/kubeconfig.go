package fleettest

import (
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig returns a kubeconfig with its one cluster and user changed.
func Kubeconfig(t testing.TB, from []byte, change func(*clientcmdapi.Cluster, *clientcmdapi.AuthInfo)) []byte {
	t.Helper()
	c, err := clientcmd.Load(from)
	must(t, err)
	ctx := c.Contexts[c.CurrentContext]
	change(c.Clusters[ctx.Cluster], c.AuthInfos[ctx.AuthInfo])
	out, err := clientcmd.Write(*c)
	must(t, err)
	return out
}

// Through returns the kubeconfig with the proxy's address in place of the server's.
func (p *Proxy) Through(kubeconfig []byte) []byte {
	return Kubeconfig(p.t, kubeconfig, func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { c.Server = "https://" + p.Address })
}
