package access

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
)

func TestValidateName(t *testing.T) {
	for name, want := range map[string]Code{
		"v": "", "admin": "", "hanako.suzuki": "", "hanako_suzuki@ops.example": "", "a--b": "", "0": "", strings.Repeat("a", 63): "",
		"": CodeNameInvalid, strings.Repeat("a", 64): CodeNameInvalid, "Admin": CodeNameInvalid, "-a": CodeNameInvalid, "a-": CodeNameInvalid,
		".": CodeNameInvalid, "..": CodeNameInvalid, "a/b": CodeNameInvalid, "a b": CodeNameInvalid, "a\n": CodeNameInvalid, "管理": CodeNameInvalid,
		"a:b": CodeNameInvalid, "a%2fb": CodeNameInvalid,
		"system:masters": CodeNameReserved, "kanrin:administrator": CodeNameReserved, "System:node": CodeNameReserved,
	} {
		if got := CodeOf(ValidateName(name)); got != want {
			t.Errorf("ValidateName(%q) = %q, want %q", name, got, want)
		}
	}
}

func FuzzUserSecretName(f *testing.F) {
	f.Add("admin", "a_b@c")
	f.Add("a.-b", "a..b")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, name := range []string{a, b} {
			if ValidateName(name) != nil {
				return
			}
			if errs := validation.IsDNS1123Subdomain(userSecretName(name)); len(errs) > 0 {
				t.Fatalf("user %q would be Secret %q: %v", name, userSecretName(name), errs)
			}
			if errs := validation.IsValidLabelValue(userLabel(name)); len(errs) > 0 {
				t.Fatalf("label of user %q: %v", name, errs)
			}
		}
		if a != b && userSecretName(a) == userSecretName(b) {
			t.Fatalf("users %q and %q would share Secret %q", a, b, userSecretName(a))
		}
	})
}
