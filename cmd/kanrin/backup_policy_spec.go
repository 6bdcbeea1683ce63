package main

import (
	"cmp"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/location"
)

// maxPolicyFile bounds a file with a policy or its components.
const maxPolicyFile = 1 << 20

// policySpec puts what was typed into a policy.
func (a *app) policySpec(what string, spec *v1alpha1.BackupPolicySpec, o policyOptions) error {
	for _, part := range []func(string, *v1alpha1.BackupPolicySpec, policyOptions) error{
		a.policyFiles, a.policyPlaces, a.policyTimes, a.policyRules,
	} {
		if err := part(what, spec, o); err != nil {
			return err
		}
	}
	return nil
}

// policyFiles reads -f (a BackupPolicy, or its spec) and --component-file (a list of components, or what has one).
func (a *app) policyFiles(what string, spec *v1alpha1.BackupPolicySpec, o policyOptions) error {
	if o.file != "" {
		data, err := a.smallFile(what, o.file, o.read)
		if err != nil {
			return err
		}
		whole := struct {
			APIVersion string                     `json:"apiVersion"`
			Kind       string                     `json:"kind"`
			Metadata   any                        `json:"metadata"`
			Spec       *v1alpha1.BackupPolicySpec `json:"spec"`
			Status     any                        `json:"status"`
		}{}
		var bare v1alpha1.BackupPolicySpec
		if wrong := yaml.UnmarshalStrict(data, &whole); wrong == nil && whole.Spec != nil {
			bare = *whole.Spec
		} else if err := yaml.UnmarshalStrict(data, &bare); err != nil {
			if whole.Kind != "" {
				err = wrong
			}
			return a.badInput(what, a.t("cli.why.policyFile", "file", o.file, "text", oneLine(err.Error())), a.t("cli.next.policyFile"))
		}
		*spec = bare
	}
	if o.components == "" {
		return nil
	}
	data, err := a.smallFile(what, o.components, o.read)
	if err != nil {
		return err
	}
	var list []v1alpha1.BackupComponent
	if err := yaml.UnmarshalStrict(data, &list); err != nil {
		var in struct {
			Components []v1alpha1.BackupComponent `json:"components"`
		}
		if yaml.UnmarshalStrict(data, &in) != nil || len(in.Components) == 0 {
			return a.badInput(what, a.t("cli.why.policyFile", "file", o.components, "text", oneLine(err.Error())), a.t("cli.next.componentFile"))
		}
		list = in.Components
	}
	spec.Components = list
	return nil
}

// smallFile reads a file of settings; "-" is stdin.
func (a *app) smallFile(what, path string, read map[string][]byte) ([]byte, error) {
	if data, ok := read[path]; ok {
		return data, nil
	}
	in := a.streams.In
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, a.subject().Error(what, err)
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxPolicyFile+1))
	switch {
	case err != nil:
		return nil, a.subject().Error(what, fmt.Errorf("reading %s: %w", path, err))
	case len(data) > maxPolicyFile:
		return nil, a.badInput(what, a.t("cli.why.fileTooLarge", "file", path), a.t("cli.next.noFile"))
	}
	read[path] = data
	return data, nil
}

// policyPlaces are where the sets go, and who can open what is sealed.
func (a *app) policyPlaces(what string, spec *v1alpha1.BackupPolicySpec, o policyOptions) error {
	ca, err := a.authorities(what, o)
	if err != nil {
		return err
	}
	parse := func(text string) (v1alpha1.BackupRepository, error) {
		r, err := location.Parse(text)
		if err != nil {
			code := location.ErrURL.Code
			var e *location.Error
			if errors.As(err, &e) {
				code = e.Code
			}
			return r, a.badInput(what, a.t("cli.why.location."+code, "location", location.Shown(text)), a.t("cli.next.location"))
		}
		return r, nil
	}
	if o.repository != "" {
		r, err := parse(o.repository)
		if err != nil {
			return err
		}
		was := spec.Repository
		r.SecretName, r.AppendOnly = was.SecretName, was.AppendOnly
		if r.S3 != nil && was.S3 != nil && r.S3.Endpoint == was.S3.Endpoint {
			r.S3.Region, r.S3.CABundle, r.S3.PlainHTTP = was.S3.Region, was.S3.CABundle, was.S3.PlainHTTP
		}
		if r.SFTP != nil && was.SFTP != nil && r.SFTP.Host == was.SFTP.Host {
			r.SFTP.HostKey = was.SFTP.HostKey
		}
		spec.Repository = r
	}
	if o.given("copy-to") {
		spec.Copies = nil
		for _, text := range nonempties(o.copies) {
			r, err := parse(text)
			if err != nil {
				return err
			}
			spec.Copies = append(spec.Copies, r)
		}
	}
	if o.given("append-only") {
		spec.Repository.AppendOnly = o.appendOnly
	}
	if o.given("seal-to") {
		spec.SealTo = unique(nonempties(o.sealTo))
	}
	all := []*v1alpha1.BackupRepository{&spec.Repository}
	for i := range spec.Copies {
		all = append(all, &spec.Copies[i])
	}
	for _, r := range all {
		if r.S3 != nil {
			r.S3.Region, r.S3.CABundle = cmp.Or(o.s3.Region, r.S3.Region), cmp.Or(ca, r.S3.CABundle)
			if o.given("s3-plain-http") {
				r.S3.PlainHTTP = o.s3.PlainHTTP
			}
		}
		if r.SFTP != nil {
			r.SFTP.HostKey = cmp.Or(o.hostKey, r.SFTP.HostKey)
		}
	}
	return nil
}

