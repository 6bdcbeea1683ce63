package reach

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"maps"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet/kubeconfig"
)

// ErrForeign marks an answer that no Kubernetes API server gives.
var ErrForeign = errors.New("the answer is not that of a Kubernetes API server")

// Subject is what a failure is about: which server, with which credentials.
type Subject struct {
	Cluster string
	Server  string
	// User and Expires are what the credential says of itself, see kubeconfig.Credentials.
	User    string
	Expires time.Time
}

// SubjectOf describes credentials.
func SubjectOf(cluster string, c *kubeconfig.Credentials) Subject {
	return Subject{Cluster: cluster, Server: c.Server, User: c.Subject, Expires: c.Expires}
}

// Classify says what a failed request means. It returns nil for nil.
func (s Subject) Classify(err error) *Error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	var bad *kubeconfig.Error
	if errors.As(err, &bad) {
		return s.error(v1alpha1.ReasonInvalid, bad.Code, err, bad.Params)
	}
	if errors.Is(err, ErrForeign) {
		return s.error(ReasonNotServing, "foreign", err, nil)
	}
	if e := s.tls(err); e != nil {
		return e
	}
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return s.answered(status.Status(), err)
	}
	return s.network(err)
}

func (s Subject) error(reason, why string, err error, more map[string]string) *Error {
	params := map[string]string{"cluster": s.Cluster, "server": s.Server, "user": cmp.Or(s.User, "?"), "expires": "?"}
	if !s.Expires.IsZero() {
		params["expires"] = s.Expires.UTC().Format("2006-01-02 15:04 UTC")
	}
	maps.Copy(params, more)
	return &Error{Reason: reason, Why: why, Params: params, Err: err}
}

// expired reports whether the credential itself says that it has run out.
func (s Subject) expired() bool { return !s.Expires.IsZero() && time.Now().After(s.Expires) }

// Expired returns the error for a credential that has run out, or nil.
func (s Subject) Expired() *Error {
	if !s.expired() {
		return nil
	}
	return s.error(v1alpha1.ReasonExpired, "clock", nil, nil)
}

func (s Subject) tls(err error) *Error {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		verify   *tls.CertificateVerificationError
		alert    tls.AlertError
		record   tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &hostname):
		return s.error(v1alpha1.ReasonWrongCA, "name", err, map[string]string{"host": hostname.Host})
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return s.error(v1alpha1.ReasonWrongCA, "expired", err, map[string]string{
			"notAfter": invalid.Cert.NotAfter.UTC().Format("2006-01-02 15:04 UTC"),
		})
	case errors.As(err, &unknown):
		issuer := ""
		if unknown.Cert != nil {
			issuer = unknown.Cert.Issuer.CommonName
		}
		return s.error(v1alpha1.ReasonWrongCA, "authority", err, map[string]string{"issuer": issuer})
	case errors.As(err, &invalid), errors.As(err, &verify):
		return s.error(v1alpha1.ReasonWrongCA, "invalid", err, map[string]string{"error": err.Error()})
	case errors.As(err, &alert):
		const certificateExpired = 45 // RFC 8446, section 6
		if alert == certificateExpired || s.expired() {
			return s.error(v1alpha1.ReasonExpired, "refused", err, nil)
		}
		return s.error(v1alpha1.ReasonUnauthorized, "alert", err, map[string]string{"error": alert.Error()})
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return s.error(ReasonNotServing, "plain", err, nil)
	}
	return nil
}

// answered classifies what an API server, or something else that speaks HTTP, has answered.
func (s Subject) answered(status metav1.Status, err error) *Error {
	code := map[string]string{"code": strconv.Itoa(int(status.Code)), "error": status.Message}
	switch {
	case status.Code == http.StatusUnauthorized && s.expired():
		return s.error(v1alpha1.ReasonExpired, "refused", err, nil)
	case status.Code == http.StatusUnauthorized:
		return s.error(v1alpha1.ReasonUnauthorized, "refused", err, nil)
	case status.Code == http.StatusForbidden:
		return s.error(v1alpha1.ReasonForbidden, "refused", err, code)
	case status.Code == http.StatusTooManyRequests:
		return s.error(ReasonNotServing, "busy", err, code)
	case status.Code >= 500:
		return s.error(ReasonNotServing, "failing", err, code)
	}
	return s.error(ReasonNotServing, "foreign", err, code)
}

func (s Subject) network(err error) *Error {
	var (
		dns     *net.DNSError
		timeout interface{ Timeout() bool }
	)
	switch {
	case errors.As(err, &dns):
		return s.error(v1alpha1.ReasonUnreachable, "name", err, map[string]string{"host": dns.Name})
	case errors.Is(err, syscall.ECONNREFUSED):
		return s.error(v1alpha1.ReasonUnreachable, "refused", err, nil)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return s.error(v1alpha1.ReasonUnreachable, "silent", err, nil)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return s.error(v1alpha1.ReasonUnreachable, "route", err, nil)
	}
	return s.error(v1alpha1.ReasonUnreachable, "broken", err, map[string]string{"error": err.Error()})
}
