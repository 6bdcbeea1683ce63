package access

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestTokenRoundTrip(t *testing.T) {
	a, b := newToken(), newToken()
	if a.ID() == b.ID() || a.secret == b.secret {
		t.Fatal("two tokens share a part")
	}
	back, err := ParseToken(a.Reveal())
	if err != nil || back != a {
		t.Fatalf("ParseToken(Reveal()) = %v, %v", back, err)
	}
	if a.CSRF() == b.CSRF() || strings.Contains(a.CSRF(), a.secret) {
		t.Fatal("the CSRF value is not the session's own, or tells the secret")
	}
}

func TestTokenNeverPrintsItsSecret(t *testing.T) {
	tok := newToken()
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", tok, "in", struct{ T Token }{tok})
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", tok, "any", []Token{tok})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		fmt.Fprintf(&log, verb+"\n", tok)
		fmt.Fprintf(&log, verb+"\n", struct{ T Token }{tok})
		fmt.Fprintf(&log, verb+"\n", []any{tok, &tok})
	}
	if strings.Contains(log.String(), tok.secret) {
		t.Fatalf("the secret was printed:\n%s", log.String())
	}
	if !strings.Contains(log.String(), tok.ID()) {
		t.Fatal("the id was not printed")
	}
}

func TestParseTokenRefuses(t *testing.T) {
	good := newToken().Reveal()
	for name, bad := range map[string]string{
		"empty":            "",
		"no prefix":        strings.TrimPrefix(good, tokenPrefix),
		"other prefix":     "konrin" + strings.TrimPrefix(good, "kanrin"),
		"no secret":        good[:strings.IndexByte(good, '.')],
		"empty secret":     good[:strings.IndexByte(good, '.')+1],
		"short":            good[:len(good)-1],
		"long":             good + "A",
		"space before":     " " + good,
		"newline after":    good + "\n",
		"newline inside":   good[:len(good)-1] + "\n",
		"upper-case id":    tokenPrefix + strings.ToUpper(good[len(tokenPrefix):]),
		"path in id":       tokenPrefix + "../../../secrets." + good[strings.IndexByte(good, '.')+1:],
		"two dots":         strings.Replace(good, ".", "..", 1),
		"loose last digit": good[:len(good)-1] + "_", // bits beyond the end that are not zero
	} {
		if _, err := ParseToken(bad); err == nil {
			t.Errorf("%s: %q was accepted", name, bad)
		} else if len(bad) > 10 && strings.Contains(err.Error(), bad) {
			t.Errorf("%s: the error repeats the input", name)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add(newToken().Reveal())
	f.Add("kanrin-.")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		tok, err := ParseToken(s)
		if err != nil {
			return
		}
		if tok.Reveal() != s {
			t.Fatalf("%q was accepted and reads back as another token", s)
		}
		if strings.ContainsAny(tok.ID(), "/.\\ ") || len(tok.ID()) != 16 {
			t.Fatalf("id %q cannot be part of an object's name", tok.ID())
		}
	})
}
