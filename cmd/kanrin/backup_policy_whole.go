package main

import (
	"os"
	"strings"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
)

// Variables of the environment that tools for S3 read their keys from.
const (
	environmentKeyID  = "AWS_ACCESS_KEY_ID"
	environmentSecret = "AWS_SECRET_ACCESS_KEY"
)

// givenSecrets reads the files of secrets.
func (a *app) givenSecrets(what string, set *inventory.SetBackupPolicy, f secretFiles) error {
	for _, file := range []struct {
		path string
		to   *string
	}{{f.password, &set.Password}, {f.accessKeyID, &set.AccessKeyID}, {f.secretAccessKey, &set.SecretAccessKey}} {
		if file.path == "" {
			continue
		}
		text, err := a.secretFile(file.path, what)
		if err != nil {
			return err
		}
		if text == "" {
			return a.badInput(what, a.t("cli.why.secretEmpty", "file", file.path), a.t("cli.next.secretEmpty"))
		}
		*file.to = text
	}
	if f.identity != "" {
		data, err := a.smallFile(what, f.identity, map[string][]byte{})
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(data)) { // age-keygen writes comments above it
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "AGE-SECRET-KEY-") {
				set.Identity = line
			}
		}
		if set.Identity == "" {
			return a.badInput(what, a.t("cli.why.identity", "file", f.identity), a.t("cli.next.identity"))
		}
	}
	if f.sshKey != "" {
		key, err := a.privateKey(what, f.sshKey)
		if err != nil {
			return err
		}
		set.SSHKey = key
	}
	return nil
}

// policyWhole sees that nothing is missing that the server could only fail for, and takes the keys of S3 from the environment when they
// are needed and were not given.
func (a *app) policyWhole(what, name string, set *inventory.SetBackupPolicy) error {
	spec := &set.Spec
	if spec.Repository.Type == "" {
		return a.badInput(what, a.t("cli.why.policyRepository"), a.t("cli.next.policyRepository", "name", name))
	}
	if s := spec.Schedule; s != nil && s.Cron == "" {
		return a.badInput(what, a.t("cli.why.policySchedule", "flag", "--time-zone, --jitter, --quiet, --missed"), a.t("cli.next.policySchedule"))
	}
	storage := false
	for _, r := range append([]v1alpha1.BackupRepository{spec.Repository}, spec.Copies...) {
		storage = storage || r.S3 != nil
		if r.SFTP == nil {
			continue
		}
		if r.SFTP.HostKey == "" {
			return a.badInput(what, a.t("cli.why.sftpHostKey", "host", r.SFTP.Host), a.t("cli.next.sftpHostKey", "host", r.SFTP.Host))
		}
		if _, err := hosts.ParseHostKey(r.SFTP.HostKey); err != nil {
			return a.badInput(what, a.t("cli.why.sftpHostKeyForm"), a.t("cli.next.sftpHostKey", "host", r.SFTP.Host))
		}
	}
	if storage && set.AccessKeyID == "" && set.SecretAccessKey == "" {
		set.AccessKeyID, set.SecretAccessKey = os.Getenv(environmentKeyID), os.Getenv(environmentSecret)
	}
	if (set.AccessKeyID == "") != (set.SecretAccessKey == "") {
		return a.badInput(what, a.t("cli.why.accessKeys"), a.t("cli.next.accessKeys"))
	}
	return nil
}
