package main

import (
	"context"
	"fmt"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/cells"
	"kanrin.dev/kanrin/internal/cli/output"
	"kanrin.dev/kanrin/internal/cli/render"
	"kanrin.dev/kanrin/internal/ops/backup"
)

func (a *app) describeDrill(_ context.Context, _ *session, cluster string, d *v1alpha1.Drill) (string, error) {
	r := d.Result
	result := a.t("cli.describe.passed")
	if !r.Passed {
		result = a.t("cli.describe.notPassed", "count", len(r.Problems))
	}
	signature := a.t("cli.describe.signatureInvalid")
	if key, err := backup.VerifyDrill(d); err == nil {
		signature = a.t("cli.describe.signatureValid", "key", key)
	}
	if r.Cluster != cluster {
		signature += "\n" + a.t("cli.describe.signedElsewhere", "cluster", r.Cluster)
	}
	recovery := ""
	if r.RecoverySeconds > 0 {
		recovery = a.lang.Duration(r.RecoverySeconds)
	}
	text := facts([][2]string{
		{a.label("name"), d.Name},
		{a.label("cluster"), cluster},
		{a.label("backup"), r.Backup},
		{a.label("digest"), r.Digest},
		{a.label("result"), result},
		{a.label("signature"), signature},
		{a.label("started"), a.when(r.StartedAt.Time)},
		{a.label("finished"), a.when(r.FinishedAt.Time)},
		{a.label("recovery"), recovery},
		{a.label("kubernetes"), r.KubernetesVersion},
		{a.label("objects"), positive(r.Objects)},
		{a.label("keys"), positive(r.Keys)},
		{a.label("secrets"), positive(r.Secrets)},
		{a.label("size"), a.sizeText(r.Bytes, r.Files)},
	})
	stages := &output.Grid{Headers: []string{"STAGE", "TOOK"}}
	for _, s := range r.Stages {
		stages.Rows = append(stages.Rows, []string{s.Name, fmt.Sprintf("%.1fs", float64(s.Milliseconds)/1000)})
	}
	databases := &output.Grid{Headers: []string{"COMPONENT", "SERVER", "TABLES", "ROWS"}}
	for _, x := range r.Databases {
		databases.Rows = append(databases.Rows, []string{x.Component, x.Server, fmt.Sprint(x.Tables), fmt.Sprint(x.Rows)})
	}
	return text + a.section("problems", a.proofLines(r.Problems)) + a.section("notes", a.proofLines(r.Notes)) +
		a.section("stages", gridText(stages)) + a.section("databases", gridText(databases)), nil
}

func (a *app) proofLines(list []v1alpha1.Line) string {
	lines := make([]string, 0, len(list))
	for _, l := range list {
		lines = append(lines, cells.Clean(oneLine(render.Proof(a.lang, l))))
	}
	return strings.Join(lines, "\n")
}
