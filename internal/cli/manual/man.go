package manual

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kanrin.dev/kanrin/internal/buildinfo"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/lang"
)

// Man is the page of a command in section 1.
func Man(c *cobra.Command, l lang.Lang) (string, []byte) {
	var b bytes.Buffer
	name := pageName(c)
	fmt.Fprintf(&b, ".TH %q \"1\" \"\" %q %q\n", strings.ToUpper(name), "Kanrin "+buildinfo.Version(), l.T("cli.manual.title"))
	b.WriteString(".nh\n.ad l\n")
	section := func(key string) { fmt.Fprintf(&b, ".SH %s\n", roff(l.T(key))) }

	section("cli.manual.name")
	fmt.Fprintf(&b, "%s \\- %s\n", roff(name), roff(c.Short))
	section("cli.manual.synopsis")
	fmt.Fprintf(&b, "\\fB%s\\fR\n", roff(c.UseLine()))
	section("cli.manual.description")
	paragraphs(&b, description(c))

	options := func(key string, set *pflag.FlagSet) {
		list := flags(set)
		if len(list) == 0 {
			return
		}
		section(key)
		for _, f := range list {
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR\n%s\n", roff(flagLine(f)), roff(usageOf(f)))
		}
	}
	options("cli.manual.options", c.NonInheritedFlags())
	options("cli.manual.global", c.InheritedFlags())
	if c.Example != "" {
		section("cli.manual.examples")
		fmt.Fprintf(&b, ".EX\n%s\n.EE\n", roff(unindent(c.Example)))
	}
	section("cli.manual.exit")
	for _, code := range cli.Codes {
		fmt.Fprintf(&b, ".TP\n\\fB%d\\fR\n%s\n", code, roff(l.T(fmt.Sprintf("cli.exit.%d", code))))
	}
	if list := related(c); len(list) > 0 {
		section("cli.manual.seeAlso")
		refs := make([]string, 0, len(list))
		for _, r := range list {
			refs = append(refs, fmt.Sprintf("\\fB%s\\fR(1)", roff(pageName(r))))
		}
		b.WriteString(strings.Join(refs, ", ") + "\n")
	}
	return name + ".1", b.Bytes()
}

func paragraphs(b *bytes.Buffer, text string) {
	for i, p := range strings.Split(text, "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		if strings.HasPrefix(p, "  ") { // a table or a command: its lines are kept
			fmt.Fprintf(b, ".EX\n%s\n.EE\n", roff(p))
			continue
		}
		b.WriteString(roff(p) + "\n")
	}
}

// roff escapes text so that troff takes none of it for a request, and prints hyphens that can be copied.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
