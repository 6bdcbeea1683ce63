package object

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/nacl/secretbox"
	"sigs.k8s.io/yaml"
)

// Providers of encryption, as they are called in an EncryptionConfiguration and in front of what they encrypted.
const (
	providerCBC       = "aescbc"
	providerGCM       = "aesgcm"
	providerSecretbox = "secretbox"
	providerKMS       = "kms"
)

// maxConfiguration bounds an EncryptionConfiguration, in bytes.
const maxConfiguration = 1 << 20

// Keys are those of an EncryptionConfiguration. A nil *Keys has none.
type Keys struct {
	keys []key
	kms  []string
}

type key struct {
	provider, name string
	resources      []string
	open           func(data, authenticated []byte) ([]byte, error)
}

// ConfigurationError says that an EncryptionConfiguration cannot be used. It never holds a part of it but names.
type ConfigurationError struct {
	// Provider and Key name the key that is wrong; empty when it is the whole.
	Provider, Key string
	Detail        string
}

func (e *ConfigurationError) Error() string {
	if e.Provider == "" {
		return "encryption configuration cannot be used: " + e.Detail
	}
	return fmt.Sprintf("encryption configuration cannot be used: key %q of provider %s: %s", e.Key, e.Provider, e.Detail)
}

type configuration struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Resources  []struct {
		Resources []string         `json:"resources"`
		Providers []map[string]any `json:"providers"`
	} `json:"resources"`
}

// LoadKeys reads an EncryptionConfiguration of apiserver.config.k8s.io, YAML or JSON. The error is a *ConfigurationError.
// Keys that a KMS plugin holds are not in it: see External.
func LoadKeys(encryptionConfiguration []byte) (*Keys, error) {
	fail := func(provider, name, detail string) (*Keys, error) {
		return nil, &ConfigurationError{Provider: provider, Key: name, Detail: detail}
	}
	if len(encryptionConfiguration) > maxConfiguration {
		return fail("", "", "it is too large")
	}
	var c configuration
	if yaml.Unmarshal(encryptionConfiguration, &c) != nil { // the error may quote it
		return fail("", "", "it is neither YAML nor JSON of the right form")
	}
	if c.Kind != "EncryptionConfiguration" || !strings.HasPrefix(c.APIVersion, "apiserver.config.k8s.io/") {
		return fail("", "", "it is not an EncryptionConfiguration of apiserver.config.k8s.io")
	}
	k := &Keys{}
	for _, rule := range c.Resources {
		for _, provider := range rule.Providers {
			for kind, settings := range provider {
				if err := k.add(kind, settings, rule.Resources); err != nil {
					return nil, err
				}
			}
		}
	}
	return k, nil
}

func (k *Keys) add(provider string, settings any, resources []string) error {
	fields, _ := settings.(map[string]any)
	var opener func([]byte) (func(data, authenticated []byte) ([]byte, error), error)
	switch provider {
	case "identity":
		return nil
	case providerKMS:
		name, _ := fields["name"].(string)
		if !slices.Contains(k.kms, name) {
			k.kms = append(k.kms, name)
		}
		return nil
	case providerCBC:
		opener = openCBC
	case providerGCM:
		opener = openGCM
	case providerSecretbox:
		opener = openSecretbox
	default:
		return &ConfigurationError{Provider: provider, Detail: "provider is not known"}
	}
	list, _ := fields["keys"].([]any)
	if len(list) == 0 {
		return &ConfigurationError{Provider: provider, Detail: "it has no keys"}
	}
	for _, item := range list {
		settings, _ := item.(map[string]any)
		name, _ := settings["name"].(string)
		text, _ := settings["secret"].(string)
		secret, err := base64.StdEncoding.DecodeString(text)
		if err != nil || name == "" {
			return &ConfigurationError{Provider: provider, Key: name, Detail: "it has no name, or is not base64"}
		}
		open, err := opener(secret)
		if err != nil {
			return &ConfigurationError{Provider: provider, Key: name, Detail: fmt.Sprintf("%d bytes are no key", len(secret))}
		}
		k.keys = append(k.keys, key{provider, name, resources, open})
	}
	return nil
}

// External names the KMS plugins of the configuration: what they encrypted cannot be decrypted with Keys.
func (k *Keys) External() []string {
	if k == nil {
		return nil
	}
	return slices.Clone(k.kms)
}

var errOpen = errors.New("it does not open")

func openGCM(secret []byte) (func(data, authenticated []byte) ([]byte, error), error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return func(data, authenticated []byte) ([]byte, error) {
		n := aead.NonceSize()
		if len(data) < n {
			return nil, errOpen
		}
		return aead.Open(nil, data[:n], data[n:], authenticated)
	}, nil
}

// openCBC takes only what looks like a stored object: this mode does not authenticate, and what a wrong key gives may be
// padded well.
func openCBC(secret []byte) (func(data, authenticated []byte) ([]byte, error), error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return func(data, _ []byte) ([]byte, error) {
		if len(data) < 2*aes.BlockSize || len(data)%aes.BlockSize != 0 {
			return nil, errOpen
		}
		plain := make([]byte, len(data)-aes.BlockSize)
		cipher.NewCBCDecrypter(block, data[:aes.BlockSize]).CryptBlocks(plain, data[aes.BlockSize:])
		padding := int(plain[len(plain)-1])
		if padding == 0 || padding > aes.BlockSize {
			return nil, errOpen
		}
		for _, b := range plain[len(plain)-padding:] {
			if int(b) != padding {
				return nil, errOpen
			}
		}
		plain = plain[:len(plain)-padding]
		if formatOf(plain) == "" {
			return nil, errOpen
		}
		return plain, nil
	}, nil
}

func openSecretbox(secret []byte) (func(data, authenticated []byte) ([]byte, error), error) {
	const nonceSize = 24
	if len(secret) != 32 {
		return nil, errOpen
	}
	key := [32]byte(secret)
	return func(data, _ []byte) ([]byte, error) {
		if len(data) < nonceSize {
			return nil, errOpen
		}
		nonce := [nonceSize]byte(data)
		plain, ok := secretbox.Open(nil, data[nonceSize:], &nonce, &key)
		if !ok {
			return nil, errOpen
		}
		return plain, nil
	}, nil
}
