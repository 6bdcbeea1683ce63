package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
)

func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestBackupUsage: what is wrong with a command line is said before anything is asked of a server.
func TestBackupUsage(t *testing.T) {
	nowhere(t)
	t.Setenv(environmentKeyID, "")
	t.Setenv(environmentSecret, "")
	bad := written(t, "bad.yaml", "repository: {type: Filesystem, path: /srv, size: 3}\n")
	good := written(t, "good.yaml", "apiVersion: kanrin.dev/v1alpha1\nkind: BackupPolicy\nmetadata: {name: default}\nspec:\n  repository: {type: Filesystem, path: /srv, secretName: s}\n")
	empty := written(t, "empty", "\nsecond line\n")
	set := func(args ...string) []string { return append([]string{"backup", "policy", "set", "default"}, args...) }
	for _, tc := range []struct {
		args []string
		code int
		say  string
	}{
		{[]string{"backup"}, 2, "say what to do"},
		{[]string{"backup", "create", "a", "b"}, 2, `"b" is too much`},
		{[]string{"backup", "create", "a/b/c"}, 2, "not the name of a cluster"},
		{[]string{"backup", "create", "cluster/prod", "--cluster", "dev"}, 2, "not the name of a cluster"},
		{[]string{"backup", "create", "--plan-only", "--dry-run"}, 2, "exclude each other"},
		{[]string{"backup", "create", "--yes"}, 8, "kanrin login"}, // scripts give it to everything
		{[]string{"backup", "create", "-o", "xml"}, 2, "formats are"},
		{[]string{"backup", "prove"}, 2, "SET is missing"},
		{[]string{"backup", "prove", "latest"}, 8, "kanrin login"},
		{[]string{"backup", "check", "x"}, 2, "too much"},
		{[]string{"backup", "prune"}, 8, "kanrin login"},
		{[]string{"backup", "pin"}, 2, "SET is missing"},
		{[]string{"backup", "policy"}, 2, "say what to do"},
		{[]string{"backup", "policy", "set"}, 2, "NAME is missing"},
		{[]string{"backup", "policy", "keys", "default"}, 8, "kanrin login"},
		{set("--repository", "backups"), 2, "begins with /"},
		{set("--repository", "s3://key:hunter2@h/bucket"), 2, "a credential"},
		{set("--repository", "ftp://h/b"), 2, "neither a path"},
		{set("--repository", "/srv", "--copy-to", "s3://h"), 2, "bucket is missing"},
		{set("--repository", "/srv", "--schedule", "tomorrow"), 2, "--schedule is not a time plan"},
		{set("--repository", "/srv", "--schedule", "@daily"), 2, "--schedule is not a time plan"},
		{set("--repository", "/srv", "--prove", "often"), 2, "--prove is not a time plan"},
		{set("-f", good, "--jitter", "10m"), 2, "--jitter says something about a schedule"},
		{set("--repository", "/srv", "--schedule", "0 2 * * *", "--time-zone", "Asia/Tokio"), 2, "no time zone Asia/Tokio"},
		{set("--schedule", "0 2 * * *", "--jitter", "25h"), 2, "0 to 24h"},
		{set("--schedule", "0 2 * * *", "--quiet", "8-18"), 2, "not a span of the day"},
		{set("--schedule", "0 2 * * *", "--missed", "twice"), 2, "neither run-once nor skip"},
		{set("--quiet", "24:00-25:00"), 2, "not a span of the day"},
		{set("--keep-last", "-1"), 2, "--keep-last cannot be -1"},
		{set("--keep-last", "10001"), 2, "--keep-last cannot be"},
		{set("--max-proven-age", "90m"), 2, "1h to 8784h"},
		{set("--repository", "/srv", "--password-file", "/does/not/exist"), 2, "/does/not/exist does not exist"},
		{set("--repository", "/srv", "--password-file", empty), 2, "is empty"},
		{set("--repository", "/srv", "--identity-file", empty), 2, "no age identity"},
		{set("--repository", "/srv", "--ssh-key-file", empty), 2, "private key"},
		{set("--repository", "/srv", "--s3-ca-file", empty), 2, "no PEM certificate"},
		{set("-f", bad), 2, "size"},
		{set("-f", good), 8, "kanrin login"},
		{set("--component-file", bad), 2, "cannot be used"},
		{set("--repository", "/srv"), 8, "kanrin login"},
		{[]string{"snapshot"}, 2, "say what to do"},
		{[]string{"snapshot", "ls", "a", "b"}, 2, "too much"},
		{[]string{"snapshot", "ls", "pods", "-n", "shop", "--cluster", "prod"}, 8, "kanrin login"},
		{[]string{"snapshot", "get"}, 2, "RESOURCE/NAME is missing"},
		{[]string{"snapshot", "get", "deployment"}, 2, "names no object"},
		{[]string{"snapshot", "get", "deployment/"}, 2, "names no object"},
		{[]string{"snapshot", "get", "a/b/c/d"}, 2, "names no object"},
		{[]string{"snapshot", "get", "deployments/shop/web", "-n", "other"}, 2, "--namespace says other"},
		{[]string{"snapshot", "get", "deployments/a", "deployments/b"}, 2, "too much"},
		{[]string{"snapshot", "get", "deployment", "web"}, 8, "kanrin login"},
		{[]string{"snapshot", "diff", "--to", "live"}, 2, "between two sets"},
		{[]string{"snapshot", "diff", "pods", "--from", "monday"}, 8, "kanrin login"},
		{[]string{"snapshot", "restore"}, 2, "RESOURCE/NAME is missing"},
		{[]string{"snapshot", "restore", "deployment/web", "x"}, 2, "names no object"},
		{[]string{"restore", "cluster/prod"}, 2, "which set to go back to"},
		{[]string{"restore", "--from", "latest", "--mode", "half"}, 2, "all-members, member, everything"},
		{[]string{"restore", "--from", "latest", "--mode", "member"}, 2, "belong together"},
		{[]string{"restore", "--from", "latest", "--member", "cp2"}, 2, "not from a set"},
		{[]string{"restore", "--from", "latest", "--mode", "everything", "--member", "cp2"}, 2, "belong together"},
		{[]string{"restore", "--member", "cp2"}, 8, "kanrin login"},
		{[]string{"get", "backups", "-A"}, 8, "kanrin login"},
		{[]string{"get", "bk/latest"}, 8, "kanrin login"},
		{[]string{"describe", "bp"}, 2, "NAME is missing"},
	} {
		t.Run(strings.Join(tc.args, " "), func(t *testing.T) {
			code, out, talk := command(t, tc.args...)
			if int(code) != tc.code || !strings.Contains(talk, tc.say) || out != "" || strings.Contains(talk, "hunter2") || strings.Count(talk, "\n") > 3 {
				t.Errorf("exit code %d, want %d with %q\n%s%s", code, tc.code, tc.say, talk, out)
			}
			if ja, _, talk := command(t, append(tc.args, "--lang", "ja")...); ja != code || missing.MatchString(talk) {
				t.Errorf("in Japanese %d\n%s", ja, talk)
			}
		})
	}
}

