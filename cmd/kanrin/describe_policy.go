package main

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup"
	"kanrin.dev/kanrin/internal/cli/output"
)

func (a *app) describePolicy(_ context.Context, _ *session, cluster string, p *v1alpha1.BackupPolicy) (string, error) {
	sp, st := p.Spec, p.Status
	repository := place(sp.Repository)
	if sp.Repository.AppendOnly {
		repository += "\n" + a.t("cli.describe.appendOnly")
	}
	copies := make([]string, 0, len(sp.Copies))
	for _, c := range sp.Copies {
		copies = append(copies, place(c))
	}
	ready := policyReady(p)
	if c := meta.FindStatusCondition(st.Conditions, v1alpha1.ConditionRepositoryReady); c != nil && c.Message != "" && ready != "True" {
		ready += "\n" + c.Message
	}
	next := ""
	if st.NextBackup != nil && !sp.Suspended {
		next = st.NextBackup.Local().Format("2006-01-02 15:04")
	}
	nextProof := ""
	if st.NextProof != nil && !sp.Suspended {
		nextProof = st.NextProof.Local().Format("2006-01-02 15:04")
	}
	age := sp.MaxProvenAgeHours
	if age == 0 {
		age = defaultProvenAge
	}
	text := facts([][2]string{
		{a.label("name"), p.Name},
		{a.label("cluster"), cluster},
		{a.label("repository"), repository},
		{a.label("ready"), ready},
		{a.label("copies"), strings.Join(copies, "\n")},
		{a.label("secret"), sp.Repository.SecretName},
		{a.label("sealedTo"), strings.Join(append(nonempty(st.Recipient), sp.SealTo...), "\n")},
		{a.label("schedule"), a.scheduleText(sp)},
		{a.label("retention"), a.retentionText(sp.Retention)},
		{a.label("proof"), a.proofRule(sp.Proof)},
		{a.label("provenAge"), a.lang.Duration(int64(age) * 3600)},
		{a.label("sets"), fmt.Sprint(st.Sets)},
		{a.label("lastBackup"), a.momentText(st.LastBackup)},
		{a.label("lastProven"), a.momentText(st.LastProven)},
		{a.label("nextBackup"), next},
		{a.label("nextProof"), nextProof},
		{a.label("created"), a.when(p.CreationTimestamp.Time)},
	})
	return text + a.section("components", a.policyComponents(sp.Components)), nil
}

// defaultProvenAge is in hours, as the API documents it.
const defaultProvenAge = 48

func nonempty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func (a *app) momentText(m *v1alpha1.BackupMoment) string {
	if m == nil {
		return a.t("cli.describe.never")
	}
	return m.Name + "  " + a.when(m.At.Time)
}

func (a *app) scheduleText(sp v1alpha1.BackupPolicySpec) string {
	s := sp.Schedule
	if s == nil {
		return a.t("cli.describe.noSchedule")
	}
	zone := s.TimeZone
	if zone == "" {
		zone = "UTC"
	}
	lines := []string{s.Cron + " (" + zone + ")"}
	if s.JitterSeconds > 0 {
		lines = append(lines, a.t("cli.describe.jitter", "seconds", s.JitterSeconds))
	}
	for _, q := range s.QuietHours {
		lines = append(lines, a.t("cli.describe.quiet", "from", q.From, "to", q.To))
	}
	if s.Missed == v1alpha1.MissedSkip {
		lines = append(lines, a.t("cli.describe.missedSkip"))
	}
	if sp.Suspended {
		lines = append(lines, a.t("cli.describe.suspended"))
	}
	return strings.Join(lines, "\n")
}

func (a *app) retentionText(r v1alpha1.BackupRetention) string {
	var parts []string
	for _, k := range []struct {
		rule string
		n    int32
	}{{"last", r.Last}, {"hourly", r.Hourly}, {"daily", r.Daily}, {"weekly", r.Weekly}, {"monthly", r.Monthly}, {"yearly", r.Yearly}} {
		if k.n > 0 {
			parts = append(parts, a.t("cli.keep."+k.rule, "n", k.n))
		}
	}
	if len(parts) == 0 {
		return a.t("cli.describe.keepAll")
	}
	return strings.Join(parts, a.t("cli.keep.comma"))
}

func (a *app) proofRule(p v1alpha1.BackupProof) string {
	switch {
	case p.EveryBackup:
		return a.t("cli.describe.proveEvery")
	case p.Cron != "":
		return a.t("cli.describe.proveCron", "cron", p.Cron)
	}
	return a.t("cli.describe.proveByHand")
}

func (a *app) policyComponents(list []v1alpha1.BackupComponent) string {
	if len(list) == 0 {
		list = backup.Defaults()
	}
	g := &output.Grid{Headers: []string{"COMPONENT", "TYPE", "AFTER", "FROM", "OPTIONAL"}}
	for _, c := range list {
		from := strings.Join(c.Hosts, ",")
		if c.Pod != nil {
			from = c.Pod.Namespace + "/" + c.Pod.Name + c.Pod.Selector
		}
		if c.Service != "" {
			from = c.Service
		}
		g.Rows = append(g.Rows, []string{c.Name, string(c.Type), dash(strings.Join(c.DependsOn, ",")), dash(from), fmt.Sprint(c.Optional)})
	}
	return gridText(g)
}
