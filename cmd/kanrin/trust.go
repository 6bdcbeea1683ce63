package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/explain"
	"kanrin.dev/kanrin/internal/cli/trust"
)

// pin is how the console is recognised from now on. Without a CA it is the machine's own trust store.
type pin struct {
	ca         []byte
	serverName string
}

// establishTrust decides by which certificate the console is recognised, before anything is sent to it: a given authority, a given
// fingerprint, the machine's trust store, or the person at the terminal.
func (a *app) establishTrust(ctx context.Context, base *url.URL, what string, o loginOptions) (pin, error) {
	subject := explain.Subject{Lang: a.lang, Now: a.now(), Server: base.String()}

	if o.authority != "" {
		data, err := os.ReadFile(o.authority)
		if err != nil {
			return pin{}, subject.Error(what, err)
		}
		if _, err := trust.Pool(data); err != nil {
			return pin{}, a.badInput(what, a.t("cli.why.authority", "file", o.authority), a.t("cli.next.authority"))
		}
		return pin{ca: data}, nil // checked with the first request
	}
	limited, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	shown, err := trust.Look(limited, base, nil)
	if err != nil {
		return pin{}, subject.Error(what, err)
	}
	if o.fingerprint != "" {
		same, err := trust.Matches(o.fingerprint, shown.Leaf)
		if err != nil {
			return pin{}, a.badInput(what, a.t("cli.why.fingerprintForm"), a.t("cli.next.fingerprintForm"))
		}
		if !same {
			return pin{}, &cli.Error{
				Code: cli.NotAllowed, What: what, Why: a.t("cli.why.fingerprint", "shown", trust.Fingerprint(shown.Leaf)), Next: a.t("cli.next.fingerprint"),
			}
		}
		return a.pinned(base, shown, what)
	}
	if shown.Problem == nil {
		return pin{}, nil
	}
	var invalid x509.CertificateInvalidError
	if errors.As(shown.Problem, &invalid) && invalid.Reason == x509.Expired {
		return pin{}, subject.Error(what, shown.Problem)
	}
	return a.askTrust(ctx, base, shown, what)
}

// askTrust shows the certificate and asks whether it is the console's.
func (a *app) askTrust(ctx context.Context, base *url.URL, shown *trust.Shown, what string) (pin, error) {
	leaf := shown.Leaf
	names := append([]string{}, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	issuer := leaf.Issuer.CommonName
	if issuer == "" {
		issuer = leaf.Issuer.String()
	}
	if !a.prompt.Interactive() {
		return pin{}, &cli.Error{
			Code: cli.Usage, What: what, Why: a.t("cli.why.untrustedShown", "fingerprint", trust.Fingerprint(leaf)), Next: a.t("cli.next.untrustedShown"),
			Cause: shown.Problem,
		}
	}
	a.say("cli.trust.unknown", "server", base.String())
	a.say("cli.trust.names", "names", strings.Join(names, ", "))
	a.say("cli.trust.issuer", "issuer", issuer)
	a.say("cli.trust.until", "until", leaf.NotAfter.Local().Format(time.DateTime))
	a.say("cli.trust.fingerprint", "fingerprint", trust.Fingerprint(leaf))
	a.say("cli.trust.where")
	yes, err := a.prompt.Confirm(ctx, a.t("cli.ask.trust"))
	if err != nil {
		return pin{}, err
	}
	if !yes {
		fmt.Fprintln(a.streams.Err, a.t("cli.nothingSent"))
		return pin{}, cli.Exit(cli.Interrupted)
	}
	return a.pinned(base, shown, what)
}

// pinned recognises exactly the certificate that was shown, by whatever name it is reached.
func (a *app) pinned(base *url.URL, shown *trust.Shown, what string) (pin, error) {
	name, ok := trust.NameFor(shown.Leaf, base.Hostname())
	if !ok {
		return pin{}, &cli.Error{Code: cli.Failed, What: what, Why: a.t("cli.why.nameless"), Next: a.t("cli.next.nameless")}
	}
	now := a.now()
	if now.After(shown.Leaf.NotAfter) || now.Before(shown.Leaf.NotBefore) {
		until := shown.Leaf.NotAfter.Local().Format(time.DateTime)
		return pin{}, &cli.Error{
			Code: cli.Failed, What: what, Why: a.t("cli.why.certificateExpired", "server", base.String(), "until", until), Next: a.t("cli.next.certificateExpired"),
		}
	}
	return pin{ca: trust.PEM(shown.Leaf), serverName: name}, nil
}
