package explain

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/kubeconfig"
	"kanrin.dev/kanrin/internal/lang"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func request(verb, resource, cluster, name string, err error) error {
	return &client.Error{Verb: verb, Resource: resource, Cluster: cluster, Name: name, Err: err}
}

func status(code int32, reason metav1.StatusReason, message string, causes ...metav1.StatusCause) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message, Details: &metav1.StatusDetails{Causes: causes},
	}}
}

func dialing(err error) error {
	return request("get", "nodes", "demo", "", &url.Error{Op: "Get", URL: "https://ops:8443", Err: &net.OpError{Op: "dial", Net: "tcp", Err: err}})
}

var operations = schema.GroupResource{Group: "kanrin.dev", Resource: "operations"}

// rule is how the API server reports a validation rule of the kind that refuses.
func rule(message string) error {
	return apierrors.NewInvalid(schema.GroupKind{Group: "kanrin.dev", Kind: "Operation"}, "x", field.ErrorList{field.Invalid(nil, "object", message)})
}

// TestError is the table of exit codes for what servers, networks and files do.
func TestError(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		code cli.Code
		why  string
		next string
	}{
		{"refused connection", dialing(syscall.ECONNREFUSED), cli.Failed, "nothing listens at https://ops:8443", "kanrin up"},
		{"no route", dialing(syscall.EHOSTUNREACH), cli.Failed, "no route", "network"},
		{"no name", dialing(&net.DNSError{Name: "ops", IsNotFound: true}), cli.Failed, "ops cannot be resolved", "address"},
		{"no answer", request("get", "nodes", "demo", "", context.DeadlineExceeded), cli.Failed, "no answer in time", "firewalls"},
		{"a cut", dialing(syscall.ECONNRESET), cli.Failed, "broke", "try again"},
		{"an unknown authority", dialing(x509.UnknownAuthorityError{}), cli.Failed, "not the one that was trusted", "kanrin login https://ops:8443"},
		{"another name", dialing(x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"kanrin"}, IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)}}, Host: "ops"}), cli.Failed, "for kanrin, 10.0.0.1 only", "--fingerprint"},
		{"an old certificate", dialing(x509.CertificateInvalidError{Cert: &x509.Certificate{NotAfter: now}, Reason: x509.Expired}), cli.Failed, "ran out", "clocks"},
		{"not Kanrin", request("get", "sessions", "", "", client.ErrForeign), cli.Failed, "not a Kanrin console", "--context"},
		{"unauthorized", request("get", "sessions", "", "", status(401, metav1.StatusReasonUnauthorized, "no", metav1.StatusCause{Type: "SessionUnknown"})), cli.NotAllowed, "does not exist or was ended", "kanrin login https://ops:8443"},
		{"wrong password", request("create", "sessions", "", "", status(401, metav1.StatusReasonUnauthorized, "no", metav1.StatusCause{Type: "SignInFailed"})), cli.NotAllowed, "password is not right", "kanrin login"},
		{"unauthorized without a word", request("get", "sessions", "", "", apierrors.NewUnauthorized("")), cli.NotAllowed, "has ended", "kanrin login"},
		{"forbidden", request("create", "operations", "demo", "", apierrors.NewForbidden(operations, "", errors.New("no"))), cli.NotAllowed, `the verb "create" on operations in cluster demo`, "administrator"},
		{"forbidden everywhere", request("list", "users", "", "", status(403, metav1.StatusReasonForbidden, "no")), cli.NotAllowed, `the verb "list" on users`, "whoami"},
		{"no such operation", request("get", "operations", "demo", "x", apierrors.NewNotFound(operations, "x")), cli.NotFound, "no operation x in cluster demo", "kanrin get operations"},
		{"no such node", request("get", "nodes", "demo", "w99", apierrors.NewNotFound(v1alpha1.Resource("nodes"), "w99")), cli.NotFound, "no node w99 in cluster demo", "kanrin get nodes"},
		{"no such cluster", request("create", "operations", "prd", "", apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "prd")), cli.NotFound, "no cluster prd", "kanrin get clusters"},
		{"no such user", request("delete", "users", "", "x", apierrors.NewNotFound(v1alpha1.Resource("users"), "x")), cli.NotFound, "no user x", "kanrin users list"},
		{"no such set", request("get", "backups", "demo", "x", apierrors.NewNotFound(v1alpha1.Resource("backups"), "x")), cli.NotFound, "no set x in cluster demo", "kanrin get backups"},
		{"an object that a set lacks", request("get", "snapshots", "demo", "", status(404, metav1.StatusReasonNotFound, "no", metav1.StatusCause{Type: "backup.ObjectAbsent"}, metav1.StatusCause{Type: "Parameter", Field: "object", Message: "pods a/b"}, metav1.StatusCause{Type: "Parameter", Field: "set", Message: "s"})), cli.NotFound, "pods a/b", ""},
		{"a repository's password", request("create", "backuppolicies", "demo", "default", status(502, metav1.StatusReasonServiceUnavailable, "no", metav1.StatusCause{Type: "backup.Repository"}, metav1.StatusCause{Type: "Parameter", Field: "state", Message: "WrongPassword"}, metav1.StatusCause{Type: "Parameter", Field: "error", Message: "it says so"})), cli.Failed, "WrongPassword", "--password-file"},
		{"a repository in use", request("create", "backuppolicies", "demo", "default", status(502, metav1.StatusReasonServiceUnavailable, "no", metav1.StatusCause{Type: "backup.Repository"}, metav1.StatusCause{Type: "Parameter", Field: "state", Message: "Locked"}, metav1.StatusCause{Type: "Parameter", Field: "error", Message: "it says so"})), cli.Locked, "it says so", "wait"},
		{"stale plan", request("approve", "operations", "demo", "x", rule("StalePlan: approvedPlan is not the digest")), cli.Refused, "not the digest", "kanrin describe operation/x -n demo"},
		{"used plan", request("approve", "operations", "demo", "x", rule("PlanUsed: the plan is not waiting")), cli.Refused, "used already", "kanrin describe"},
		{"blocked plan", request("approve", "operations", "demo", "x", rule("Blocked: the plan has blockers")), cli.Blocked, "blockers", "ways"},
		{"bad input", request("create", "operations", "demo", "", rule("spec.drain.nodes: Invalid")), cli.Usage, "Invalid", ""},
		{"a coded refusal", request("create", "users", "", "x", status(422, metav1.StatusReasonInvalid, "no", metav1.StatusCause{Type: "PasswordShort"}, metav1.StatusCause{Type: "Parameter", Field: "min", Message: "10"})), cli.Usage, "at least 10 characters", ""},
		{"exists", request("create", "users", "", "x", apierrors.NewAlreadyExists(v1alpha1.Resource("users"), "x")), cli.Usage, "already exists", ""},
		{"too many", request("create", "sessions", "", "", status(429, metav1.StatusReasonTooManyRequests, "no", metav1.StatusCause{Type: "TooManyAttempts"}, metav1.StatusCause{Type: "Parameter", Field: "seconds", Message: "60"})), cli.Failed, "Try again in 1 min", "wait"},
		{"a broken server", request("list", "nodes", "demo", "", apierrors.NewInternalError(errors.New("boom"))), cli.Failed, "boom", "log"},
		{"an unreachable cluster", request("create", "clusters", "", "prod", status(422, metav1.StatusReasonInvalid, "no", metav1.StatusCause{Type: "Unreachable"}, metav1.StatusCause{Type: "Parameter", Field: "why", Message: "refused"}, metav1.StatusCause{Type: "Parameter", Field: "server", Message: "https://c:6443"})), cli.Failed, "https://c:6443 cannot be reached. The host refuses", "firewalls"},
		{"an expired credential", request("create", "clusters", "", "prod", status(422, metav1.StatusReasonInvalid, "no", metav1.StatusCause{Type: "CredentialExpired"}, metav1.StatusCause{Type: "Parameter", Field: "server", Message: "x"})), cli.NotAllowed, "has expired", "new kubeconfig"},
		{"a wrong CA", request("create", "clusters", "", "prod", status(422, metav1.StatusReasonInvalid, "no", metav1.StatusCause{Type: "WrongCA"}, metav1.StatusCause{Type: "Parameter", Field: "server", Message: "x"})), cli.Failed, "cannot prove", "certificate-authority-data"},
		{"a busy cluster", request("delete", "clusters", "", "prod", status(409, metav1.StatusReasonConflict, "no", metav1.StatusCause{Type: "OperationAtWork"}, metav1.StatusCause{Type: "Parameter", Field: "operation", Message: "drain-x"}, metav1.StatusCause{Type: "Parameter", Field: "cluster", Message: "prod"}, metav1.StatusCause{Type: "Parameter", Field: "phase", Message: "Running"})), cli.Locked, "drain-x is at work", ""},
		{"a name that is taken", request("create", "clusters", "", "prod", status(409, metav1.StatusReasonAlreadyExists, "no", metav1.StatusCause{Type: "NameTaken"}, metav1.StatusCause{Type: "Parameter", Field: "cluster", Message: "prod"})), cli.Usage, "registered already", ""},
		{"not signed in", kubeconfig.ErrNotSignedIn, cli.NotAllowed, "no kubeconfig context", "kanrin login"},
		{"several contexts", fmt.Errorf("%w: a, b", kubeconfig.ErrSeveral), cli.Usage, "a, b", "--context"},
		{"garbage", fmt.Errorf("changing x: %w", kubeconfig.ErrGarbage), cli.Usage, "not a kubeconfig", "--kubeconfig"},
		{"held", kubeconfig.ErrHeld, cli.Failed, "another program", "lock"},
		{"no file", fmt.Errorf("reading: %w", &fs.PathError{Op: "open", Path: "/x", Err: fs.ErrNotExist}), cli.Usage, "/x does not exist", "path"},
		{"no permission", fmt.Errorf("reading: %w", &fs.PathError{Op: "open", Path: "/x", Err: fs.ErrPermission}), cli.Usage, "/x may not be read", "owner"},
		{"anything", errors.New("something else"), cli.Failed, "something else", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, l := range []lang.Lang{lang.English, lang.Japanese} {
				s := Subject{Lang: l, Server: "https://ops:8443", Now: now}
				var e *cli.Error
				if !errors.As(s.Error("cannot do it", tc.err), &e) {
					t.Fatal("not explained")
				}
				if e.Code != tc.code || e.What != "cannot do it" || !errors.Is(e, tc.err) && e.Cause == nil {
					t.Errorf("%s: %+v", l, e)
				}
				if strings.Contains(e.Why+e.Next, "cli.") || strings.Contains(e.Why, "{") {
					t.Errorf("%s: a text is missing or incomplete: %q / %q", l, e.Why, e.Next)
				}
				if l == lang.English && (!strings.Contains(e.Why, tc.why) || !strings.Contains(e.Next, tc.next)) {
					t.Errorf("why %q, next %q", e.Why, e.Next)
				}
			}
		})
	}
}

func TestExpiredSession(t *testing.T) {
	s := Subject{Lang: lang.English, Server: "https://ops:8443", Expires: now.Add(-time.Hour), Now: now}
	if got := s.Why(request("get", "sessions", "", "", apierrors.NewUnauthorized(""))); !strings.Contains(got, "was good until") {
		t.Errorf("why %q", got)
	}
}

func TestWhatIsExplainedStays(t *testing.T) {
	s := Subject{Lang: lang.English}
	known := &cli.Error{Code: cli.Locked, What: "x"}
	if got := s.Error("y", fmt.Errorf("more: %w", known)); cli.CodeOf(got) != cli.Locked || strings.Contains(got.Error(), "y") {
		t.Errorf("explained twice: %v", got)
	}
	if got := s.Error("y", nil); got != nil {
		t.Errorf("nothing became %v", got)
	}
	if got := s.Error("y", context.Canceled); cli.CodeOf(got) != cli.Interrupted {
		t.Errorf("breaking off became %v", got)
	}
	if got := s.Error("y", cli.Exit(cli.Partly)); cli.CodeOf(got) != cli.Partly {
		t.Errorf("an exit became %v", got)
	}
}
