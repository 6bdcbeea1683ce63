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
	"os"
	"strings"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

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
