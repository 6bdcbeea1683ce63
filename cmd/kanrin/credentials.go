package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"k8s.io/client-go/rest"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/explain"
)

// authenticate gets a token: the given one, or a new one for a password.
func (a *app) authenticate(ctx context.Context, config *rest.Config, what string, o loginOptions) (string, *inventory.Session, error) {
	explained := func(err error) error {
		subject := explain.Subject{Lang: a.lang, Now: a.now(), Server: config.Host}
		return subject.Error(what, err)
	}
	token, err := a.givenToken(o, what)
	if err != nil {
		return "", nil, err
	}
	if token != "" {
		config = rest.CopyConfig(config)
		config.BearerToken = token
		c, err := client.New(config, userAgent())
		if err != nil {
			return "", nil, explained(err)
		}
		who, err := c.Session(ctx)
		if err != nil {
			return "", nil, explained(err)
		}
		return token, who, nil
	}
	user, password, err := a.credentials(ctx, what, o)
	if err != nil {
		return "", nil, err
	}
	c, err := client.New(config, userAgent())
	if err != nil {
		return "", nil, explained(err)
	}
	who, err := c.SignIn(ctx, user, password)
	if err != nil {
		return "", nil, explained(err)
	}
	if who.Token == "" {
		return "", nil, explained(fmt.Errorf("%w: it gave no token", client.ErrForeign))
	}
	return who.Token, who, nil
}

func (a *app) givenToken(o loginOptions, what string) (string, error) {
	token := o.token
	if o.tokenFile != "" {
		text, err := a.secretFile(o.tokenFile, what)
		if err != nil {
			return "", err
		}
		token = text
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= 0x20 || r >= 0x7f }) || (o.tokenFile != "" && token == "") {
		return "", a.badInput(what, a.t("cli.why.token"), a.t("cli.next.token"))
	}
	return token, nil
}

// credentials asks for what was not given.
func (a *app) credentials(ctx context.Context, what string, o loginOptions) (user, password string, err error) {
	user = o.username
	if user == "" {
		if user, err = a.prompt.Line(ctx, a.t("cli.ask.username")+" "); err != nil {
			return "", "", a.unanswered(what, err, a.t("cli.next.username"))
		}
		user = strings.TrimSpace(user)
	}
	if user == "" {
		return "", "", a.badInput(what, a.t("cli.why.noUser"), a.t("cli.next.username"))
	}
	if o.passwordFile != "" {
		password, err = a.secretFile(o.passwordFile, what)
		return user, password, err
	}
	if password, err = a.prompt.Password(ctx, a.t("cli.ask.password", "user", user)+" "); err != nil {
		return "", "", a.unanswered(what, err, a.t("cli.next.passwordFile"))
	}
	return user, password, nil
}

// unanswered is the error for a question that got no answer.
func (a *app) unanswered(what string, err error, next string) error {
	if errors.Is(err, cli.ErrNoTerminal) || errors.Is(err, io.EOF) {
		return &cli.Error{Code: cli.Usage, What: what, Why: a.t("cli.why.noTerminal"), Next: next, Cause: err}
	}
	return err
}

// secretFile reads the first line of a file; "-" is stdin.
func (a *app) secretFile(path, what string) (string, error) {
	in := a.streams.In
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return "", a.subject().Error(what, err)
		}
		defer f.Close()
		in = f
	}
	line, err := bufio.NewReader(io.LimitReader(in, 64<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", a.subject().Error(what, fmt.Errorf("reading %s: %w", path, err))
	}
	return strings.TrimRight(line, "\r\n"), nil
}
