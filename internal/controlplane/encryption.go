package controlplane

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// encryptionFile holds an EncryptionConfiguration (apiserver.config.k8s.io/v1), written as JSON.
const encryptionFile = "encryption.json"

// encryptionKeyBytes is the key length of the secretbox provider (XSalsa20 and Poly1305).
const encryptionKeyBytes = 32

type encryptionConfiguration struct {
	APIVersion string               `json:"apiVersion"`
	Kind       string               `json:"kind"`
	Resources  []encryptedResources `json:"resources"`
}

type encryptedResources struct {
	Resources []string             `json:"resources"`
	Providers []encryptionProvider `json:"providers"`
}

type encryptionProvider struct {
	Secretbox encryptionKeys `json:"secretbox"`
}

type encryptionKeys struct {
	Keys []encryptionKey `json:"keys"`
}

type encryptionKey struct {
	Name   string `json:"name"`
	Secret []byte `json:"secret"`
}

// ensureEncryption makes the key that encrypts Secrets in etcd. There is no plain-text provider beside it: a Secret that
// somebody put into etcd unencrypted is not accepted.
func (p *PKI) ensureEncryption(haveData bool) error {
	path := p.file(encryptionFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !haveData {
		return p.newEncryption(path)
	}
	if err == nil {
		err = checkEncryption(data)
	}
	if err != nil {
		return fmt.Errorf("the key that encrypts the Secrets of the %s API cannot be used: %w; put back %s from a backup, "+
			"because without it the Secrets cannot be read", p.name, err, path)
	}
	return nil
}

func (p *PKI) newEncryption(path string) error {
	secret := make([]byte, encryptionKeyBytes)
	if _, err := rand.Read(secret); err != nil {
		return fmt.Errorf("making encryption key: %w", err)
	}
	data, err := json.Marshal(encryptionConfiguration{
		APIVersion: "apiserver.config.k8s.io/v1",
		Kind:       "EncryptionConfiguration",
		Resources: []encryptedResources{{
			Resources: []string{"secrets"},
			Providers: []encryptionProvider{{Secretbox: encryptionKeys{Keys: []encryptionKey{{Name: "key1", Secret: secret}}}}},
		}},
	})
	if err != nil {
		return fmt.Errorf("encoding encryption configuration: %w", err)
	}
	return writeFile(path, append(data, '\n'), 0o600)
}

func checkEncryption(data []byte) error {
	var c encryptionConfiguration
	if err := json.Unmarshal(data, &c); err != nil {
		return fmt.Errorf("reading it: %s", base64Free(err))
	}
	for _, r := range c.Resources {
		for _, provider := range r.Providers {
			for _, k := range provider.Secretbox.Keys {
				if len(k.Secret) == encryptionKeyBytes {
					return nil
				}
			}
		}
	}
	return errors.New("it holds no secretbox key")
}

// base64Free keeps what could be part of a key out of an error.
func base64Free(err error) string {
	var corrupt base64.CorruptInputError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &corrupt):
		return "its key is not base64"
	case errors.As(err, &syntax):
		return fmt.Sprintf("it is not JSON (at byte %d)", syntax.Offset)
	}
	return "it is not an EncryptionConfiguration"
}
