package main

import (
	"context"
	"fmt"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup"
	"kanrin.dev/kanrin/internal/cli/output"
	"kanrin.dev/kanrin/internal/cli/render"
)

// place is a repository in words.
func place(r v1alpha1.BackupRepository) string { return backup.Place(r) }

func (a *app) describeBackup(_ context.Context, _ *session, cluster string, b *v1alpha1.Backup) (string, error) {
	st := b.Status
	started, finished, missing := "", "", ""
	if st.StartedAt != nil {
		started = a.when(st.StartedAt.Time)
	}
	if st.FinishedAt != nil {
		finished = a.when(st.FinishedAt.Time)
	}
	if st.Missing > 0 {
		missing = fmt.Sprint(st.Missing)
	}
	pinned := ""
	if b.Spec.Pinned {
		pinned = a.t("cli.describe.pinned")
	}
	copies := make([]string, 0, len(st.Copies))
	for _, c := range st.Copies {
		copies = append(copies, c.Repository+"  "+a.when(c.At.Time))
	}
	text := facts([][2]string{
		{a.label("name"), b.Name},
		{a.label("cluster"), cluster},
		{a.label("phase"), string(st.Phase) + "\n" + a.phaseText(b)},
		{a.label("policy"), b.Spec.Policy},
		{a.label("reason"), a.reasonText(b.Spec.Reason)},
		{a.label("operation"), st.Operation},
		{a.label("started"), started},
		{a.label("finished"), finished},
		{a.label("revision"), positive(st.Revision)},
		{a.label("objects"), positive(st.Objects)},
		{a.label("size"), a.sizeText(st.Bytes, st.Files)},
		{a.label("missing"), missing},
		{a.label("kubernetes"), st.KubernetesVersion},
		{a.label("kanrin"), st.KanrinVersion},
		{a.label("snapshot"), st.SnapshotID},
		{a.label("digest"), st.Digest},
		{a.label("pinned"), pinned},
		{a.label("kept"), strings.Join(st.Keep, "\n")},
		{a.label("copies"), strings.Join(copies, "\n")},
	})
	return text + a.section("proof", a.proofText(st)) + a.section("components", a.components(st.Components)), nil
}

func positive(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// phaseText says what a phase means for somebody who needs the set.
func (a *app) phaseText(b *v1alpha1.Backup) string {
	phase := string(b.Status.Phase)
	if b.Status.Phase == v1alpha1.BackupIncomplete && b.Status.Missing == 0 {
		phase = "Partial" // only some components were asked for
	}
	key := "cli.phase.backup." + phase
	if !a.lang.Has(key) {
		return ""
	}
	return a.t(key, "set", b.Name, "count", b.Status.Missing)
}

func (a *app) reasonText(r v1alpha1.BackupReason) string {
	if key := "cli.reason." + string(r); a.lang.Has(key) {
		return a.t(key)
	}
	return string(r)
}

func (a *app) sizeText(bytes, files int64) string {
	if bytes == 0 && files == 0 {
		return ""
	}
	return a.t("cli.describe.size", "bytes", bytes, "files", files)
}

func (a *app) proofText(st v1alpha1.BackupStatus) string {
	p := st.Proof
	if p == nil {
		return ""
	}
	result := a.t("cli.describe.passed")
	if !p.Passed {
		result = a.t("cli.describe.notPassed", "count", p.Problems)
	}
	if p.Digest != st.Digest {
		result += "\n" + a.t("cli.describe.otherDigest")
	}
	recovery := ""
	if p.RecoverySeconds > 0 {
		recovery = a.lang.Duration(p.RecoverySeconds)
	}
	return facts([][2]string{
		{a.label("result"), result},
		{a.label("at"), a.when(p.At.Time)},
		{a.label("recovery"), recovery},
		{a.label("drillName"), p.Drill},
	})
}

// components is a table of what is in a set, and of what is missing and why.
func (a *app) components(list []v1alpha1.ComponentStatus) string {
	g := &output.Grid{Headers: []string{"COMPONENT", "TYPE", "STATE", "SIZE", "TOOK", "FROM", "VERSION"}}
	var missing []string
	for _, c := range list {
		took := "-"
		if c.Milliseconds > 0 {
			took = fmt.Sprintf("%.1fs", float64(c.Milliseconds)/1000)
		}
		state := string(c.State)
		if c.Optional && c.State == v1alpha1.ComponentMissing {
			state += " (optional)"
		}
		g.Rows = append(g.Rows, []string{c.Name, string(c.Type), state, size(c.Bytes), took, dash(c.From), dash(c.Version)})
		if why := render.ComponentWhy(a.lang, c); why != "" {
			missing = append(missing, a.t("cli.describe.missing", "component", c.Name, "why", oneLine(why)))
		}
	}
	text := gridText(g)
	if len(missing) > 0 {
		text += "\n" + strings.Join(missing, "\n") + "\n"
	}
	return text
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