func nonempties(list []string) []string {
	var out []string
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func (a *app) authorities(what string, o policyOptions) (string, error) {
	if o.s3CA == "" {
		return "", nil
	}
	data, err := a.smallFile(what, o.s3CA, o.read)
	if err != nil {
		return "", err
	}
	if block, _ := pem.Decode(data); block == nil || block.Type != "CERTIFICATE" {
		return "", a.badInput(what, a.t("cli.why.authority", "file", o.s3CA), a.t("cli.next.s3CA"))
	}
	return string(data), nil
}

// policyTimes is when sets are made.
func (a *app) policyTimes(what string, spec *v1alpha1.BackupPolicySpec, o policyOptions) error {
	if o.given("suspend") {
		spec.Suspended = o.suspend
	}
	if o.given("schedule") && strings.TrimSpace(o.schedule) == "" {
		spec.Schedule = nil
		return nil
	}
	if o.schedule != "" {
		if len(strings.Fields(o.schedule)) != 5 {
			return a.badInput(what, a.t("cli.why.cron", "flag", "--schedule", "value", o.schedule), a.t("cli.next.cron"))
		}
		s := v1alpha1.BackupSchedule{Missed: v1alpha1.MissedRunOnce}
		if spec.Schedule != nil {
			s = *spec.Schedule
		}
		s.Cron, spec.Schedule = strings.TrimSpace(o.schedule), &s
	}
	for _, flag := range []string{"time-zone", "jitter", "quiet", "missed"} {
		if o.given(flag) && spec.Schedule == nil {
			if o.file != "" || spec.Repository.Type != "" && o.repository == "" {
				return a.badInput(what, a.t("cli.why.policySchedule", "flag", "--"+flag), a.t("cli.next.policySchedule"))
			}
			// The policy that is there may have one. Until that is known the values are checked against nothing.
			spec.Schedule = &v1alpha1.BackupSchedule{}
		}
	}
	s := spec.Schedule
	if s == nil {
		return nil
	}
	if o.given("time-zone") {
		if _, err := time.LoadLocation(o.zone); err != nil {
			return a.badInput(what, a.t("cli.why.timeZone", "zone", o.zone), a.t("cli.next.timeZone"))
		}
		s.TimeZone = o.zone
	}
	if o.given("jitter") {
		if o.jitter < 0 || o.jitter > 24*time.Hour {
			return a.badInput(what, a.t("cli.why.jitter", "value", o.jitter), a.t("cli.next.jitter"))
		}
		s.JitterSeconds = int32(o.jitter / time.Second)
	}
	if o.given("quiet") {
		s.QuietHours = nil
		for _, text := range nonempties(o.quiet) {
			from, to, ok := strings.Cut(text, "-")
			if !ok || !isClock(from) || !isClock(to) {
				return a.badInput(what, a.t("cli.why.quiet", "value", text), a.t("cli.next.quiet"))
			}
			s.QuietHours = append(s.QuietHours, v1alpha1.QuietHours{From: from, To: to})
		}
	}
	if o.given("missed") {
		switch o.missed {
		case "run-once":
			s.Missed = v1alpha1.MissedRunOnce
		case "skip":
			s.Missed = v1alpha1.MissedSkip
		default:
			return a.badInput(what, a.t("cli.why.missed", "value", o.missed), a.t("cli.next.missed"))
		}
	}
	return nil
}

func isClock(s string) bool {
	t, err := time.Parse("15:04", s)
	return err == nil && t.Format("15:04") == s
}

// policyRules are how long sets are kept and how they are proven.
func (a *app) policyRules(what string, spec *v1alpha1.BackupPolicySpec, o policyOptions) error {
	for _, k := range []struct {
		rule string
		n    int32
		to   *int32
	}{
		{"last", o.keep.Last, &spec.Retention.Last},
		{"hourly", o.keep.Hourly, &spec.Retention.Hourly},
		{"daily", o.keep.Daily, &spec.Retention.Daily},
		{"weekly", o.keep.Weekly, &spec.Retention.Weekly},
		{"monthly", o.keep.Monthly, &spec.Retention.Monthly},
		{"yearly", o.keep.Yearly, &spec.Retention.Yearly},
	} {
		if !o.given("keep-" + k.rule) {
			continue
		}
		if k.n < 0 || k.n > 10000 {
			return a.badInput(what, a.t("cli.why.keep", "flag", "--keep-"+k.rule, "value", k.n), a.t("cli.next.keep"))
		}
		*k.to = k.n
	}
	if o.given("prove") {
		switch prove := strings.TrimSpace(o.prove); {
		case prove == "every":
			spec.Proof.EveryBackup, spec.Proof.Cron = true, ""
		case prove == "never" || prove == "":
			spec.Proof.EveryBackup, spec.Proof.Cron = false, ""
		case len(strings.Fields(prove)) != 5:
			return a.badInput(what, a.t("cli.why.cron", "flag", "--prove", "value", o.prove), a.t("cli.next.prove"))
		default:
			spec.Proof.EveryBackup, spec.Proof.Cron = false, prove
		}
	}
	if o.given("max-proven-age") {
		if o.maxProven < time.Hour || o.maxProven > 8784*time.Hour || o.maxProven%time.Hour != 0 {
			return a.badInput(what, a.t("cli.why.maxProven", "value", o.maxProven), a.t("cli.next.maxProven"))
		}
		spec.MaxProvenAgeHours = int32(o.maxProven / time.Hour)
	}
	return nil
}
