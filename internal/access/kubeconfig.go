package access

import (
	"bytes"
	"context"
	"crypto/subtle"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Endpoint is where and how the console is reached from this machine.
type Endpoint struct {
	// Server is the URL, such as https://127.0.0.1:8443.
	Server string
	// CA is PEM: the certificates to trust.
	CA []byte
	// ServerName to expect in the certificate where it is not the URL's host.
	ServerName string
}

func (a *Access) kubeconfigFile() string { return filepath.Join(a.conf.DataDir, "admin.kubeconfig") }

// kubeconfigUser is the name of the credential inside the file.
const kubeconfigUser = "kanrin-admin"

// WriteAdminKubeconfig writes DataDir/admin.kubeconfig, the credential of the first administrator for programs on this machine: a
// context per cluster, and the current one, "kanrin". The token in a file that is there already is kept while it is valid for long
// enough. The endpoint is remembered, and the file looked after while the component runs.
func (a *Access) WriteAdminKubeconfig(ctx context.Context, endpoint Endpoint) error {
	a.mu.Lock()
	a.endpoint = endpoint
	a.mu.Unlock()
	return a.renewAdminKubeconfig(ctx)
}

func (a *Access) renewAdminKubeconfig(ctx context.Context) error {
	a.mu.Lock()
	endpoint := a.endpoint
	a.mu.Unlock()
	if endpoint.Server == "" {
		return nil // the console is not up yet
	}
	acc, err := a.accounts.get(ctx, FirstAdministrator)
	if err != nil {
		return err
	}
	if acc == nil || acc.disabled {
		a.log.Info("admin.kubeconfig is not kept: user admin is disabled or gone", "file", a.kubeconfigFile())
		return nil
	}
	old, err := os.ReadFile(a.kubeconfigFile())
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("reading admin.kubeconfig: %w", err)
	}
	token, former, err := a.tokenOf(ctx, old, acc)
	if err != nil {
		return err
	}
	if token == (Token{}) {
		if token, _, err = a.sessions.create(ctx, acc, Machine, a.conf.MachineTTL); err != nil {
			return err
		}
	}
	clusters, err := a.bindings.clusterNames(ctx)
	if err != nil {
		return err
	}
	content, err := clientcmd.Write(kubeconfig(endpoint, token, a.conf.Namespace, clusters))
	if err != nil {
		return fmt.Errorf("composing admin.kubeconfig: %w", err)
	}
	if bytes.Equal(old, content) {
		return nil
	}
	if err := writePrivate(a.kubeconfigFile(), content); err != nil {
		return fmt.Errorf("writing admin.kubeconfig: %w", err)
	}
	if former != "" {
		return a.Revoke(ctx, former)
	}
	return nil
}

// tokenOf returns the token in an admin.kubeconfig when it is good for a while yet; otherwise the id of the session that it stood for,
// "" if none can be made out.
func (a *Access) tokenOf(ctx context.Context, content []byte, acc *account) (good Token, former string, err error) {
	conf, unreadable := clientcmd.Load(content)
	if unreadable != nil || conf.AuthInfos[kubeconfigUser] == nil {
		return Token{}, "", nil
	}
	token, unreadable := ParseToken(conf.AuthInfos[kubeconfigUser].Token)
	if unreadable != nil {
		return Token{}, "", nil
	}
	session, err := a.sessions.get(ctx, token.ID())
	if err != nil || session == nil {
		return Token{}, "", err
	}
	sum := token.sum()
	if session.Kind != Machine || subtle.ConstantTimeCompare(sum[:], session.sum[:]) != 1 {
		return Token{}, "", nil // somebody else's session
	}
	if !session.inForceFor(acc) || session.Expires.Sub(a.clock.Now()) < a.conf.MachineTTL/3 {
		return Token{}, session.ID, nil
	}
	return token, "", nil
}

func kubeconfig(e Endpoint, token Token, namespace string, clusters []string) clientcmdapi.Config {
	const current = "kanrin"
	if namespace == "" && len(clusters) == 1 {
		namespace = clusters[0]
	}
	conf := clientcmdapi.NewConfig()
	conf.Clusters[current] = &clientcmdapi.Cluster{Server: e.Server, CertificateAuthorityData: e.CA, TLSServerName: e.ServerName}
	conf.AuthInfos[kubeconfigUser] = &clientcmdapi.AuthInfo{Token: token.Reveal()}
	for _, name := range clusters {
		conf.Contexts[name] = &clientcmdapi.Context{Cluster: current, AuthInfo: kubeconfigUser, Namespace: name}
	}
	conf.Contexts[current] = &clientcmdapi.Context{Cluster: current, AuthInfo: kubeconfigUser, Namespace: namespace}
	conf.CurrentContext = current
	return *conf
}
