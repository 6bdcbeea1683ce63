package console

import (
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/internal/access"
	"kanrin.dev/kanrin/internal/httpapi"
)

const (
	// cookieName has the prefix by which browsers insist on Secure, Path=/ and no Domain.
	cookieName = "__Host-kanrin"
	csrfHeader = "X-Kanrin-Csrf"
)

// signedIn is what a request's credential stands for.
type signedIn struct {
	session access.Session
	token   access.Token
	// cookie is set when the browser sent the credential by itself, so that the request alone does not prove whose idea it was.
	cookie bool
}

// authenticate finds the session of a request. A credential in the Authorization header counts alone; a cookie is not tried after it.
func (c *Console) authenticate(r *http.Request) (signedIn, error) {
	text, fromCookie, err := credential(r)
	if err != nil {
		return signedIn{}, err
	}
	token, err := access.ParseToken(text)
	if err != nil {
		return signedIn{}, access.Unauthorized(access.CodeSessionUnknown)
	}
	session, err := c.access.Authenticate(r.Context(), token)
	if err != nil {
		return signedIn{}, err
	}
	in := signedIn{session: session, token: token, cookie: fromCookie}
	if fromCookie != (session.Kind == access.Browser) {
		// A token made for a cookie is nobody's to put into a header, and the reverse.
		return signedIn{}, access.Unauthorized(access.CodeSessionUnknown)
	}
	if in.cookie && !isRead(r.Method) {
		sent, want := r.Header.Get(csrfHeader), token.CSRF()
		if subtle.ConstantTimeCompare([]byte(sent), []byte(want)) != 1 {
			return signedIn{}, access.Refusal(http.StatusForbidden, metav1.StatusReasonForbidden, access.CodeCSRF)
		}
	}
	return in, nil
}

// credential returns the token of a request.
func credential(r *http.Request) (token string, cookie bool, err error) {
	switch headers := r.Header.Values("Authorization"); len(headers) {
	case 0:
	case 1:
		scheme, token, _ := strings.Cut(headers[0], " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return "", false, access.Unauthorized(access.CodeSignInRequired)
		}
		return strings.TrimSpace(token), false, nil
	default:
		return "", false, access.Unauthorized(access.CodeSessionUnknown)
	}
	switch cookies := r.CookiesNamed(cookieName); len(cookies) {
	case 0:
		return "", false, access.Unauthorized(access.CodeSignInRequired)
	case 1:
		return cookies[0].Value, true, nil
	default: // which one counts would be anybody's guess
		return "", false, access.Unauthorized(access.CodeSessionUnknown)
	}
}

func setCookie(w http.ResponseWriter, token access.Token, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: token.Reveal(), Path: "/", MaxAge: int(life.Seconds()),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

func clearCookie(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// authorize checks a request against a route's rule and returns the request that carries its caller.
func (c *Console) authorize(rt *route, r *http.Request) (*http.Request, error) {
	rule := rt.Access
	if rule.Public || rt.LoopbackFree && fromLoopback(r) {
		return r, nil
	}
	in, err := c.authenticate(r)
	if err != nil {
		return nil, err
	}
	caller := in.session.Caller()
	if rule.Verb != "" {
		if err := c.access.Require(r.Context(), caller, rule.Verb, rule.Resource, r.PathValue("cluster")); err != nil {
			return nil, err
		}
	}
	ctx := httpapi.WithCaller(r.Context(), caller)
	return r.WithContext(withSignedIn(ctx, in)), nil
}