// policyOf runs the part of `backup policy set` that makes a policy of what was typed.
func policyOf(t *testing.T, was v1alpha1.BackupPolicySpec, args ...string) v1alpha1.BackupPolicySpec {
	t.Helper()
	a := testApp(lang.English)
	var o policyOptions
	c := a.newPolicySetWith(&o)
	if err := c.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	o.given, o.read = c.Flags().Changed, map[string][]byte{}
	if err := a.policySpec("", &was, o); err != nil {
		t.Fatal(err)
	}
	return was
}

func TestPolicyOfFlags(t *testing.T) {
	host := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE"
	first := policyOf(t, v1alpha1.BackupPolicySpec{},
		"--repository", "s3://minio.example:9000/backups/prod", "--s3-region", "tokyo", "--s3-plain-http", "--copy-to", "sftp://k@nas:2222/b", "--host-key", host,
		"--schedule", "0 2 * * *", "--time-zone", "Asia/Tokyo", "--jitter", "10m", "--quiet", "08:00-18:00,22:00-01:00", "--missed", "skip",
		"--keep-last", "3", "--keep-yearly", "2", "--prove", "every", "--max-proven-age", "72h", "--append-only", "--seal-to", "age1a", "--seal-to", "age1a")
	r := first.Repository
	if r.Type != v1alpha1.RepositoryS3 || r.S3.Endpoint != "minio.example:9000" || r.S3.Prefix != "prod" || r.S3.Region != "tokyo" || !r.S3.PlainHTTP || !r.AppendOnly {
		t.Errorf("repository: %+v %+v", r, r.S3)
	}
	if len(first.Copies) != 1 || first.Copies[0].SFTP.HostKey != host || first.Copies[0].SFTP.Port != 2222 {
		t.Errorf("copies: %+v", first.Copies)
	}
	s := first.Schedule
	if s.Cron != "0 2 * * *" || s.TimeZone != "Asia/Tokyo" || s.JitterSeconds != 600 || len(s.QuietHours) != 2 || s.QuietHours[1].To != "01:00" || s.Missed != v1alpha1.MissedSkip {
		t.Errorf("schedule: %+v", s)
	}
	if first.Retention.Last != 3 || first.Retention.Yearly != 2 || !first.Proof.EveryBackup || first.MaxProvenAgeHours != 72 || len(first.SealTo) != 1 {
		t.Errorf("%+v", first)
	}
	// What is not typed stays.
	second := policyOf(t, first, "--keep-last", "0", "--time-zone", "UTC", "--prove", "0 4 * * 0", "--suspend")
	if second.Retention.Last != 0 || second.Retention.Yearly != 2 || second.Schedule.Cron != s.Cron || second.Schedule.TimeZone != "UTC" ||
		second.Proof.EveryBackup || second.Proof.Cron != "0 4 * * 0" || !second.Suspended || second.Repository.S3.Region != "tokyo" || len(second.Copies) != 1 {
		t.Errorf("%+v", second)
	}
	third := policyOf(t, second, "--schedule", "", "--copy-to", "", "--seal-to", "", "--prove", "never", "--suspend=false", "--repository", "/srv/b")
	if third.Schedule != nil || len(third.Copies) != 0 || len(third.SealTo) != 0 || third.Proof.Cron != "" || third.Suspended || third.Repository.Path != "/srv/b" || third.Repository.S3 != nil {
		t.Errorf("%+v", third)
	}
}

