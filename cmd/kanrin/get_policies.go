package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/output"
)

type (
	policyRow = row[*v1alpha1.BackupPolicy]
	drillRow  = row[*v1alpha1.Drill]
)

func policyListing(a *app) *listing[*v1alpha1.BackupPolicy] {
	column := func(header string, wide bool, f func(*v1alpha1.BackupPolicy) string) output.Column[policyRow] {
		return output.Column[policyRow]{Header: header, Wide: wide, Text: func(r policyRow) string { return f(r.Object) }}
	}
	aged := func(header string, at func(*v1alpha1.BackupPolicy) *metav1.Time) output.Column[policyRow] {
		c := column(header, false, func(p *v1alpha1.BackupPolicy) string { return ageOr(at(p), a.now()) })
		c.Number = func(r policyRow) float64 {
			if t := at(r.Object); t != nil {
				return -float64(t.Unix())
			}
			return 0
		}
		return c
	}
	last := func(m *v1alpha1.BackupMoment) *metav1.Time {
		if m == nil {
			return nil
		}
		return &m.At
	}
	return &listing[*v1alpha1.BackupPolicy]{
		kind: "BackupPolicy", apiVersion: v1alpha1.GroupVersion.String(), real: true, resource: "backuppolicies", perCluster: true,
		columns: []output.Column[policyRow]{
			column("NAME", false, func(p *v1alpha1.BackupPolicy) string { return p.Name }),
			column("READY", false, policyReady),
			column("REPOSITORY", false, func(p *v1alpha1.BackupPolicy) string { return place(p.Spec.Repository) }),
			column("SCHEDULE", false, policySchedule),
			column("SETS", false, func(p *v1alpha1.BackupPolicy) string { return fmt.Sprint(p.Status.Sets) }),
			aged("LAST", func(p *v1alpha1.BackupPolicy) *metav1.Time { return last(p.Status.LastBackup) }),
			aged("PROVEN", func(p *v1alpha1.BackupPolicy) *metav1.Time { return last(p.Status.LastProven) }),
			column("NEXT", false, func(p *v1alpha1.BackupPolicy) string {
				if p.Status.NextBackup == nil || p.Spec.Suspended {
					return "-"
				}
				return p.Status.NextBackup.Local().Format("2006-01-02 15:04")
			}),
			aged("AGE", func(p *v1alpha1.BackupPolicy) *metav1.Time { return &p.CreationTimestamp }),
			column("ZONE", true, func(p *v1alpha1.BackupPolicy) string {
				if p.Spec.Schedule == nil {
					return ""
				}
				return cmp.Or(p.Spec.Schedule.TimeZone, "UTC")
			}),
			column("COPIES", true, func(p *v1alpha1.BackupPolicy) string { return fmt.Sprint(len(p.Spec.Copies)) }),
			column("APPEND-ONLY", true, func(p *v1alpha1.BackupPolicy) string { return fmt.Sprint(p.Spec.Repository.AppendOnly) }),
		},
		list: func(ctx context.Context, s *session, cluster string, _ client.Filter) ([]*v1alpha1.BackupPolicy, error) {
			list, err := s.BackupPolicies(ctx, cluster)
			if err != nil {
				return nil, err
			}
			out := make([]*v1alpha1.BackupPolicy, 0, len(list.Items))
			for i := range list.Items {
				list.Items[i].ManagedFields = nil
				out = append(out, &list.Items[i])
			}
			return out, nil
		},
		get: func(ctx context.Context, s *session, cluster, name string) (*v1alpha1.BackupPolicy, error) {
			p, err := s.BackupPolicy(ctx, cluster, name)
			if err == nil {
				p.ManagedFields = nil
			}
			return p, err
		},
		name: func(p *v1alpha1.BackupPolicy) string { return p.Name },
		match: func(p *v1alpha1.BackupPolicy, f client.Filter) bool {
			return contains(f.Query, p.Name, place(p.Spec.Repository))
		},
	}
}

func ageOr(t *metav1.Time, now time.Time) string {
	if t == nil || t.IsZero() {
		return "-"
	}
	return output.Age(t.Time, now)
}

