package fleet

import (
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// CauseParameter marks a cause that carries a parameter of the sentence, as in internal/access.
const CauseParameter metav1.CauseType = "Parameter"

// Refusal is an error as a metav1.Status about an object (name may be empty). The type of its first cause is the code; the
// others are the parameters with which the sentence can be said in another language.
func Refusal(status int, reason metav1.StatusReason, of schema.GroupResource, name, code, message string, params map[string]string) *apierrors.StatusError {
	causes := []metav1.StatusCause{{Type: metav1.CauseType(code), Message: message}}
	for _, field := range slices.Sorted(maps.Keys(params)) {
		causes = append(causes, metav1.StatusCause{Type: CauseParameter, Field: field, Message: params[field]})
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: int32(status), Reason: reason, Message: message,
		Details: &metav1.StatusDetails{Group: of.Group, Kind: of.Resource, Name: name, Causes: causes},
	}}
}

var clusters = v1alpha1.Resource("clusters")
