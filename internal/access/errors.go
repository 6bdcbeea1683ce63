package access

import (
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
)

// Code says why a request was refused. It stands in status.details.causes[0].reason of the answer (the field Type in Go); the
// sentence for people is the catalogue's under "access.<Code>" in both languages, its parameters are the further causes of reason
// Parameter (field is the name, message the value), and the answer's message is the English sentence.
type Code string

const (
	CodeSignInRequired        Code = "SignInRequired"
	CodeSignInFailed          Code = "SignInFailed"
	CodeSessionUnknown        Code = "SessionUnknown"
	CodeSessionExpired        Code = "SessionExpired"
	CodeTooManyAttempts       Code = "TooManyAttempts"
	CodeBusy                  Code = "Busy"
	CodeMissingVerb           Code = "MissingVerb"
	CodeMissingVerbEverywhere Code = "MissingVerbEverywhere"
	CodeBodyTooLarge          Code = "BodyTooLarge"
	CodeBodyInvalid           Code = "BodyInvalid"
	CodeCSRF                  Code = "CSRF"
	CodeForeignOrigin         Code = "ForeignOrigin"
	CodeHostNotAllowed        Code = "HostNotAllowed"
	CodeUpgradeRefused        Code = "UpgradeRefused"
	CodeMethodNotServed       Code = "MethodNotServed"
	CodePathNotServed         Code = "PathNotServed"
	CodeManagementAway        Code = "ManagementAway"
	CodeNameInvalid           Code = "NameInvalid"
	CodeNameReserved          Code = "NameReserved"
	CodeNameBound             Code = "NameBound"
	CodePasswordShort         Code = "PasswordShort"
	CodePasswordLong          Code = "PasswordLong"
	CodePasswordIsName        Code = "PasswordIsName"
	CodePasswordSame          Code = "PasswordSame"
	CodePasswordWrong         Code = "PasswordWrong"
	CodeRoleUnknown           Code = "RoleUnknown"
	CodeClusterUnknown        Code = "ClusterUnknown"
	CodeUserUnknown           Code = "UserUnknown"
	CodeUserExists            Code = "UserExists"
	CodeLastAdministrator     Code = "LastAdministrator"
	CodeChangedMeanwhile      Code = "ChangedMeanwhile"
)

// CauseParameter marks a cause that carries a parameter of the sentence.
const CauseParameter metav1.CauseType = "Parameter"

// Refusal is the error for a request that is refused for a reason of this package: a metav1.Status with the code as its cause.
func Refusal(status int, reason metav1.StatusReason, code Code, params ...any) *apierrors.StatusError {
	causes := []metav1.StatusCause{{Type: metav1.CauseType(code)}}
	for i := 0; i+1 < len(params); i += 2 {
		causes = append(causes, metav1.StatusCause{Type: CauseParameter, Field: fmt.Sprint(params[i]), Message: fmt.Sprint(params[i+1])})
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: int32(status), Reason: reason,
		Message: lang.English.T("access."+string(code), params...),
		Details: &metav1.StatusDetails{Group: v1alpha1.GroupVersion.Group, Causes: causes},
	}}
}

// Unauthorized is the refusal of a request that has no session.
func Unauthorized(code Code) error {
	return Refusal(http.StatusUnauthorized, metav1.StatusReasonUnauthorized, code)
}

// invalid refuses an input field.
func invalid(field string, code Code, params ...any) error {
	err := Refusal(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, code, params...)
	err.ErrStatus.Details.Causes[0].Field = field
	return err
}

func userNotFound(name string) error {
	err := Refusal(http.StatusNotFound, metav1.StatusReasonNotFound, CodeUserUnknown, "name", name)
	err.ErrStatus.Details.Kind, err.ErrStatus.Details.Name = "users", name
	return err
}

// Unavailable says that the management API did not answer. It hides cause from the caller; errors.Unwrap still finds it.
func Unavailable(cause error) error {
	return &unavailable{StatusError: Refusal(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, CodeManagementAway), cause: cause}
}

type unavailable struct {
	*apierrors.StatusError
	cause error
}

func (e *unavailable) Error() string { return e.StatusError.Error() + ": " + e.cause.Error() }
func (e *unavailable) Unwrap() error { return e.cause }

// Busy asks the caller to come again after seconds.
func Busy(code Code, seconds int) error {
	err := Refusal(http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests, code, "seconds", seconds)
	err.ErrStatus.Details.RetryAfterSeconds = int32(seconds)
	return err
}

// CodeOf returns the code of a refusal made by this package, "" for other errors.
func CodeOf(err error) Code {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return ""
	}
	if d := status.Status().Details; d != nil && len(d.Causes) > 0 {
		return Code(d.Causes[0].Type)
	}
	return ""
}
