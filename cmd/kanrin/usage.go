package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// arguments checks their number; what names them for the message.
func (a *app) arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return a.misused(cmd, a.t("cli.why.tooFew", "what", what))
		case most >= 0 && len(args) > most:
			return a.misused(cmd, a.t("cli.why.tooMany", "args", strings.Join(args[most:], " ")))
		}
		return nil
	}
}

// misused is the error for a command line that cannot be understood.
func (a *app) misused(cmd *cobra.Command, why string) error {
	return a.badInput(a.t("cli.what.usage"), why, a.t("cli.next.help", "command", cmd.CommandPath()))
}

// noSuchCommand is what a command that has only commands below it says to an argument.
func (a *app) noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return a.badInput(a.t("cli.what.usage"), a.t("cli.why.noCommand", "command", args[0]), a.t("cli.next.meant", "command", cmd.CommandPath()+" "+near[0]))
	}
	return a.misused(cmd, a.t("cli.why.noCommand", "command", args[0]))
}

// needsCommand is what a command says that does nothing by itself.
func (a *app) needsCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return a.misused(cmd, a.t("cli.why.whichCommand"))
	}
	return a.noSuchCommand(cmd, args)
}

// flagError says in the person's language what is wrong with a flag.
func (a *app) flagError(cmd *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
		syntax  *pflag.InvalidSyntaxError
	)
	dashes := func(name string) string {
		if len(name) == 1 {
			return "-" + name
		}
		return "--" + name
	}
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case errors.As(err, &unknown):
		return a.misused(cmd, a.t("cli.why.noFlag", "flag", dashes(unknown.GetSpecifiedName())))
	case errors.As(err, &missing):
		return a.misused(cmd, a.t("cli.why.flagValue", "flag", dashes(missing.GetSpecifiedName())))
	case errors.As(err, &invalid):
		return a.misused(cmd, a.t("cli.why.flagInvalid", "flag", dashes(invalid.GetFlag().Name), "value", invalid.GetValue()))
	case errors.As(err, &syntax):
		return a.misused(cmd, a.t("cli.why.flagSyntax", "flag", syntax.GetSpecifiedFlag()))
	}
	return a.misused(cmd, err.Error())
}

// exclusive notes flags of which at most one may be given.
func (a *app) exclusive(c *cobra.Command, flags ...string) {
	if a.exclusives == nil {
		a.exclusives = map[*cobra.Command][][]string{}
	}
	a.exclusives[c] = append(a.exclusives[c], flags)
}

func (a *app) checkExclusive(c *cobra.Command) error {
	for _, flags := range a.exclusives[c] {
		var given []string
		for _, name := range flags {
			if c.Flags().Changed(name) {
				given = append(given, "--"+name)
			}
		}
		if len(given) > 1 {
			return a.misused(c, a.t("cli.why.exclusive", "flags", strings.Join(given, ", ")))
		}
	}
	return nil
}

// typedNames understands kubectl's other way to name an object, get node/w3 for get nodes w3.
func typedNames(args []string) []string {
	for i, arg := range args {
		if arg == "--" {
			return args
		}
		if arg != "get" && arg != "describe" || i+1 == len(args) {
			continue
		}
		kind, name, ok := strings.Cut(args[i+1], "/")
		kind = strings.TrimSuffix(kind, ".kanrin.dev")
		if !ok || name == "" || !resourceWords[kind] {
			return args
		}
		out := append(append([]string{}, args[:i+1]...), kind, name)
		return append(out, args[i+2:]...)
	}
	return args
}

// resourceWords are the names and aliases of the resources of get and describe.
var resourceWords = map[string]bool{
	"cluster": true, "clusters": true, "node": true, "nodes": true, "no": true, "workload": true, "workloads": true, "wl": true,
	"pod": true, "pods": true, "po": true, "host": true, "hosts": true, "operation": true, "operations": true, "op": true, "ops": true,
	"backup": true, "backups": true, "bk": true, "backuppolicy": true, "backuppolicies": true, "bp": true, "drill": true, "drills": true,
}
