package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
)

// Token is what a client shows to be let in: kanrin-<id>.<secret>. The id names the session and may be logged; the secret may not,
// and no way of formatting a Token prints it but Reveal.
type Token struct {
	id     string
	secret string
}

const (
	tokenPrefix = "kanrin-"
	idBytes     = 10 // 80 bits: ids are only to be distinct
	secretBytes = 32
)

var (
	idEncoding     = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	secretEncoding = base64.RawURLEncoding.Strict()
)

var errTokenForm = errors.New("not a token of the form kanrin-<id>.<secret>")

func newToken() Token {
	raw := make([]byte, idBytes+secretBytes)
	rand.Read(raw) // crypto/rand.Read never fails
	return Token{id: idEncoding.EncodeToString(raw[:idBytes]), secret: secretEncoding.EncodeToString(raw[idBytes:])}
}

// ParseToken reads what a client sent. Its error never repeats the input.
func ParseToken(s string) (Token, error) {
	rest, ok := strings.CutPrefix(s, tokenPrefix)
	if !ok {
		return Token{}, errTokenForm
	}
	id, secret, ok := strings.Cut(rest, ".")
	if !ok || len(id) != idEncoding.EncodedLen(idBytes) || len(secret) != secretEncoding.EncodedLen(secretBytes) {
		return Token{}, errTokenForm
	}
	if _, err := idEncoding.DecodeString(id); err != nil {
		return Token{}, errTokenForm
	}
	if strings.ContainsAny(secret, "\r\n") { // which the decoder would skip
		return Token{}, errTokenForm
	}
	if _, err := secretEncoding.DecodeString(secret); err != nil {
		return Token{}, errTokenForm
	}
	return Token{id: id, secret: secret}, nil
}

// ID of the session.
func (t Token) ID() string { return t.id }

// Reveal returns the token as the client is to send it.
func (t Token) Reveal() string { return tokenPrefix + t.id + "." + t.secret }

// String hides the secret.
func (t Token) String() string { return tokenPrefix + t.id + ".(secret)" }

// GoString hides the secret from %#v.
func (t Token) GoString() string { return t.String() }

// LogValue hides the secret from structured logs.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// CSRF is what a page must send beside the cookie with every changing request. Only who can read the session's own answers knows it;
// it is derived from the secret, so that nothing more needs to be stored.
func (t Token) CSRF() string {
	mac := hmac.New(sha256.New, []byte(t.secret))
	mac.Write([]byte("kanrin csrf"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// sum is what is stored of the secret. The secret is random and long, so that a fast hash is enough.
func (t Token) sum() [sha256.Size]byte { return sha256.Sum256([]byte(t.secret)) }
