package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/internal/buildinfo"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/explain"
	"kanrin.dev/kanrin/internal/cli/output"
	"kanrin.dev/kanrin/internal/cli/render"
	"kanrin.dev/kanrin/internal/lang"
)

// app is one run of the client: its streams, its language and the flags that all commands share.
type app struct {
	streams *cli.Streams
	lang    lang.Lang
	prompt  *cli.Prompter
	now     func() time.Time

	kubeconfig string
	context    string
	cluster    string
	output     string
	verbose    bool
	noInput    bool
	langFlag   string

	// exclusives are groups of flags of which at most one may be given, by command.
	exclusives map[*cobra.Command][][]string
	// begun is set when arguments and flags have been understood: errors before that are usage errors.
	begun bool
}

func newApp(streams *cli.Streams, l lang.Lang) *app {
	return &app{streams: streams, lang: l, now: time.Now}
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, streams *cli.Streams, args []string) cli.Code {
	l, langError := languageOf(args)
	a := newApp(streams, l)
	root := a.root()
	root.SetArgs(typedNames(args))
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	err := langError
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		return cli.Done
	}
	err = a.usageError(root, err)
	cli.PrintError(streams.Err, a.lang, err, a.verbose)
	return cli.CodeOf(err)
}

// languageOf finds the language before anything is parsed, because help texts need it too.
func languageOf(args []string) (lang.Lang, error) {
	l := lang.FromEnv()
	for i, arg := range args {
		value, ok := strings.CutPrefix(arg, "--lang=")
		switch {
		case arg == "--":
			return l, nil
		case arg == "--lang" && i+1 < len(args):
			value = args[i+1]
		case !ok:
			continue
		}
		switch lang.Lang(value) {
		case lang.English, lang.Japanese:
			return lang.Lang(value), nil
		}
		return l, &cli.Error{
			Code: cli.Usage, What: l.T("cli.what.usage"), Why: l.T("cli.why.lang", "value", value), Next: l.T("cli.next.lang"),
		}
	}
	return l, nil
}

// usageError gives what cobra itself refused (an unknown command or flag) the shape and the code of bad input.
func (a *app) usageError(root *cobra.Command, err error) error {
	var known *cli.Error
	if a.begun || errors.As(err, &known) {
		return err
	}
	return &cli.Error{Code: cli.Usage, What: a.t("cli.what.usage"), Why: err.Error(), Next: a.t("cli.next.help", "command", root.Name())}
}

// t is a sentence in the person's language.
func (a *app) t(key string, pairs ...any) string { return a.lang.T(key, pairs...) }

// say writes a sentence to the person.
func (a *app) say(key string, pairs ...any) { fmt.Fprintln(a.streams.Err, a.t(key, pairs...)) }

// badInput is an error about what was typed.
func (a *app) badInput(what, why, next string) error {
	return &cli.Error{Code: cli.Usage, What: what, Why: why, Next: next}
}

// format reads -o.
func (a *app) format() (output.Format, error) {
	f, err := output.Parse(a.output)
	if err != nil {
		return f, &cli.Error{
			Code: cli.Usage, What: a.t("cli.what.format", "value", a.output), Why: a.t("cli.why.format"), Next: a.t("cli.next.format"), Cause: err,
		}
	}
	return f, nil
}

// document prints data in a machine format.
func (a *app) document(f output.Format, d output.Document) error {
	if err := f.Write(a.streams.Out, d); err != nil {
		return &cli.Error{Code: cli.Failed, What: a.t("cli.what.write"), Why: err.Error(), Cause: err}
	}
	return nil
}

// onOut and onErr are how text is made for the two streams.
func (a *app) onOut() render.Options {
	return render.Options{Lang: a.lang, Width: a.streams.OutWidth(), Colour: a.streams.OutColour(), Now: a.now()}
}

func (a *app) onErr() render.Options {
	return render.Options{Lang: a.lang, Width: a.streams.ErrWidth(), Colour: a.streams.ErrColour(), Now: a.now()}
}

// subject of explanations before a server is known.
func (a *app) subject() explain.Subject { return explain.Subject{Lang: a.lang, Now: a.now()} }

// userAgent names the client to the server.
func userAgent() string { return "kanrin/" + buildinfo.Version() }
