package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/cli/output"
)

// everyCluster stands for all clusters in a user's roles.
const everyCluster = "*"

var roleNames = []string{"Administrator", "Operator", "Editor", "Viewer"}

func (a *app) newUsers() *cobra.Command {
	c := a.command("users", "users COMMAND", nil)
	c.Aliases = []string{"user"}
	c.Args = a.needsCommand
	c.RunE = func(*cobra.Command, []string) error { return nil } // Args has refused already
	c.AddCommand(a.newUsersList(), a.newUsersAdd(), a.newUsersSetRole(), a.newUsersPasswd(), a.newUsersRemove())
	return c
}

func (a *app) newUsersList() *cobra.Command {
	c := a.command("users.list", "list [flags]", func(cmd *cobra.Command, _ []string) error { return a.usersList(cmd.Context()) })
	c.Aliases = []string{"ls"}
	c.Args = a.arguments(0, 0, "")
	return c
}

func (a *app) usersList(ctx context.Context) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	what := a.t("cli.what.users")
	s, err := a.connect(what)
	if err != nil {
		return err
	}
	users, err := s.Users(ctx)
	if err != nil {
		return s.explain(what, err)
	}
	sort.Slice(users, func(i, j int) bool { return users[i].Name < users[j].Name })
	if !format.Human() {
		l := &listing[inventory.User]{kind: "User", apiVersion: inventoryVersion, name: func(u inventory.User) string { return u.Name }}
		rows := make([]row[inventory.User], 0, len(users))
		for _, u := range users {
			rows = append(rows, row[inventory.User]{Object: u})
		}
		return a.document(format, l.document(rows, false))
	}
	g := &output.Grid{Headers: []string{"NAME", "ROLES", "DISABLED", "AGE"}}
	for _, u := range users {
		g.Rows = append(g.Rows, []string{u.Name, rolesText(u.Roles), fmt.Sprint(u.Disabled), output.Age(u.Created, a.now())})
	}
	return a.table(g, len(users))
}

// rolesText writes roles by cluster, the one for all clusters first: "Viewer, prod:Operator".
func rolesText(roles map[string]string) string {
	var parts []string
	for _, cluster := range slices.Sorted(maps.Keys(roles)) {
		if cluster == everyCluster {
			parts = append([]string{roles[cluster]}, parts...)
		} else {
			parts = append(parts, cluster+":"+roles[cluster])
		}
	}
	if len(parts) == 0 {
		return "<none>"
	}
	return strings.Join(parts, ", ")
}

// role reads a role in any case.
func (a *app) role(what, text string) (string, error) {
	for _, r := range roleNames {
		if strings.EqualFold(r, text) {
			return r, nil
		}
	}
	return "", a.badInput(what, a.t("cli.why.role", "role", text), a.t("cli.next.role", "roles", strings.Join(roleNames, ", ")))
}

func (a *app) newUsersAdd() *cobra.Command {
	var role, passwordFile string
	c := a.command("users.add", "add NAME [flags]", func(cmd *cobra.Command, args []string) error {
		return a.usersAdd(cmd.Context(), args[0], role, passwordFile)
	})
	c.Args = a.arguments(1, 1, "NAME")
	c.Example = "  kanrin users add sato --role Operator\n  kanrin users add tanaka --role Viewer --cluster prod --password-file ./password"
	c.Flags().StringVar(&role, "role", "", a.t("cli.flag.users.role"))
	c.Flags().StringVar(&passwordFile, "password-file", "", a.t("cli.flag.users.passwordFile"))
	a.completeRoles(c)
	return c
}

func (a *app) usersAdd(ctx context.Context, name, role, passwordFile string) error {
	what := a.t("cli.what.userAdd", "name", name)
	u := inventory.User{Name: name}
	if role != "" {
		r, err := a.role(what, role)
		if err != nil {
			return err
		}
		u.Roles = map[string]string{a.roleCluster(): r}
	}
	s, err := a.connect(what)
	if err != nil {
		return err
	}
	if u.Password, err = a.newPassword(ctx, what, name, passwordFile); err != nil {
		return err
	}
	if err := s.AddUser(ctx, u); err != nil {
		return s.explain(what, err)
	}
	a.say("cli.users.added", "name", name, "roles", rolesText(u.Roles))
	return nil
}

// roleCluster is where a role is given: the cluster of the flag, or everywhere.
func (a *app) roleCluster() string {
	if a.cluster == "" {
		return everyCluster
	}
	return a.cluster
}

// newPassword reads a new password from a file, or asks for it twice.
func (a *app) newPassword(ctx context.Context, what, name, file string) (string, error) {
	if file != "" {
		return a.secretFile(file, what)
	}
	first, err := a.prompt.Password(ctx, a.t("cli.ask.newPassword", "user", name)+" ")
	if err != nil {
		return "", a.unanswered(what, err, a.t("cli.next.passwordFile"))
	}
	second, err := a.prompt.Password(ctx, a.t("cli.ask.again")+" ")
	if err != nil {
		return "", a.unanswered(what, err, a.t("cli.next.passwordFile"))
	}
	if first != second {
		return "", a.badInput(what, a.t("cli.why.passwordsDiffer"), a.t("cli.next.tryAgain"))
	}
	return first, nil
}
