package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/output"
	"kanrin.dev/kanrin/internal/lang"
)

type backupRow = row[*v1alpha1.Backup]

func backupListing(a *app) *listing[*v1alpha1.Backup] {
	column := func(header string, wide bool, f func(*v1alpha1.Backup) string) output.Column[backupRow] {
		return output.Column[backupRow]{Header: header, Wide: wide, Text: func(r backupRow) string { return f(r.Object) }}
	}
	number := func(header string, text func(*v1alpha1.Backup) string, f func(*v1alpha1.Backup) int64) output.Column[backupRow] {
		c := column(header, false, text)
		c.Number = func(r backupRow) float64 { return float64(f(r.Object)) }
		return c
	}
	return &listing[*v1alpha1.Backup]{
		kind: "Backup", apiVersion: v1alpha1.GroupVersion.String(), real: true, resource: "backups", perCluster: true,
		columns: []output.Column[backupRow]{
			column("NAME", false, func(b *v1alpha1.Backup) string { return b.Name }),
			column("PHASE", false, func(b *v1alpha1.Backup) string { return string(b.Status.Phase) }),
			number("AGE", func(b *v1alpha1.Backup) string { return output.Age(backupTime(b), a.now()) }, func(b *v1alpha1.Backup) int64 { return -backupTime(b).Unix() }),
			number("REVISION", func(b *v1alpha1.Backup) string { return count(b.Status.Revision) }, func(b *v1alpha1.Backup) int64 { return b.Status.Revision }),
			number("OBJECTS", func(b *v1alpha1.Backup) string { return count(b.Status.Objects) }, func(b *v1alpha1.Backup) int64 { return b.Status.Objects }),
			number("SIZE", func(b *v1alpha1.Backup) string { return size(b.Status.Bytes) }, func(b *v1alpha1.Backup) int64 { return b.Status.Bytes }),
			number("PROVEN", a.provenAge, provenTime),
			number("MISSING", func(b *v1alpha1.Backup) string { return fmt.Sprint(b.Status.Missing) }, func(b *v1alpha1.Backup) int64 { return int64(b.Status.Missing) }),
			column("POLICY", true, func(b *v1alpha1.Backup) string { return b.Spec.Policy }),
			column("REASON", true, func(b *v1alpha1.Backup) string { return string(b.Spec.Reason) }),
			column("PINNED", true, func(b *v1alpha1.Backup) string { return fmt.Sprint(b.Spec.Pinned) }),
			column("KEEP", true, func(b *v1alpha1.Backup) string { return strings.Join(b.Status.Keep, ",") }),
			column("COPIES", true, func(b *v1alpha1.Backup) string { return fmt.Sprint(len(b.Status.Copies)) }),
			column("RECOVERY", true, func(b *v1alpha1.Backup) string {
				if p := b.Status.Proof; p != nil && p.Passed {
					return fmt.Sprintf("%ds", p.RecoverySeconds)
				}
				return "-"
			}),
		},
		list: func(ctx context.Context, s *session, cluster string, _ client.Filter) ([]*v1alpha1.Backup, error) {
			list, err := s.Backups(ctx, cluster)
			if err != nil {
				return nil, err
			}
			out := make([]*v1alpha1.Backup, 0, len(list.Items))
			for i := range list.Items {
				list.Items[i].ManagedFields = nil
				out = append(out, &list.Items[i])
			}
			// The newest first: it is the one that is looked for.
			slices.SortStableFunc(out, func(x, y *v1alpha1.Backup) int { return backupTime(y).Compare(backupTime(x)) })
			return out, nil
		},
		get:  a.getBackup,
		name: func(b *v1alpha1.Backup) string { return b.Name },
		match: func(b *v1alpha1.Backup, f client.Filter) bool {
			return (f.State == "" || strings.EqualFold(f.State, string(b.Status.Phase))) &&
				contains(f.Query, b.Name, b.Spec.Policy, string(b.Spec.Reason), string(b.Status.Phase), b.Status.Operation)
		},
	}
}

// getBackup reads a set by its name, and otherwise looks for the one that is meant: "latest", the beginning of a name, a time.
func (a *app) getBackup(ctx context.Context, s *session, cluster, name string) (*v1alpha1.Backup, error) {
	b, err := s.Backup(ctx, cluster, name)
	if err != nil && (apierrors.IsNotFound(err) || errors.Is(err, client.ErrName) || !isAnswer(err)) {
		all, listed := s.sets(ctx, cluster)
		if listed != nil {
			return nil, listed
		}
		b, err = all.find(a.t("cli.what.get.backups", "name", name, "cluster", cluster), name, sealed)
	}
	if err != nil {
		return nil, err
	}
	b.ManagedFields = nil
	b.Kind, b.APIVersion = "Backup", v1alpha1.GroupVersion.String()
	return b, nil
}

// isAnswer reports whether the server has answered: names with spaces or slashes are refused before anything is sent.
func isAnswer(err error) bool { return statusCode(err) != 0 }

func (a *app) provenAge(b *v1alpha1.Backup) string {
	if p := b.Status.Proof; p != nil && p.Passed {
		return output.Age(p.At.Time, a.now())
	}
	return "-"
}

func provenTime(b *v1alpha1.Backup) int64 {
	if p := b.Status.Proof; p != nil && p.Passed {
		return -p.At.Unix()
	}
	return 0
}

// count of something that may not be known yet.
func count(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func size(n int64) string {
	if n == 0 {
		return "-"
	}
	return lang.Bytes(n)
}

// contains reports whether one of the texts holds what is searched for, in any case.
func contains(query string, texts ...string) bool {
	return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), strings.ToLower(query)) })
}
