package main

import (
	"context"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/kubeconfig"
)

func (a *app) newLogout() *cobra.Command {
	c := a.command("logout", "logout [flags]", func(cmd *cobra.Command, _ []string) error { return a.logout(cmd.Context()) })
	c.Args = a.arguments(0, 0, "")
	c.Example = "  kanrin logout\n  kanrin logout --context kanrin-ops.example.com"
	return c
}

// logout ends the session on the server first: a token that is only forgotten here would stay good.
func (a *app) logout(ctx context.Context) error {
	what := a.t("cli.what.logout")
	s, err := a.connect(what)
	if err != nil {
		return err
	}
	if s.choice.Login == nil && a.context == "" {
		return a.badInput(what, a.t("cli.why.notOurContext", "context", s.choice.Context), a.t("cli.next.notOurContext", "context", s.choice.Context))
	}
	revoked := s.SignOut(ctx)
	if apierrors.IsUnauthorized(revoked) {
		revoked = nil // ended already
	}
	if isInterrupted(ctx, revoked) {
		return revoked
	}
	name := s.choice.Context
	file := kubeconfig.FileFor(a.kubeconfig, name)
	err = kubeconfig.Update(ctx, file, func(data []byte) ([]byte, error) { return kubeconfig.Remove(data, name) })
	if err != nil {
		return a.subject().Error(a.t("cli.what.writeKubeconfig", "file", file), err)
	}
	if revoked == nil {
		a.say("cli.logout.done", "context", name, "file", file, "server", s.Server)
		return nil
	}
	explained := s.subject()
	return &cli.Error{
		Code: cli.Partly, What: a.t("cli.what.revoke", "server", s.Server), Why: explained.Why(revoked),
		Next: a.t("cli.next.revoke", "context", name, "file", file), Cause: revoked,
	}
}
