// Package explain turns what went wrong into what an operator reads: a line what, a line why, a line what to do, and an exit code.
//
// It makes no calls. Invariant: the class of an error is decided on types and codes; the only text that is looked at are the markers
// that Kanrin's own validation rules begin with (StalePlan:, PlanUsed:, Blocked:).
package explain

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/kubeconfig"
	"kanrin.dev/kanrin/internal/lang"
)

// Subject is what an explanation is about.
type Subject struct {
	Lang lang.Lang
	// Server is the console's URL, "" before one is known.
	Server string
	// Expires is when the session of the kubeconfig ends, as far as the file says.
	Expires time.Time
	Now     time.Time
}

// Error explains err; what says what could not be done, on which object. Errors that are explained already stay as they are.
func (s Subject) Error(what string, err error) error {
	var known *cli.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if cli.CodeOf(err) == cli.Interrupted {
		return err
	}
	e := &cli.Error{Code: cli.Failed, What: what, Cause: err}
	var status apierrors.APIStatus
	switch {
	case s.file(err, e):
	case errors.Is(err, client.ErrForeign):
		s.say(e, "foreign")
	case errors.Is(err, client.ErrName):
		e.Code = cli.Usage
		s.say(e, "name")
	case s.certificate(err, e):
	case errors.As(err, &status):
		s.answer(status.Status(), err, e)
	case s.network(err, e):
	default:
		e.Why = err.Error()
	}
	return e
}

// Why is the reason alone, for one line among others.
func (s Subject) Why(err error) string {
	var e *cli.Error
	if errors.As(s.Error("", err), &e) && e.Why != "" {
		return e.Why
	}
	return err.Error()
}

func (s Subject) say(e *cli.Error, key string, pairs ...any) {
	pairs = append(pairs, "server", s.Server)
	e.Why = s.Lang.T("cli.why."+key, pairs...)
	if next := "cli.next." + key; s.Lang.Has(next) {
		e.Next = s.Lang.T(next, pairs...)
	}
}

// file explains errors about the kubeconfig.
func (s Subject) file(err error, e *cli.Error) bool {
	path := ""
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		path = pathError.Path
	}
	detail := err.Error()
	switch {
	case errors.Is(err, kubeconfig.ErrNotSignedIn):
		e.Code = cli.NotAllowed
		s.say(e, "notSignedIn")
	case errors.Is(err, kubeconfig.ErrNoSuchContext), errors.Is(err, kubeconfig.ErrSeveral):
		e.Code = cli.Usage
		s.say(e, "context", "text", detail)
	case errors.Is(err, kubeconfig.ErrGarbage), errors.Is(err, kubeconfig.ErrTooLarge):
		e.Code = cli.Usage
		s.say(e, "kubeconfig", "text", detail)
	case errors.Is(err, kubeconfig.ErrHeld):
		s.say(e, "held", "text", detail)
	case errors.Is(err, fs.ErrNotExist) && path != "":
		e.Code = cli.Usage
		s.say(e, "noFile", "path", path)
	case errors.Is(err, fs.ErrPermission) && path != "":
		e.Code = cli.Usage
		s.say(e, "noPermission", "path", path)
	default:
		return false
	}
	return true
}

// certificate explains why the console's certificate was not accepted.
func (s Subject) certificate(err error, e *cli.Error) bool {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &unknown):
		s.say(e, "untrusted")
	case errors.As(err, &hostname):
		s.say(e, "otherName", "names", strings.Join(append(hostname.Certificate.DNSNames, addresses(hostname.Certificate.IPAddresses)...), ", "))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		s.say(e, "certificateExpired", "until", invalid.Cert.NotAfter.Local().Format(time.DateTime))
	case errors.As(err, &invalid):
		s.say(e, "certificateInvalid", "text", invalid.Error())
	default:
		return false
	}
	return true
}

func addresses(ips []net.IP) []string {
	out := make([]string, 0, len(ips))
	for _, ip := range ips {
		out = append(out, ip.String())
	}
	return out
}

