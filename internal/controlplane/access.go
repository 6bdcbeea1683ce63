package controlplane

import (
	"fmt"
	"os"
)

// EtcdFiles are what somebody needs to speak to the etcd of a control plane, and to read what the API server has encrypted in it.
type EtcdFiles struct {
	Endpoint string // https URL
	// CA, Cert and Key are PEM; Encryption is the API server's EncryptionConfiguration.
	CA, Cert, Key, Encryption []byte
}

// EtcdFiles may be called after WaitReady.
func (c *ControlPlane) EtcdFiles() (EtcdFiles, error) {
	f := EtcdFiles{Endpoint: "https://" + c.ports.address(nameEtcd)}
	for path, to := range map[string]*[]byte{
		c.pki.cert(certEtcdCA): &f.CA, c.pki.cert(certEtcdClient): &f.Cert, c.pki.key(certEtcdClient): &f.Key, c.pki.file(encryptionFile): &f.Encryption,
	} {
		data, err := os.ReadFile(path)
		if err != nil {
			return f, fmt.Errorf("reading the certificates of etcd: %w", err)
		}
		*to = data
	}
	return f, nil
}
