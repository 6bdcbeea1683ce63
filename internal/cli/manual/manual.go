// Package manual writes the manual from the command tree: man pages (man(7) macros) and Markdown, in the language of its texts.
//
// It adds no text about any command: what is in the manual is what --help says, and the table of exit codes. Invariant: the same tree gives
// the same bytes; there is no date in it.
package manual

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/lang"
)

// Writer makes the page of one command, and names its file.
type Writer func(c *cobra.Command, l lang.Lang) (file string, page []byte)

// Tree writes a page for every command that users see, and returns how many.
func Tree(root *cobra.Command, dir string, l lang.Lang, write Writer) (int, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, fmt.Errorf("making the directory of the manual: %w", err)
	}
	n := 0
	for _, c := range visible(root) {
		file, page := write(c, l)
		if err := os.WriteFile(filepath.Join(dir, file), page, 0o644); err != nil {
			return n, fmt.Errorf("writing a page of the manual: %w", err)
		}
		n++
	}
	return n, nil
}

// visible is the tree in order, without what is hidden or generated.
func visible(c *cobra.Command) []*cobra.Command {
	if c.Hidden || c.Name() == "help" {
		return nil
	}
	out := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		out = append(out, visible(sub)...)
	}
	return out
}

// flagLine is a flag as it is typed: -o, --output string.
func flagLine(f *pflag.Flag) string {
	name, _ := pflag.UnquoteUsage(f)
	text := "--" + f.Name
	if f.Shorthand != "" {
		text = "-" + f.Shorthand + ", " + text
	}
	if name != "" {
		text += " " + name
	}
	return text
}

func usageOf(f *pflag.Flag) string {
	_, usage := pflag.UnquoteUsage(f)
	return usage
}

func flags(set *pflag.FlagSet) []*pflag.Flag {
	var out []*pflag.Flag
	set.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" {
			out = append(out, f)
		}
	})
	return out
}

func description(c *cobra.Command) string {
	if c.Long != "" {
		return c.Long
	}
	return c.Short
}

func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// related are the commands above and below.
func related(c *cobra.Command) []*cobra.Command {
	var out []*cobra.Command
	if p := c.Parent(); p != nil {
		out = append(out, p)
	}
	for _, sub := range c.Commands() {
		if !sub.Hidden && sub.Name() != "help" {
			out = append(out, sub)
		}
	}
	return out
}

// Markdown is the page of a command for the documentation.
func Markdown(c *cobra.Command, l lang.Lang) (string, []byte) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n\n%s\n\n```\n%s\n```\n", c.CommandPath(), description(c), c.UseLine())
	if len(c.Aliases) > 0 {
		fmt.Fprintf(&b, "\n%s %s\n", l.T("cli.usage.aliases"), strings.Join(c.Aliases, ", "))
	}
	if c.Example != "" {
		fmt.Fprintf(&b, "\n## %s\n\n```sh\n%s\n```\n", l.T("cli.manual.examples"), unindent(c.Example))
	}
	table := func(key string, set *pflag.FlagSet) {
		list := flags(set)
		if len(list) == 0 {
			return
		}
		fmt.Fprintf(&b, "\n## %s\n\n| | |\n|---|---|\n", l.T(key))
		for _, f := range list {
			fmt.Fprintf(&b, "| `%s` | %s |\n", cell(flagLine(f)), cell(usageOf(f)))
		}
	}
	table("cli.manual.options", c.NonInheritedFlags())
	table("cli.manual.global", c.InheritedFlags())
	if !c.HasParent() {
		fmt.Fprintf(&b, "\n## %s\n\n| | |\n|---|---|\n", l.T("cli.manual.exit"))
		for _, code := range cli.Codes {
			fmt.Fprintf(&b, "| %d | %s |\n", code, l.T(fmt.Sprintf("cli.exit.%d", code)))
		}
	}
	if list := related(c); len(list) > 0 {
		fmt.Fprintf(&b, "\n## %s\n\n", l.T("cli.manual.seeAlso"))
		for _, r := range list {
			fmt.Fprintf(&b, "- [%s](%s.md): %s\n", r.CommandPath(), pageName(r), r.Short)
		}
	}
	return pageName(c) + ".md", b.Bytes()
}

func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s)
}

func unindent(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	return strings.Join(lines, "\n")
}