// network explains why there was no answer.
func (s Subject) network(err error, e *cli.Error) bool {
	var (
		dns     *net.DNSError
		timeout interface{ Timeout() bool }
		op      *net.OpError
	)
	switch {
	case errors.As(err, &dns):
		s.say(e, "noName", "host", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		s.say(e, "connectionRefused")
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		s.say(e, "noRoute")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		s.say(e, "noAnswer")
	case errors.As(err, &op), errors.Is(err, syscall.ECONNRESET):
		s.say(e, "broken", "text", err.Error())
	default:
		return false
	}
	return true
}

// answer explains a refusal by the server.
func (s Subject) answer(status metav1.Status, err error, e *cli.Error) {
	var request *client.Error
	if !errors.As(err, &request) {
		request = &client.Error{}
	}
	marker, text := Marker(status)
	key, params, _ := coded(status)
	switch {
	case strings.HasPrefix(key, "cluster."):
		s.cluster(strings.TrimPrefix(key, "cluster."), params, e)
	case key == "register.OperationAtWork":
		e.Code = cli.Locked
		e.Why = s.said(status, text)
	case strings.HasPrefix(key, "register."):
		e.Code = cli.Usage
		e.Why = s.said(status, text)
	case marker != "":
		e.Code = cli.Refused
		if marker == MarkerBlocked {
			e.Code = cli.Blocked
		}
		e.Why = s.Lang.T("cli.why.api." + marker)
		e.Next = s.Lang.T("cli.next."+marker, "ref", "operation/"+request.Name+" -n "+request.Cluster)
	case status.Code == http.StatusUnauthorized:
		e.Code = cli.NotAllowed
		s.unauthorized(status, e)
	case status.Code == http.StatusForbidden:
		e.Code = cli.NotAllowed
		s.forbidden(status, request, e)
	case status.Code == http.StatusNotFound:
		e.Code = cli.NotFound
		s.notFound(status, request, e)
	case status.Reason == metav1.StatusReasonAlreadyExists:
		e.Code = cli.Usage
		e.Why = s.said(status, text)
	case status.Code == http.StatusBadRequest, status.Code == http.StatusUnprocessableEntity, status.Code == http.StatusRequestEntityTooLarge:
		e.Code = cli.Usage
		e.Why = s.said(status, text)
	case status.Code == http.StatusTooManyRequests:
		e.Why = s.said(status, text)
		e.Next = s.Lang.T("cli.next.later")
	default:
		e.Why = s.said(status, text)
		e.Next = s.Lang.T("cli.next.serverLog")
	}
}

// cluster explains why a managed cluster cannot be used. That its credential is refused is no matter of the person's own rights, but not
// allowed all the same.
func (s Subject) cluster(reason string, params map[string]string, e *cli.Error) {
	switch reason {
	case v1alpha1.ReasonInvalid:
		e.Code = cli.Usage
	case v1alpha1.ReasonExpired, v1alpha1.ReasonForbidden, v1alpha1.ReasonUnauthorized:
		e.Code = cli.NotAllowed
	}
	e.Why = s.Lang.Text("cluster."+reason, params)
	if why := "cluster." + reason + ".why." + params["why"]; s.Lang.Has(why) {
		e.Why += " " + s.Lang.Text(why, params)
	}
	if next := "cluster." + reason + ".next"; s.Lang.Has(next) {
		e.Next = s.Lang.Text(next, params)
	}
}

func (s Subject) unauthorized(status metav1.Status, e *cli.Error) {
	if _, params, ok := coded(status); ok && params != nil {
		e.Why = s.said(status, "")
	} else {
		e.Why = s.Lang.T("cli.why.session", "server", s.Server)
	}
	if !s.Expires.IsZero() && s.Now.After(s.Expires) {
		e.Why = s.Lang.T("cli.why.sessionExpired", "server", s.Server, "until", s.Expires.Local().Format(time.DateTime))
	}
	e.Next = s.Lang.T("cli.next.login", "server", s.Server)
}

func (s Subject) forbidden(status metav1.Status, r *client.Error, e *cli.Error) {
	switch {
	case r.Verb == "":
		e.Why = s.said(status, status.Message)
	case r.Cluster == "":
		e.Why = s.Lang.T("cli.why.forbiddenEverywhere", "verb", r.Verb, "resource", r.Resource)
	default:
		e.Why = s.Lang.T("cli.why.forbidden", "verb", r.Verb, "resource", r.Resource, "cluster", r.Cluster)
	}
	e.Next = s.Lang.T("cli.next.forbidden")
}

func (s Subject) notFound(status metav1.Status, r *client.Error, e *cli.Error) {
	kind, name := r.Resource, r.Name
	if d := status.Details; d != nil && d.Name != "" {
		kind, name = d.Kind, d.Name
	}
	switch {
	case kind == "namespaces" || kind == "clusters":
		s.say(e, "noCluster", "cluster", name)
	case s.Lang.Has("cli.why.no." + kind):
		e.Why = s.Lang.T("cli.why.no."+kind, "name", name, "cluster", r.Cluster)
		e.Next = s.Lang.T("cli.next.list", "resource", kind)
		if kind == "users" {
			e.Next = s.Lang.T("cli.next.listUsers")
		}
	default:
		e.Why = s.said(status, status.Message)
	}
}

// Markers that the messages of Kanrin's validation rules begin with; also keys below cli.why.
const (
	MarkerStale   = "StalePlan"
	MarkerUsed    = "PlanUsed"
	MarkerBlocked = "Blocked"
)

// Marker finds the marker of a validation rule in an answer, and the sentence after it.
func Marker(status metav1.Status) (marker, text string) {
	messages := []string{status.Message}
	if status.Details != nil {
		for _, c := range status.Details.Causes {
			messages = append(messages, c.Message)
		}
	}
	for _, m := range []string{MarkerStale, MarkerUsed, MarkerBlocked} {
		for _, message := range messages {
			if _, after, ok := strings.Cut(message, m+": "); ok {
				return m, after
			}
		}
	}
	return "", ""
}

// said is the server's own sentence, in the person's language when it carries a code that the catalogue knows.
func (s Subject) said(status metav1.Status, fallback string) string {
	if key, params, ok := coded(status); ok && s.Lang.Has(key) {
		return s.Lang.Text(key, params)
	}
	if fallback != "" {
		return fallback
	}
	return status.Message
}

// coded finds the code of a refusal: causes[0].reason is the code, further causes of reason Parameter are its parameters.
func coded(status metav1.Status) (key string, params map[string]string, ok bool) {
	if status.Details == nil || len(status.Details.Causes) == 0 {
		return "", nil, false
	}
	code := string(status.Details.Causes[0].Type)
	params = map[string]string{}
	for _, c := range status.Details.Causes[1:] {
		if c.Type == "Parameter" {
			params[c.Field] = c.Message
		}
	}
	for _, area := range []string{"access.", "cluster.", "register.", "inventory."} {
		if lang.English.Has(area + code) {
			return area + code, params, true
		}
	}
	return "", nil, false
}
