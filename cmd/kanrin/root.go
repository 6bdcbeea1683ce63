package main

import (
	"strings"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/internal/buildinfo"
	"kanrin.dev/kanrin/internal/cli"
)

// Groups of commands in the help.
const (
	groupServer = "server"
	groupAccess = "access"
	groupLook   = "look"
	groupAct    = "act"
	groupOther  = "other"
)

// root is the whole command tree.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "kanrin",
		Short:         a.t("cli.cmd.kanrin.short"),
		Long:          a.t("cli.cmd.kanrin.long"),
		Version:       buildinfo.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          a.noSuchCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(a.flagError)
	root.SetVersionTemplate("kanrin {{.Version}}\n")
	root.SetUsageTemplate(a.usageTemplate())
	root.CompletionOptions.DisableDefaultCmd = true
	for _, g := range []string{groupServer, groupAccess, groupLook, groupAct, groupOther} {
		root.AddGroup(&cobra.Group{ID: g, Title: a.t("cli.group." + g)})
	}
	f := root.PersistentFlags()
	f.StringVar(&a.kubeconfig, "kubeconfig", "", a.t("cli.flag.kubeconfig"))
	f.StringVar(&a.context, "context", "", a.t("cli.flag.context"))
	f.StringVarP(&a.cluster, "cluster", "n", "", a.t("cli.flag.cluster"))
	f.StringVarP(&a.output, "output", "o", "", a.t("cli.flag.output"))
	f.BoolVarP(&a.verbose, "verbose", "v", false, a.t("cli.flag.verbose"))
	f.BoolVar(&a.noInput, "no-input", false, a.t("cli.flag.noInput"))
	f.StringVar(&a.langFlag, "lang", "", a.t("cli.flag.lang"))
	f.BoolP("help", "h", false, a.t("cli.flag.help"))
	root.Flags().Bool("version", false, a.t("cli.flag.version"))
	a.completeGlobals(root)

	a.addTo(root, groupServer, a.newUp())
	a.addTo(root, groupAccess, a.newLogin(), a.newLogout(), a.newWhoami(), a.newUsers())
	a.addTo(root, groupLook, a.newGet(), a.newDescribe(), a.newCapacity(), a.newSnapshot(), a.newWatch())
	a.addTo(root, groupAct, a.newDrain(), a.newCordon(), a.newUncordon(), a.newRestart(), a.newRecover(), a.newStop(), a.newStart(), a.newApprove(), a.newPause(), a.newResume(), a.newCancel(), a.newCluster(), a.newHost(), a.newNode(), a.newBackup(), a.newRestore())
	if l := a.newLab(); l != nil {
		a.addTo(root, groupOther, l)
	}
	a.addTo(root, groupOther, a.newVersion(), a.newCompletion(root), a.newDocs(root))
	root.SetHelpCommandGroupID(groupOther)
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			c.Short, c.Long = a.t("cli.cmd.help.short"), a.t("cli.cmd.help.long")
		}
	}
	a.begin(root)
	return root
}

// begin has every command that runs note that its command line was understood, after the last check of it.
func (a *app) begin(c *cobra.Command) {
	if run := c.RunE; run != nil {
		c.RunE = func(cmd *cobra.Command, args []string) error {
			if err := a.checkExclusive(cmd); err != nil {
				return err
			}
			a.begun = true
			a.prompt = cli.NewPrompter(a.streams, a.lang, a.noInput)
			return run(cmd, args)
		}
	}
	for _, sub := range c.Commands() {
		a.begin(sub)
	}
}

func (a *app) addTo(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = group
		root.AddCommand(c)
	}
}

// command makes a command whose texts are found in the catalogue under cli.cmd.<key>.
func (a *app) command(key, use string, run func(cmd *cobra.Command, args []string) error) *cobra.Command {
	c := &cobra.Command{Use: use, Short: a.t("cli.cmd." + key + ".short"), RunE: run, DisableFlagsInUseLine: true}
	if long := "cli.cmd." + key + ".long"; a.lang.Has(long) {
		c.Long = c.Short + "\n\n" + a.t(long)
	}
	return c
}

// usageTemplate is cobra's own with its headings translated.
func (a *app) usageTemplate() string {
	return strings.NewReplacer(
		"@USAGE", a.t("cli.usage.usage"), "@ALIASES", a.t("cli.usage.aliases"), "@EXAMPLES", a.t("cli.usage.examples"),
		"@COMMANDS", a.t("cli.usage.commands"), "@OTHER", a.t("cli.usage.other"), "@FLAGS", a.t("cli.usage.flags"),
		"@GLOBAL", a.t("cli.usage.global"), "@MORE", a.t("cli.usage.more"),
	).Replace(`@USAGE{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} COMMAND{{end}}{{if gt (len .Aliases) 0}}

@ALIASES
  {{.NameAndAliases}}{{end}}{{if .HasExample}}

@EXAMPLES
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}{{$cmds := .Commands}}{{if eq (len .Groups) 0}}

@COMMANDS{{range $cmds}}{{if (or .IsAvailableCommand (eq .Name "help"))}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{else}}{{range $group := .Groups}}

{{.Title}}{{range $cmds}}{{if (and (eq .GroupID $group.ID) (or .IsAvailableCommand (eq .Name "help")))}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{end}}{{if not .AllChildCommandsHaveGroup}}

@OTHER{{range $cmds}}{{if (and (eq .GroupID "") (or .IsAvailableCommand (eq .Name "help")))}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

@FLAGS
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

@GLOBAL
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

@MORE{{end}}
`)
}
