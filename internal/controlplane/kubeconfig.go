package controlplane

import (
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// server is the URL of the API; known once the API server has been started.
func (c *ControlPlane) server() string { return "https://" + c.ports.address(nameAPIServer) }

func (c *ControlPlane) kubeconfigPath(cert string) string {
	if cert == certAdmin {
		return filepath.Join(c.conf.Dir, "kubeconfig")
	}
	return c.pki.file(cert + ".kubeconfig")
}

// writeKubeconfigs writes one file for each client: the administrator's with everything inside, those of the components with
// the names of files that may be renewed.
func (c *ControlPlane) writeKubeconfigs() error {
	data, err := c.Kubeconfig()
	if err != nil {
		return err
	}
	if err := writeFile(c.kubeconfigPath(certAdmin), data, 0o600); err != nil {
		return err
	}
	for _, cert := range []string{certControllerManager, certScheduler, certKwok} {
		conf := c.kubeconfig(cert)
		conf.Clusters[c.conf.Name].CertificateAuthority = c.pki.cert(certCA)
		conf.AuthInfos[cert].ClientCertificate = c.pki.cert(cert)
		conf.AuthInfos[cert].ClientKey = c.pki.key(cert)
		data, err := clientcmd.Write(*conf)
		if err != nil {
			return fmt.Errorf("encoding kubeconfig of %s: %w", cert, err)
		}
		if err := writeFile(c.kubeconfigPath(cert), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (c *ControlPlane) kubeconfig(user string) *clientcmdapi.Config {
	conf := clientcmdapi.NewConfig()
	conf.Clusters[c.conf.Name] = &clientcmdapi.Cluster{Server: c.server()}
	conf.AuthInfos[user] = &clientcmdapi.AuthInfo{}
	conf.Contexts[c.conf.Name] = &clientcmdapi.Context{Cluster: c.conf.Name, AuthInfo: user}
	conf.CurrentContext = c.conf.Name
	return conf
}

// Kubeconfig returns an administrator's kubeconfig with one context, certificates and key inside. The address in it is final
// once WaitReady has returned.
func (c *ControlPlane) Kubeconfig() ([]byte, error) {
	conf := c.kubeconfig(certAdmin)
	for path, to := range map[string]*[]byte{
		c.pki.cert(certCA):    &conf.Clusters[c.conf.Name].CertificateAuthorityData,
		c.pki.cert(certAdmin): &conf.AuthInfos[certAdmin].ClientCertificateData,
		c.pki.key(certAdmin):  &conf.AuthInfos[certAdmin].ClientKeyData,
	} {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("making kubeconfig: %w", err)
		}
		*to = data
	}
	data, err := clientcmd.Write(*conf)
	if err != nil {
		return nil, fmt.Errorf("encoding kubeconfig: %w", err)
	}
	return data, nil
}

// RESTConfig returns a configuration for clients with an administrator's rights and no rate limit of their own. The address
// in it is final once WaitReady has returned.
func (c *ControlPlane) RESTConfig() *rest.Config {
	return &rest.Config{
		Host: c.server(),
		TLSClientConfig: rest.TLSClientConfig{
			CAFile:   c.pki.cert(certCA),
			CertFile: c.pki.cert(certAdmin),
			KeyFile:  c.pki.key(certAdmin),
		},
		UserAgent: "kanrin",
		QPS:       -1,
	}
}
