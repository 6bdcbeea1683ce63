package console

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/access"
	"kanrin.dev/kanrin/internal/httpapi"
)

// maxSignInBody is read from anybody.
const maxSignInBody = 8 << 10

// Results of sign-ins, as metrics and the audit log name them.
const (
	signInOK      = "ok"
	signInFailed  = "failed"
	signInLimited = "limited"
	signInError   = "error"
)

type signInRequest struct {
	Username string `json:"username"`
	Password string `json:"password"`
	// Token asks for a bearer token instead of a cookie.
	Token bool `json:"token,omitempty"`
}

// signIn serves POST /kanrin/v1/login.
func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	var in signInRequest
	if err := readJSON(r, &in); err != nil {
		c.refuse(w, r, err)
		return
	}
	address := clientAddress(r)
	if wait := c.limiter.attempt(address, in.Username); wait > 0 {
		c.audited(r, signInLimited, in.Username, false, "")
		c.refuse(w, r, access.Busy(access.CodeTooManyAttempts, seconds(wait)))
		return
	}
	kind := access.Browser
	if in.Token {
		kind = access.Bearer
	}
	token, session, known, err := c.access.SignIn(r.Context(), in.Username, in.Password, kind)
	if err != nil {
		result := signInFailed
		if access.CodeOf(err) != access.CodeSignInFailed {
			result = signInError
			c.limiter.void(address, in.Username)
		}
		c.audited(r, result, in.Username, known, "")
		c.refuse(w, r, err)
		return
	}
	c.limiter.succeeded(address, in.Username)
	c.audited(r, signInOK, in.Username, true, session.ID)
	answer, err := c.describe(r, session)
	if err != nil {
		c.refuse(w, r, err)
		return
	}
	if in.Token {
		answer.Token = token.Reveal()
	} else {
		answer.CSRF = token.CSRF()
		setCookie(w, token, session.Expires.Sub(c.clock.Now()))
	}
	httpapi.WriteJSON(w, http.StatusOK, answer)
}

// audited counts and logs a sign-in. A name that no user has is left out: it may be a password typed into the wrong field.
func (c *Console) audited(r *http.Request, result, user string, known bool, session string) {
	c.metrics.signIns.WithLabelValues(result).Inc()
	if !known {
		user = ""
	}
	c.audit.Info("sign-in", "result", result, "user", user, "address", clientAddress(r), "session", session)
}

// describe is what a session's owner may know of it.
func (c *Console) describe(r *http.Request, session access.Session) (inventory.Session, error) {
	role, err := c.access.Role(r.Context(), session.User)
	if err != nil {
		return inventory.Session{}, err
	}
	return inventory.Session{
		User: session.User, Groups: session.Caller().Groups, Expires: session.Expires, Version: c.conf.Version, Role: string(role),
	}, nil
}

// getSession serves GET /kanrin/v1/session.
func (c *Console) getSession(w http.ResponseWriter, r *http.Request) {
	in := signedInFrom(r.Context())
	answer, err := c.describe(r, in.session)
	if err != nil {
		c.refuse(w, r, err)
		return
	}
	if in.cookie {
		answer.CSRF = in.token.CSRF()
	}
	httpapi.WriteJSON(w, http.StatusOK, answer)
}

// signOut serves POST /kanrin/v1/logout.
func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	in := signedInFrom(r.Context())
	if err := c.access.Revoke(r.Context(), in.session.ID); err != nil {
		c.refuse(w, r, err)
		return
	}
	c.audit.Info("sign-out", "user", in.session.User, "address", clientAddress(r), "session", in.session.ID)
	if in.cookie {
		clearCookie(w)
	}
	httpapi.WriteJSON(w, http.StatusOK, success())
}

// changePassword serves POST /kanrin/v1/password.
func (c *Console) changePassword(w http.ResponseWriter, r *http.Request) {
	in := signedInFrom(r.Context())
	var body struct {
		Old string `json:"old"`
		New string `json:"new"`
	}
	if err := readJSON(r, &body); err != nil {
		c.refuse(w, r, err)
		return
	}
	// A stolen session must not become a way to guess the password.
	address, user := clientAddress(r), in.session.User
	if wait := c.limiter.attempt(address, user); wait > 0 {
		c.refuse(w, r, access.Busy(access.CodeTooManyAttempts, seconds(wait)))
		return
	}
	err := c.access.ChangePassword(r.Context(), in.session, body.Old, body.New)
	if access.CodeOf(err) == access.CodePasswordWrong {
		c.audit.Info("password not changed", "user", user, "address", address, "session", in.session.ID, "why", access.CodePasswordWrong)
		c.refuse(w, r, err)
		return
	}
	c.limiter.void(address, user)
	if err != nil {
		c.refuse(w, r, err)
		return
	}
	c.audit.Info("password changed", "user", user, "by", user, "address", address, "session", in.session.ID)
	httpapi.WriteJSON(w, http.StatusOK, success())
}

func success() metav1.Status {
	return metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess, Code: http.StatusOK}
}

// readJSON reads a body that is exactly one JSON value of the expected shape. Its errors do not repeat the body.
func readJSON(r *http.Request, into any) error {
	invalid := access.Refusal(http.StatusBadRequest, metav1.StatusReasonBadRequest, access.CodeBodyInvalid)
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "application/merge-patch+json" {
		return access.Refusal(http.StatusUnsupportedMediaType, metav1.StatusReasonUnsupportedMediaType, access.CodeBodyInvalid)
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err = decoder.Decode(into)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one value")
		}
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return bodyTooLarge(large.Limit)
	case err != nil:
		return invalid
	}
	return nil
}
