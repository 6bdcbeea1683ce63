package access

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// MaxNameLength of a user name in bytes.
const MaxNameLength = 63

var nameForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9._@-]*[a-z0-9])?$`)

// ValidateName reports whether name can be the name of a user: 1 to 63 lower-case letters, digits and . _ @ -, beginning and
// ending with a letter or digit. Names of the form system:… and kanrin:… belong to Kubernetes and to Kanrin.
func ValidateName(name string) error {
	for _, reserved := range []string{"system:", "kanrin:"} {
		if strings.HasPrefix(strings.ToLower(name), reserved) {
			return invalid("name", CodeNameReserved, "prefix", reserved)
		}
	}
	if len(name) > MaxNameLength || !nameForm.MatchString(name) {
		return invalid("name", CodeNameInvalid)
	}
	return nil
}

// userSecretName is the name of the Secret that holds the user: readable where the user's name may stand in an object's name,
// otherwise (it holds _ or @) in hexadecimal under a prefix that no readable one can have.
func userSecretName(user string) string {
	if readable := "user-" + user; len(validation.IsDNS1123Subdomain(readable)) == 0 {
		return readable
	}
	return "user.x" + hex.EncodeToString([]byte(user))
}

// userLabel stands for a user in label values, which allow neither @ nor 63 characters of every kind.
func userLabel(user string) string {
	sum := sha256.Sum256([]byte(user))
	return hex.EncodeToString(sum[:16])
}
