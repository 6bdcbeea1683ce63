package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/cli/output"
)

func (a *app) newWhoami() *cobra.Command {
	c := a.command("whoami", "whoami [flags]", func(cmd *cobra.Command, _ []string) error { return a.whoami(cmd.Context()) })
	c.Args = a.arguments(0, 0, "")
	return c
}

// whoamiResult is what whoami prints with -o json.
type whoamiResult struct {
	Kind       string `json:"kind"`
	APIVersion string `json:"apiVersion"`
	inventory.Session
	Server  string `json:"server"`
	Context string `json:"context"`
}

func (a *app) whoami(ctx context.Context) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	what := a.t("cli.what.whoami")
	s, err := a.connect(what)
	if err != nil {
		return err
	}
	who, err := s.Session(ctx)
	if err != nil {
		return s.explain(what, err)
	}
	if !format.Human() {
		r := whoamiResult{Kind: "Session", APIVersion: inventoryVersion, Session: *who, Server: s.Server, Context: s.choice.Context}
		return a.document(format, output.Document{Value: r, Items: []output.Item{{Name: "user/" + who.User, Value: r}}})
	}
	role := who.Role
	if role == "" {
		role = a.t("cli.whoami.noRole")
	}
	pairs := [][2]string{
		{a.t("cli.label.user"), who.User},
		{a.t("cli.label.role"), role},
		{a.t("cli.label.server"), s.Server},
		{a.t("cli.label.context"), s.choice.Context},
		{a.t("cli.label.until"), a.t("cli.until", "until", who.Expires.Local().Format(time.DateTime), "left", int64(who.Expires.Sub(a.now()).Seconds()))},
	}
	if len(who.Groups) > 0 {
		pairs = append(pairs, [2]string{a.t("cli.label.groups"), strings.Join(who.Groups, ", ")})
	}
	fmt.Fprint(a.streams.Out, facts(pairs))
	return nil
}
