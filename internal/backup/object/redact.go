package object

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// fingerprintKey lives as long as the process. Without a key, a short password could be guessed from its digest.
var fingerprintKey = func() []byte {
	b := make([]byte, sha256.Size)
	_, _ = rand.Read(b) // never fails
	return b
}()

// Redact replaces each value of a Secret by a fingerprint and its length, in place; other objects stay as they are. Equal
// values have equal fingerprints, in this process and no other.
func Redact(u *unstructured.Unstructured) {
	if u.GetKind() != "Secret" || u.GetAPIVersion() != "v1" {
		return
	}
	for _, field := range []string{"data", "stringData"} {
		switch values := u.Object[field].(type) {
		case nil:
		case map[string]any:
			redacted := make(map[string]any, len(values))
			for name, value := range values {
				redacted[name] = fingerprint(value, field == "data")
			}
			u.Object[field] = redacted
		default:
			u.Object[field] = fingerprint(values, false)
		}
	}
	annotations, found, err := unstructured.NestedMap(u.Object, "metadata", "annotations")
	if _, ok := annotations[lastApplied]; err != nil || found && ok {
		unstructured.RemoveNestedField(u.Object, "metadata", "annotations", lastApplied)
	}
}

func fingerprint(value any, isBase64 bool) string {
	var raw []byte
	if text, ok := value.(string); ok {
		raw = []byte(text)
		if decoded, err := base64.StdEncoding.DecodeString(text); isBase64 && err == nil {
			raw = decoded
		}
	} else {
		raw = fmt.Append(nil, value)
	}
	mac := hmac.New(sha256.New, fingerprintKey)
	mac.Write(raw)
	return fmt.Sprintf("redacted %x (%d bytes)", mac.Sum(nil)[:4], len(raw))
}