// policyReady is whether the repository could be opened when it was last tried: True, False or Unknown.
func policyReady(p *v1alpha1.BackupPolicy) string {
	if c := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionRepositoryReady); c != nil {
		return string(c.Status)
	}
	return string(metav1.ConditionUnknown)
}

func policySchedule(p *v1alpha1.BackupPolicy) string {
	switch {
	case p.Spec.Schedule == nil:
		return "-"
	case p.Spec.Suspended:
		return p.Spec.Schedule.Cron + " (suspended)"
	}
	return p.Spec.Schedule.Cron
}

func drillListing(a *app) *listing[*v1alpha1.Drill] {
	column := func(header string, wide bool, f func(*v1alpha1.Drill) string) output.Column[drillRow] {
		return output.Column[drillRow]{Header: header, Wide: wide, Text: func(r drillRow) string { return f(r.Object) }}
	}
	number := func(header string, wide bool, f func(*v1alpha1.Drill) int64) output.Column[drillRow] {
		c := column(header, wide, func(d *v1alpha1.Drill) string { return count(f(d)) })
		c.Number = func(r drillRow) float64 { return float64(f(r.Object)) }
		return c
	}
	age := column("AGE", false, func(d *v1alpha1.Drill) string { return output.Age(d.Result.FinishedAt.Time, a.now()) })
	age.Number = func(r drillRow) float64 { return -float64(r.Object.Result.FinishedAt.Unix()) }
	recovery := number("RECOVERY", false, func(d *v1alpha1.Drill) int64 { return d.Result.RecoverySeconds })
	recovery.Text = func(r drillRow) string {
		if n := r.Object.Result.RecoverySeconds; n > 0 {
			return fmt.Sprintf("%ds", n)
		}
		return "-"
	}
	return &listing[*v1alpha1.Drill]{
		kind: "Drill", apiVersion: v1alpha1.GroupVersion.String(), real: true, resource: "drills", perCluster: true,
		columns: []output.Column[drillRow]{
			column("NAME", false, func(d *v1alpha1.Drill) string { return d.Name }),
			column("BACKUP", false, func(d *v1alpha1.Drill) string { return d.Result.Backup }),
			column("PASSED", false, func(d *v1alpha1.Drill) string { return fmt.Sprint(d.Result.Passed) }),
			age,
			number("OBJECTS", false, func(d *v1alpha1.Drill) int64 { return d.Result.Objects }),
			number("SECRETS", false, func(d *v1alpha1.Drill) int64 { return d.Result.Secrets }),
			recovery,
			column("PROBLEMS", false, func(d *v1alpha1.Drill) string { return fmt.Sprint(len(d.Result.Problems)) }),
			number("KEYS", true, func(d *v1alpha1.Drill) int64 { return d.Result.Keys }),
			number("FILES", true, func(d *v1alpha1.Drill) int64 { return d.Result.Files }),
			column("KUBERNETES", true, func(d *v1alpha1.Drill) string { return d.Result.KubernetesVersion }),
			column("DIGEST", true, func(d *v1alpha1.Drill) string { return d.Result.Digest }),
		},
		list: func(ctx context.Context, s *session, cluster string, _ client.Filter) ([]*v1alpha1.Drill, error) {
			list, err := s.Drills(ctx, cluster)
			if err != nil {
				return nil, err
			}
			out := make([]*v1alpha1.Drill, 0, len(list.Items))
			for i := range list.Items {
				list.Items[i].ManagedFields = nil
				out = append(out, &list.Items[i])
			}
			slices.SortStableFunc(out, func(x, y *v1alpha1.Drill) int { return y.Result.FinishedAt.Compare(x.Result.FinishedAt.Time) })
			return out, nil
		},
		get: func(ctx context.Context, s *session, cluster, name string) (*v1alpha1.Drill, error) {
			d, err := s.Drill(ctx, cluster, name)
			if err == nil {
				d.ManagedFields = nil
			}
			return d, err
		},
		name:  func(d *v1alpha1.Drill) string { return d.Name },
		match: func(d *v1alpha1.Drill, f client.Filter) bool { return contains(f.Query, d.Name, d.Result.Backup) },
	}
}
