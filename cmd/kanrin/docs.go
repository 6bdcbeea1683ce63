package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/internal/cli/manual"
)

// newDocs writes the manual from the same texts as the help; it is hidden because builds and packagers call it, not operators.
func (a *app) newDocs(root *cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: "docs man|markdown DIRECTORY", Short: a.t("cli.cmd.docs.short"), Hidden: true, DisableFlagsInUseLine: true}
	c.Args = a.arguments(2, 2, "man|markdown DIRECTORY")
	c.RunE = func(_ *cobra.Command, args []string) error {
		var write manual.Writer
		switch args[0] {
		case "man":
			write = manual.Man
		case "markdown":
			write = manual.Markdown
		default:
			return a.badInput(a.t("cli.what.usage"), a.t("cli.why.manual", "form", args[0]), a.t("cli.next.help", "command", "kanrin docs"))
		}
		n, err := manual.Tree(root, args[1], a.lang, write)
		if err != nil {
			return a.subject().Error(a.t("cli.what.manual", "dir", args[1]), err)
		}
		fmt.Fprintln(a.streams.Err, a.t("cli.manual.wrote", "count", n, "dir", args[1]))
		return nil
	}
	return c
}
