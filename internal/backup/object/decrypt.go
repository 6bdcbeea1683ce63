package object

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"kanrin.dev/kanrin/internal/backup/snapshot"
)

// DecryptReason says why a value cannot be decrypted.
type DecryptReason string

// Why a value cannot be decrypted.
const (
	NoKey    DecryptReason = "NoKey"    // there is no key of that name
	WrongKey DecryptReason = "WrongKey" // the key of that name does not open it, or the value is damaged or from another place
	External DecryptReason = "External" // a KMS plugin holds the key
	Unknown  DecryptReason = "Unknown"  // the provider is not known
)

// DecryptError says that a value cannot be decrypted, and with which key it was encrypted.
type DecryptError struct {
	Reason DecryptReason
	// EtcdKey is where the value is kept, Provider and Name are of the key that encrypted it.
	EtcdKey, Provider, Name string
}

func (e *DecryptError) Error() string {
	return fmt.Sprintf("decrypting %s with key %q of provider %s: %s", e.EtcdKey, e.Name, e.Provider, e.Reason)
}

var encryptedPrefix = []byte("k8s:enc:")

// Encrypted tells from a stored value the provider and the name of the key that encrypted it; ok is false for a value that
// is not encrypted.
func Encrypted(value []byte) (provider, name string, ok bool) {
	provider, name, _, ok = envelope(value)
	return provider, name, ok
}

// envelope takes apart what is in front of an encrypted value: k8s:enc:PROVIDER:VERSION:NAME:
func envelope(value []byte) (provider, name string, data []byte, ok bool) {
	rest, ok := bytes.CutPrefix(value, encryptedPrefix)
	if !ok {
		return "", "", nil, false
	}
	const longest = 1 << 10 // of a name
	head := rest[:min(len(rest), longest)]
	parts := bytes.SplitN(head, []byte(":"), 4)
	if len(parts) < 4 {
		return string(parts[0]), "", nil, true
	}
	taken := len(parts[0]) + len(parts[1]) + len(parts[2]) + 3
	provider = string(parts[0])
	if version := string(parts[1]); version != "v1" && provider != providerKMS {
		provider += ":" + version
	}
	return provider, string(parts[2]), rest[taken:], true
}

// Decrypt gives the plain form of a value that was read from the key in etcd; a value that is not encrypted is returned as
// it is. Most providers bind a value to its key, so the key must be the one under which the API server kept it, with its
// prefix. The error is a *DecryptError.
func (k *Keys) Decrypt(etcdKey string, value []byte) ([]byte, error) {
	provider, name, data, encrypted := envelope(value)
	if !encrypted {
		return value, nil
	}
	fail := &DecryptError{EtcdKey: etcdKey, Provider: provider, Name: name}
	switch provider {
	case providerCBC, providerGCM, providerSecretbox:
	case providerKMS:
		fail.Reason = External
		return nil, fail
	default:
		fail.Reason = Unknown
		return nil, fail
	}
	fail.Reason = NoKey
	for _, candidate := range k.candidates(provider, name, etcdKey) {
		plain, err := candidate.open(data, []byte(etcdKey))
		if err == nil {
			return plain, nil
		}
		fail.Reason = WrongKey
	}
	return nil, fail
}

// candidates are the keys with a name, those for the resource first: the name may mean other keys for other resources.
func (k *Keys) candidates(provider, name, etcdKey string) []key {
	if k == nil {
		return nil
	}
	var found []key
	for _, candidate := range k.keys {
		if candidate.provider == provider && candidate.name == name {
			found = append(found, candidate)
		}
	}
	if len(found) > 1 {
		n, _ := snapshot.ParseKey(etcdKey)
		slices.SortStableFunc(found, func(a, b key) int { return a.distance(n) - b.distance(n) })
	}
	return found
}

// distance is 0 for a key that is meant for the resource, otherwise 1.
func (k key) distance(n snapshot.Name) int {
	for _, r := range k.resources {
		resource, group, _ := strings.Cut(r, ".")
		if (resource == n.Resource || resource == "*") && (group == n.Group || group == "*") {
			return 0
		}
	}
	return 1
}
