package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
)

// policyOptions are what was typed for a policy. What was not typed stays as it is.
type policyOptions struct {
	repository string
	file       string
	components string
	copies     []string
	sealTo     []string
	schedule   string
	zone       string
	jitter     time.Duration
	quiet      []string
	missed     string
	keep       v1alpha1.BackupRetention
	prove      string
	maxProven  time.Duration
	appendOnly bool
	suspend    bool
	hostKey    string
	s3         v1alpha1.S3Repository
	s3CA       string
	secrets    secretFiles

	// given reports whether a flag was typed.
	given func(flag string) bool
	// read are the files of settings that were read: stdin can be read once.
	read map[string][]byte
}

// secretFiles are where the secrets of a repository are read from: no secret stands on a command line.
type secretFiles struct {
	password, identity, accessKeyID, secretAccessKey, sshKey string
}

func (a *app) newPolicySet() *cobra.Command {
	return a.newPolicySetWith(&policyOptions{})
}

func (a *app) newPolicySetWith(o *policyOptions) *cobra.Command {
	c := a.command("backup.policy.set", "set NAME --repository PATH|URL [flags]", func(cmd *cobra.Command, args []string) error {
		o.given, o.read = cmd.Flags().Changed, map[string][]byte{}
		return a.policySet(cmd.Context(), args[0], *o)
	})
	c.Args = a.arguments(1, 1, "NAME")
	c.Example = `  kanrin backup policy set default --repository /srv/backups/prod --schedule "0 2 * * *" --time-zone Asia/Tokyo --prove every
  kanrin backup policy set default --repository s3://minio.example:9000/backups/prod --keep-daily 14 --keep-monthly 12
  kanrin backup policy set offsite --repository sftp://kanrin@nas.example/backups --ssh-key-file ./key --host-key "ssh-ed25519 AAAA…"
  kanrin backup policy set default --copy-to s3://s3.example/backups/prod --seal-to age1…
  kanrin backup policy set default --suspend`
	c.ValidArgsFunction = a.completeNames("backuppolicies")
	f := c.Flags()
	t := func(name string) string { return a.t("cli.flag.policy." + name) }
	f.StringVar(&o.repository, "repository", "", t("repository"))
	f.StringVarP(&o.file, "filename", "f", "", t("file"))
	f.StringVar(&o.components, "component-file", "", t("components"))
	f.StringArrayVar(&o.copies, "copy-to", nil, t("copyTo"))
	f.StringArrayVar(&o.sealTo, "seal-to", nil, t("sealTo"))
	f.StringVar(&o.schedule, "schedule", "", t("schedule"))
	f.StringVar(&o.zone, "time-zone", "", t("zone"))
	f.DurationVar(&o.jitter, "jitter", 0, t("jitter"))
	f.StringSliceVar(&o.quiet, "quiet", nil, t("quiet"))
	f.StringVar(&o.missed, "missed", "run-once", t("missed"))
	a.keepFlags(f, &o.keep)
	f.StringVar(&o.prove, "prove", "", t("prove"))
	f.DurationVar(&o.maxProven, "max-proven-age", defaultProvenAge*time.Hour, t("maxProven"))
	f.BoolVar(&o.appendOnly, "append-only", false, t("appendOnly"))
	f.BoolVar(&o.suspend, "suspend", false, t("suspend"))
	f.StringVar(&o.hostKey, "host-key", "", t("hostKey"))
	f.StringVar(&o.s3.Region, "s3-region", "", t("s3Region"))
	f.StringVar(&o.s3CA, "s3-ca-file", "", t("s3CA"))
	f.BoolVar(&o.s3.PlainHTTP, "s3-plain-http", false, t("s3PlainHTTP"))
	f.StringVar(&o.secrets.password, "password-file", "", t("password"))
	f.StringVar(&o.secrets.identity, "identity-file", "", t("identity"))
	f.StringVar(&o.secrets.accessKeyID, "access-key-id-file", "", t("accessKeyID"))
	f.StringVar(&o.secrets.secretAccessKey, "secret-access-key-file", "", t("secretAccessKey"))
	f.StringVar(&o.secrets.sshKey, "ssh-key-file", "", t("sshKey"))
	fixed := func(flag string, values ...string) {
		_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	}
	fixed("missed", "run-once", "skip")
	fixed("prove", "every", "never")
	return c
}

func (a *app) keepFlags(f *pflag.FlagSet, r *v1alpha1.BackupRetention) {
	for _, k := range []struct {
		rule string
		n    *int32
	}{{"last", &r.Last}, {"hourly", &r.Hourly}, {"daily", &r.Daily}, {"weekly", &r.Weekly}, {"monthly", &r.Monthly}, {"yearly", &r.Yearly}} {
		f.Int32Var(k.n, "keep-"+k.rule, 0, a.t("cli.flag.policy.keep."+k.rule))
	}
}

func (a *app) policySet(ctx context.Context, name string, o policyOptions) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	for _, prefix := range []string{"backuppolicy/", "bp/", "backuppolicy.kanrin.dev/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	what := a.t("cli.what.policy.set", "name", name)
	// What is wrong with the command line is said before anything is asked of the server.
	set := inventory.SetBackupPolicy{Name: name}
	if err := a.policySpec(what, &set.Spec, o); err != nil {
		return err
	}
	if err := a.givenSecrets(what, &set, o.secrets); err != nil {
		return err
	}
	s, cluster, err := a.hostIn(ctx, what)
	if err != nil {
		return err
	}
	if o.file == "" { // a policy that is there is changed, not written anew
		p, err := s.BackupPolicy(ctx, cluster, name)
		switch {
		case err == nil:
			set.Spec = p.Spec
			if err := a.policySpec(what, &set.Spec, o); err != nil {
				return err
			}
		case !apierrors.IsNotFound(err):
			return s.explain(what, err)
		}
	}
	if err := a.policyWhole(what, name, &set); err != nil {
		return err
	}
	if format.Human() {
		a.say("cli.policy.opening", "place", place(set.Spec.Repository))
	}
	done, err := s.SetBackupPolicy(ctx, cluster, set)
	if err != nil {
		return s.explain(what, err)
	}
	return a.policyOutcome(format, cluster, done, true)
}
