package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/cli/client"
)

func (a *app) newUsersSetRole() *cobra.Command {
	c := a.command("users.setRole", "set-role NAME ROLE|none [flags]", func(cmd *cobra.Command, args []string) error {
		return a.usersSetRole(cmd.Context(), args[0], args[1])
	})
	c.Args = a.arguments(2, 2, "NAME ROLE")
	c.Example = "  kanrin users set-role sato Operator --cluster prod\n  kanrin users set-role sato Viewer\n  kanrin users set-role sato none --cluster prod"
	c.ValidArgsFunction = a.completeUserRole
	return c
}

func (a *app) usersSetRole(ctx context.Context, name, role string) error {
	what := a.t("cli.what.userRole", "name", name)
	if !strings.EqualFold(role, "none") {
		r, err := a.role(what, role)
		if err != nil {
			return err
		}
		role = r
	} else {
		role = ""
	}
	s, err := a.connect(what)
	if err != nil {
		return err
	}
	users, err := s.Users(ctx)
	if err != nil {
		return s.explain(what, err)
	}
	i := slices.IndexFunc(users, func(u inventory.User) bool { return u.Name == name })
	if i < 0 {
		return s.explain(what, notThere("users", "", name))
	}
	roles := maps.Clone(users[i].Roles)
	if roles == nil {
		roles = map[string]string{}
	}
	if role == "" {
		delete(roles, a.roleCluster())
	} else {
		roles[a.roleCluster()] = role
	}
	if err := s.ChangeUser(ctx, name, client.UserChange{Roles: &roles}); err != nil {
		return s.explain(what, err)
	}
	a.say("cli.users.roles", "name", name, "roles", rolesText(roles))
	return nil
}

func (a *app) newUsersPasswd() *cobra.Command {
	var passwordFile, oldFile string
	c := a.command("users.passwd", "passwd [NAME] [flags]", func(cmd *cobra.Command, args []string) error {
		name := ""
		if len(args) == 1 {
			name = args[0]
		}
		return a.usersPasswd(cmd.Context(), name, passwordFile, oldFile)
	})
	c.Args = a.arguments(0, 1, "NAME")
	c.Flags().StringVar(&passwordFile, "password-file", "", a.t("cli.flag.users.passwordFile"))
	c.Flags().StringVar(&oldFile, "old-password-file", "", a.t("cli.flag.users.oldPasswordFile"))
	c.ValidArgsFunction = a.completeNames("users")
	return c
}

// usersPasswd sets the password of another user, or one's own, for which the old one is needed.
func (a *app) usersPasswd(ctx context.Context, name, passwordFile, oldFile string) error {
	what := a.t("cli.what.password", "name", name)
	s, err := a.connect(what)
	if err != nil {
		return err
	}
	me, err := s.me(ctx)
	if err != nil {
		return s.explain(what, err)
	}
	own := name == "" || name == me
	if own {
		name, what = me, a.t("cli.what.password", "name", me)
	}
	old := ""
	switch {
	case own && oldFile != "":
		old, err = a.secretFile(oldFile, what)
	case own:
		old, err = a.prompt.Password(ctx, a.t("cli.ask.oldPassword", "user", me)+" ")
		if err != nil {
			return a.unanswered(what, err, a.t("cli.next.oldPasswordFile"))
		}
	}
	if err != nil {
		return err
	}
	password, err := a.newPassword(ctx, what, name, passwordFile)
	if err != nil {
		return err
	}
	if own {
		err = s.ChangePassword(ctx, old, password)
	} else {
		err = s.ChangeUser(ctx, name, client.UserChange{Password: &password})
	}
	if err != nil {
		return s.explain(what, err)
	}
	a.say("cli.users.password", "name", name)
	return nil
}

func (a *app) newUsersRemove() *cobra.Command {
	yes := false
	c := a.command("users.remove", "remove NAME [flags]", func(cmd *cobra.Command, args []string) error {
		return a.usersRemove(cmd.Context(), args[0], yes)
	})
	c.Aliases = []string{"rm"}
	c.Args = a.arguments(1, 1, "NAME")
	c.Flags().BoolVarP(&yes, "yes", "y", false, a.t("cli.flag.remove.yes"))
	c.ValidArgsFunction = a.completeNames("users")
	return c
}

func (a *app) usersRemove(ctx context.Context, name string, yes bool) error {
	what := a.t("cli.what.userRemove", "name", name)
	s, err := a.connect(what)
	if err != nil {
		return err
	}
	if !yes {
		if err := a.typedName(ctx, what, a.t("cli.ask.userRemove", "name", name), name); err != nil {
			return err
		}
	}
	if err := s.RemoveUser(ctx, name); err != nil {
		return s.explain(what, err)
	}
	a.say("cli.users.removed", "name", name)
	return nil
}
