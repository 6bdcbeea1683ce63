package console

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/internal/access"
)

// contentSecurityPolicy of everything that is served: scripts, styles and pictures of our own, and nothing else.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// apiSecurityPolicy of answers that are data: should a browser show one as a page, it can do nothing.
const apiSecurityPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox"

// securityHeaders of every answer. There is no Strict-Transport-Security: with a certificate that nobody vouches for it would lock
// people out of other services on the same host.
var securityHeaders = map[string]string{
	"Content-Security-Policy":      contentSecurityPolicy,
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

// guard refuses what no page of ours and no client of ours sends, before anything looks at the request's content.
func (c *Console) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range securityHeaders {
			w.Header().Set(name, value)
		}
		if !isPage(r.URL.Path) {
			w.Header().Set("Content-Security-Policy", apiSecurityPolicy)
			w.Header().Set("Cache-Control", "no-store")
		}
		if !c.hostAllowed(r) {
			c.refuse(w, r, access.Refusal(http.StatusMisdirectedRequest, metav1.StatusReasonBadRequest, access.CodeHostNotAllowed, "host", r.Host))
			return
		}
		if isUpgrade(r) {
			c.refuse(w, r, access.Refusal(http.StatusBadRequest, metav1.StatusReasonBadRequest, access.CodeUpgradeRefused))
			return
		}
		if !sameOrigin(r) {
			c.refuse(w, r, access.Refusal(http.StatusForbidden, metav1.StatusReasonForbidden, access.CodeForeignOrigin))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isPage reports whether the path is one of the front end's, not of an API.
func isPage(path string) bool {
	for _, prefix := range []string{"/kanrin", "/api", "/apis", "/openapi", "/version", "/healthz", "/readyz", "/metrics"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok && (rest == "" || rest[0] == '/') {
			return false
		}
	}
	return true
}

// hostAllowed protects against DNS rebinding: a page of a foreign name that resolves to this server must not reach it. Allowed are the
// names of the certificate, the configured ones, and the address at which the connection arrived.
func (c *Console) hostAllowed(r *http.Request) bool {
	host, ok := hostOf(r.Host)
	if !ok {
		return false
	}
	if c.hosts[host] || c.certificate.leaf().VerifyHostname(host) == nil {
		return true
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil {
		return false
	}
	at, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap() == at.Addr().Unmap().WithZone("")
}

// hostOf returns the name or address of a Host header without port and brackets, in lower case.
func hostOf(header string) (host string, ok bool) {
	if header == "" || len(header) > 300 {
		return "", false
	}
	host = header
	if h, port, err := net.SplitHostPort(header); err == nil {
		for _, digit := range port {
			if digit < '0' || digit > '9' {
				return "", false
			}
		}
		host = h
	} else if rest, found := strings.CutPrefix(header, "["); found {
		if host, found = strings.CutSuffix(rest, "]"); !found {
			return "", false
		}
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "" || strings.ContainsAny(host, "/\\@?#[]%* \t\r\n") {
		return "", false
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.String(), true
	}
	return host, !strings.Contains(host, ":")
}

// sameOrigin reports whether a browser's request comes from a page of ours or from its user, by what browsers alone say and scripts
// cannot change. Other clients say neither.
func sameOrigin(r *http.Request) bool {
	for _, origin := range r.Header.Values("Origin") {
		if !isOwnOrigin(origin, r.Host) {
			return false
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin":
		return true
	case "none": // typed or bookmarked
		return isRead(r.Method)
	default: // cross-site and same-site: a link to a page of ours is fine, anything else is not
		return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" && isPage(r.URL.Path)
	}
}

func isOwnOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return false
	}
	return strings.EqualFold(strings.TrimSuffix(u.Host, ":443"), strings.TrimSuffix(host, ":443"))
}

func isRead(method string) bool {
	return method == http.MethodGet || method == http.MethodHead
}

func isUpgrade(r *http.Request) bool {
	if r.Header.Get("Upgrade") != "" || r.Method == http.MethodConnect {
		return true
	}
	for _, value := range r.Header.Values("Connection") {
		for _, token := range strings.Split(value, ",") {
			if strings.EqualFold(strings.TrimSpace(token), "upgrade") {
				return true
			}
		}
	}
	return false
}

// clientAddress is the peer's address. Headers that name another one are not believed.
func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// fromLoopback reports whether the request was made on this machine and not passed on by a proxy that runs on it.
func fromLoopback(r *http.Request) bool {
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if len(r.Header.Values(header)) > 0 {
			return false
		}
	}
	return isLoopback(clientAddress(r))
}
