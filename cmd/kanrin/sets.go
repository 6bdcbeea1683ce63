package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/moment"
)

// sets are the backups of a cluster, read once in a command.
type sets struct {
	s       *session
	cluster string
	list    []v1alpha1.Backup
}

func (s *session) sets(ctx context.Context, cluster string) (*sets, error) {
	list, err := s.Backups(ctx, cluster)
	if err != nil {
		return nil, err
	}
	return &sets{s, cluster, list.Items}, nil
}

// backupTime is when a set was begun.
func backupTime(b *v1alpha1.Backup) time.Time {
	if b.Status.StartedAt != nil {
		return b.Status.StartedAt.Time
	}
	return b.CreationTimestamp.Time
}

// sealed reports whether a set is in the repository.
func sealed(b *v1alpha1.Backup) bool { return b.Status.SnapshotID != "" }

// browsable reports whether a set has an etcd snapshot to look into.
func browsable(b *v1alpha1.Backup) bool { return sealed(b) && b.Status.Revision > 0 }

// moments are the sets that can be meant by a time, or by "latest".
func (x *sets) moments(usable func(*v1alpha1.Backup) bool) []moment.Set {
	out := make([]moment.Set, 0, len(x.list))
	for i := range x.list {
		b := &x.list[i]
		out = append(out, moment.Set{Name: b.Name, At: backupTime(b), Sealed: usable(b)})
	}
	return out
}

// find is the set that text means. Unless it was given by its full name, stderr says which it is.
func (x *sets) find(what, text string, usable func(*v1alpha1.Backup) bool) (*v1alpha1.Backup, error) {
	a := x.s.app
	for _, prefix := range []string{"backup/", "backups/", "bk/", "backup.kanrin.dev/"} {
		text = strings.TrimPrefix(text, prefix)
	}
	choice, err := moment.Resolve(x.moments(usable), text, a.now().Local())
	if err != nil {
		return nil, a.noSet(what, x.cluster, err)
	}
	if !choice.Named {
		x.s.sayOnce(a.chosen(choice))
	}
	i := slices.IndexFunc(x.list, func(b v1alpha1.Backup) bool { return b.Name == choice.Name })
	return &x.list[i], nil
}

// sayOnce says a sentence that was not said before in this command.
func (s *session) sayOnce(text string) {
	if s.said == nil {
		s.said = map[string]bool{}
	}
	if !s.said[text] {
		s.said[text] = true
		fmt.Fprintln(s.app.streams.Err, text)
	}
}

// chosen says which set was meant, and how much older it is than what was asked for.
func (a *app) chosen(c moment.Choice) string {
	from, key := a.now(), "cli.set.old"
	if !c.Asked.IsZero() && c.Asked.Before(from) {
		from, key = c.Asked, "cli.set.before"
	}
	return a.t(key, "set", c.Name, "at", c.At.Local().Format(time.DateTime), "seconds", int64(max(0, from.Sub(c.At)).Seconds()))
}

// noSet says why no set is meant by a text, and names the nearest.
func (a *app) noSet(what, cluster string, err error) error {
	var m *moment.Error
	if !errors.As(err, &m) {
		return err
	}
	e := &cli.Error{Code: cli.NotFound, What: what, Cause: err}
	near := make([]string, 0, len(m.Near))
	for _, s := range m.Near {
		near = append(near, a.t("cli.set.named", "set", s.Name, "at", s.At.Local().Format("2006-01-02 15:04")))
	}
	list := strings.Join(near, ", ")
	switch {
	case errors.Is(err, moment.ErrNoSets):
		e.Why, e.Next = a.t("cli.why.noSets", "cluster", cluster), a.t("cli.next.noSets")
	case m.Several:
		e.Code, e.Why, e.Next = cli.Usage, a.t("cli.why.severalSets", "name", m.Text, "sets", list), a.t("cli.next.severalSets")
	case !m.Asked.IsZero():
		e.Why, e.Next = a.t("cli.why.noSetBefore", "at", m.Asked.Local().Format(time.DateTime), "cluster", cluster), a.t("cli.next.nearSets", "sets", list)
	default:
		e.Why, e.Next = a.t("cli.why.noSet", "name", m.Text, "cluster", cluster), a.t("cli.next.noSet", "sets", list)
	}
	return e
}

// policyOf is the policy that a command means: the named one, or the only one of the cluster.
func (s *session) policyOf(ctx context.Context, what, cluster, name string) (string, error) {
	for _, prefix := range []string{"backuppolicy/", "backuppolicies/", "bp/", "backuppolicy.kanrin.dev/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	if name != "" {
		return name, nil
	}
	list, err := s.BackupPolicies(ctx, cluster)
	if err != nil {
		return "", s.explain(what, err)
	}
	names := make([]string, 0, len(list.Items))
	for _, p := range list.Items {
		names = append(names, p.Name)
	}
	switch len(names) {
	case 1:
		return names[0], nil
	case 0:
		return "", &cli.Error{Code: cli.NotFound, What: what, Why: s.app.t("cli.why.noPolicy", "cluster", cluster), Next: s.app.t("cli.next.noPolicy")}
	}
	slices.Sort(names)
	return "", s.app.badInput(what, s.app.t("cli.why.severalPolicies", "policies", strings.Join(names, ", ")), s.app.t("cli.next.severalPolicies"))
}