// TestPolicyWhole: what the server could only fail for is refused, and the keys of S3 come from the environment when nothing else is said.
func TestPolicyWhole(t *testing.T) {
	t.Setenv(environmentKeyID, "id")
	t.Setenv(environmentSecret, "hunter2")
	a := testApp(lang.English)
	s3 := v1alpha1.BackupRepository{Type: v1alpha1.RepositoryS3, S3: &v1alpha1.S3Repository{Endpoint: "h", Bucket: "bucket"}}
	file := v1alpha1.BackupRepository{Type: v1alpha1.RepositoryFilesystem, Path: "/srv"}
	sftp := v1alpha1.BackupRepository{Type: v1alpha1.RepositorySFTP, SFTP: &v1alpha1.SFTPRepository{Host: "nas", User: "k", Path: "/b"}}
	for _, tc := range []struct {
		name, id string
		spec     v1alpha1.BackupPolicySpec
		given    string
		refused  string
	}{
		{"no repository", "", v1alpha1.BackupPolicySpec{}, "", "--repository is missing"},
		{"a directory needs no keys", "", v1alpha1.BackupPolicySpec{Repository: file}, "", ""},
		{"from the environment", "id", v1alpha1.BackupPolicySpec{Repository: s3}, "", ""},
		{"for a copy too", "id", v1alpha1.BackupPolicySpec{Repository: file, Copies: []v1alpha1.BackupRepository{s3}}, "", ""},
		{"half of them", "given", v1alpha1.BackupPolicySpec{Repository: s3}, "given", "one is missing"},
		{"no host key", "", v1alpha1.BackupPolicySpec{Repository: sftp}, "", "host key of nas"},
		{"a schedule without times", "", v1alpha1.BackupPolicySpec{Repository: file, Schedule: &v1alpha1.BackupSchedule{TimeZone: "UTC"}}, "", "there is none"},
	} {
		set := inventory.SetBackupPolicy{Spec: tc.spec, AccessKeyID: tc.given}
		err := a.policyWhole("", "default", &set)
		if tc.refused == "" && err != nil || tc.refused != "" && (err == nil || !strings.Contains(err.Error(), tc.refused)) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.refused)
		}
		if set.AccessKeyID != tc.id {
			t.Errorf("%s: key id %q, want %q", tc.name, set.AccessKeyID, tc.id)
		}
	}
	set := inventory.SetBackupPolicy{}
	identity := written(t, "identity", "# created: 2026-11-22\n# public key: age1x\nAGE-SECRET-KEY-1X\n")
	if err := a.givenSecrets("", &set, secretFiles{identity: identity, password: written(t, "p", "pass word\nmore\n")}); err != nil || set.Identity != "AGE-SECRET-KEY-1X" || set.Password != "pass word" {
		t.Errorf("%+v %v", set, err)
	}
}

func TestObjectNames(t *testing.T) {
	a := testApp(lang.English)
	for _, tc := range []struct{ args, namespace, want string }{
		{"deployment/web", "shop", "deployment/shop/web"},
		{"deployment/web", "", "deployment/web"},
		{"deployment web api", "shop", "deployment/shop/web deployment/shop/api"},
		{"deployments.apps/shop/web cm/shop/web", "", "deployments.apps/shop/web cm/shop/web"},
		{"deployment shop/web", "", "deployment/shop/web"},
	} {
		names, err := a.objectNames("", tc.namespace, strings.Fields(tc.args))
		var got []string
		for _, n := range names {
			got = append(got, objectName(n))
		}
		if err != nil || strings.Join(got, " ") != tc.want {
			t.Errorf("%s: %v %v", tc.args, got, err)
		}
	}
}
