package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/moment"
	"kanrin.dev/kanrin/internal/cli/output"
)

// completionLimit is how long the shell waits for names from the server.
const completionLimit = 2 * time.Second

func (a *app) newCompletion(root *cobra.Command) *cobra.Command {
	c := a.command("completion", "completion bash|zsh|fish", func(cmd *cobra.Command, args []string) error {
		out := a.streams.Out
		switch args[0] {
		case "bash":
			return root.GenBashCompletionV2(out, true)
		case "zsh":
			return root.GenZshCompletion(out)
		case "fish":
			return root.GenFishCompletion(out, true)
		}
		return a.badInput(a.t("cli.what.usage"), a.t("cli.why.shell", "shell", args[0]), a.t("cli.next.shell"))
	})
	c.Args = a.arguments(1, 1, "bash|zsh|fish")
	c.ValidArgs = []string{"bash", "zsh", "fish"}
	c.Example = `  source <(kanrin completion bash)
  kanrin completion zsh > "${fpath[1]}/_kanrin"
  kanrin completion fish > ~/.config/fish/completions/kanrin.fish`
	return c
}

func (a *app) completeGlobals(root *cobra.Command) {
	fixed := func(flag string, values ...string) {
		_ = root.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	}
	fixed("lang", "en", "ja")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(output.Kinds, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace))
	_ = root.RegisterFlagCompletionFunc("cluster", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return a.names(cmd.Context(), "clusters"), cobra.ShellCompDirectiveNoFileComp
	})
}

func (a *app) completeRoles(c *cobra.Command) {
	_ = c.RegisterFlagCompletionFunc("role", cobra.FixedCompletions(roleNames, cobra.ShellCompDirectiveNoFileComp))
}

func (a *app) completeUserRole(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		return a.names(cmd.Context(), "users"), cobra.ShellCompDirectiveNoFileComp
	case 1:
		return append([]string{"none"}, roleNames...), cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// completeNames completes names of a resource from the server.
func (a *app) completeNames(resource string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return a.names(cmd.Context(), resource), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeSets completes names of sets, and the word for the newest, where at most that many arguments name one; -1 is any number.
func (a *app) completeSets(most int) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if most >= 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return append([]string{moment.Latest}, a.names(cmd.Context(), "backups")...), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// names of the objects of a resource; none when the server cannot be asked: completion never complains.
func (a *app) names(ctx context.Context, resource string) []string {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completionLimit)
	defer cancel()
	s, err := a.connect("")
	if err != nil {
		return nil
	}
	if resource == "clusters" {
		names, _ := s.clusterNames(ctx)
		return names
	}
	var names []string
	if resource == "users" {
		users, _ := s.Users(ctx)
		for _, u := range users {
			names = append(names, u.Name)
		}
		return names
	}
	cluster, err := s.clusterOf(ctx, "")
	if err != nil {
		return nil
	}
	switch resource {
	case "nodes":
		names = namesOf(ctx, s, nodeListing(a), cluster)
	case "workloads":
		names = namesOf(ctx, s, workloadListing(a), cluster)
	case "pods":
		names = namesOf(ctx, s, podListing(a), cluster)
	case "hosts":
		names = namesOf(ctx, s, hostListing(a), cluster)
	case "backups":
		names = namesOf(ctx, s, backupListing(a), cluster)
	case "backuppolicies":
		names = namesOf(ctx, s, policyListing(a), cluster)
	case "drills":
		names = namesOf(ctx, s, drillListing(a), cluster)
	case "operations":
		names = namesOf(ctx, s, operationListing(a), cluster)
	}
	return names
}

func namesOf[T any](ctx context.Context, s *session, l *listing[T], cluster string) []string {
	objects, err := l.list(ctx, s, cluster, client.Filter{})
	if err != nil {
		return nil
	}
	out := make([]string, 0, len(objects))
	for _, o := range objects {
		name := l.name(o)
		if l.resource == "operations" {
			name = fmt.Sprintf("operation/%s", name)
		}
		out = append(out, name)
	}
	return out
}
