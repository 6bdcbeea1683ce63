package kubeconfig

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

func checkProxy(c *rest.Config, proxy string) error {
	if proxy == "" {
		return nil
	}
	u, err := url.Parse(proxy)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" {
		return refuse("Proxy", nil, "proxy", short(proxy))
	}
	c.Proxy = http.ProxyURL(u)
	return nil
}

// checkCA accepts no CA at all: the system's are used then.
func checkCA(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return refuse("CA", nil)
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return refuse("CA", err)
		}
		return nil
	}
}

// checkUser reads what the credential says of itself: whose it is and until when it is good.
func (c *Credentials) checkUser(user *clientcmdapi.AuthInfo) error {
	hasCert := len(user.ClientCertificateData) > 0 || len(user.ClientKeyData) > 0
	if !hasCert && user.Token == "" && user.Username == "" {
		return refuse("NoCredential", nil)
	}
	if hasCert {
		pair, err := tls.X509KeyPair(user.ClientCertificateData, user.ClientKeyData)
		if err != nil {
			return refuse("ClientCertificate", nil) // the library's text may quote what it could not read
		}
		c.Subject, c.Expires = short(pair.Leaf.Subject.CommonName), pair.Leaf.NotAfter
	}
	if user.Token == "" {
		return nil
	}
	if strings.ContainsFunc(user.Token, func(r rune) bool { return r <= 0x20 || r >= 0x7f }) {
		return refuse("Token", nil)
	}
	if subject, expires, ok := tokenClaims(user.Token); ok {
		if c.Subject == "" {
			c.Subject = short(subject)
		}
		if !expires.IsZero() && (c.Expires.IsZero() || expires.Before(c.Expires)) {
			c.Expires = expires
		}
	}
	return nil
}

// tokenClaims reads, without verifying, what a JSON web token says of itself.
func tokenClaims(token string) (subject string, expires time.Time, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", time.Time{}, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", time.Time{}, false
	}
	var claims struct {
		Subject string  `json:"sub"`
		Expires float64 `json:"exp"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return "", time.Time{}, false
	}
	// Years past 9999 cannot be written as JSON; such a token says "never".
	if claims.Expires > 0 && claims.Expires < 253402300800 {
		expires = time.Unix(int64(claims.Expires), 0)
	}
	return claims.Subject, expires, true
}
