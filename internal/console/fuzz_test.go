package console

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"kanrin.dev/kanrin/internal/access"
)

// Whatever body is sent to the sign-in, the answer is a refusal that does not repeat it, or two strings.
func FuzzSignInBody(f *testing.F) {
	f.Add([]byte(`{"username":"admin","password":"secret"}`), "application/json")
	f.Add([]byte(`{"username":"admin","password":"secret"}}`), "application/json; charset=utf-8")
	f.Add([]byte(`{"username":{"a":1}}`), "application/json")
	f.Add([]byte("\xff\xfe"), "text/plain")
	f.Fuzz(func(t *testing.T, body []byte, kind string) {
		r := httptest.NewRequest("POST", "/kanrin/v1/login", strings.NewReader(string(body)))
		r.Header["Content-Type"] = []string{kind}
		r.Body = http.MaxBytesReader(httptest.NewRecorder(), r.Body, maxSignInBody)
		var in signInRequest
		err := readJSON(r, &in)
		if err == nil {
			if len(body) > maxSignInBody || len(in.Username)+len(in.Password) > 3*len(body) {
				t.Fatalf("%d bytes were taken", len(body))
			}
			return
		}
		var status apierrors.APIStatus
		if !errors.As(err, &status) || status.Status().Code < 400 || status.Status().Code >= 500 {
			t.Fatalf("%v is no refusal", err)
		}
		if len(body) > 8 && strings.Contains(err.Error(), string(body)) {
			t.Fatalf("the refusal repeats the body: %v", err)
		}
	})
}

// A credential is found only where exactly one was sent, and its header wins over a cookie.
func FuzzCredential(f *testing.F) {
	f.Add("Bearer kanrin-a.b", "__Host-kanrin=kanrin-c.d")
	f.Add("", "__Host-kanrin=a; __Host-kanrin=b")
	f.Add("Basic YTpi", "x=y")
	f.Fuzz(func(t *testing.T, authorization, cookie string) {
		r := &http.Request{Header: http.Header{}}
		if authorization != "" {
			r.Header["Authorization"] = []string{authorization}
		}
		if cookie != "" {
			r.Header["Cookie"] = []string{cookie}
		}
		token, fromCookie, err := credential(r)
		if err != nil {
			if access.CodeOf(err) == "" {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		if fromCookie && authorization != "" {
			t.Fatal("a cookie was used beside a header")
		}
		if fromCookie && strings.Count(cookie, cookieName) != 1 && len(r.CookiesNamed(cookieName)) != 1 {
			t.Fatal("one of several cookies was used")
		}
		if !fromCookie && !strings.Contains(authorization, token) {
			t.Fatal("the token is not the header's")
		}
	})
}
