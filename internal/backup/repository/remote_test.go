package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"golang.org/x/crypto/ssh"

	"kanrin.dev/kanrin/internal/hosts/hoststest"
)

// conform is what every kind of storage must do.
func conform(t *testing.T, l Location, c Credentials) {
	t.Helper()
	o := Options{Cluster: "prod", CacheDir: t.TempDir()}
	if _, err := Open(t.Context(), l, c, o); StateOf(err) != NotFound {
		t.Errorf("opening nothing: %v", err)
	}
	r, err := Create(t.Context(), l, c, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(t.Context(), l, c, o); StateOf(err) != AlreadyExists {
		t.Errorf("creating again: %v", err)
	}
	content := map[string]files{"etcd": {"snapshot.db": random(24<<20, 1)}, "dir": {"a/f": "x", "l": "→ a/f"}}
	seal(t, r, "one", content)
	seal(t, r, "two", map[string]files{"etcd": {"snapshot.db": random(1<<20, 2)}})
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	wrong := c
	wrong.Password = "wrong"
	if _, err := Open(t.Context(), l, wrong, o); StateOf(err) != WrongPassword {
		t.Errorf("wrong password: %v", err)
	}
	if r, err = Open(t.Context(), l, c, o); err != nil {
		t.Fatal(err)
	}
	set, err := r.OpenSet(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	if read(t, set, "etcd/snapshot.db") != content["etcd"]["snapshot.db"] || read(t, set, "dir/a/f") != "x" {
		t.Error("not what was put")
	}
	for _, readData := range []bool{false, true} {
		if report := verify(t, r, readData, ""); !report.OK() || report.Unlisted != 0 {
			t.Errorf("reading %v: %+v", readData, report)
		}
	}
	if err := r.DeleteSet(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	if m, err := r.Maintain(t.Context(), MaintainOptions{Alone: true}); err != nil || m.Bytes < 20<<20 {
		t.Errorf("maintained %+v, %v", m, err)
	}
	if report := verify(t, r, true, ""); !report.OK() || report.Unlisted != 0 {
		t.Errorf("after maintenance: %+v", report)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	noSecrets(t, o.CacheDir, c)
}

// noSecrets looks through what lies in a directory in clear.
func noSecrets(t *testing.T, dir string, c Credentials) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, _ := os.ReadFile(name)
		for _, secret := range []string{c.Password, c.SecretAccessKey, "PRIVATE KEY", `"entries"`, "kopia:directory"} {
			if secret != "" && strings.Contains(string(data), secret) {
				t.Errorf("%s holds %q", name, secret)
			}
		}
		return nil
	})
}

func TestSFTP(t *testing.T) {
	t.Parallel()
	s := hoststest.Start(t, hoststest.Options{Extra: []string{"Subsystem sftp internal-sftp"}})
	at := SFTPLocation{
		Host: s.Address, Port: s.Port, User: s.User, Path: filepath.Join(memory(t), "deep", "repository"),
		HostKey: string(ssh.MarshalAuthorizedKey(s.HostKey.Public)),
	}
	l, c := Location{Type: SFTP, SFTP: &at}, Credentials{Password: password, SSHKey: s.Key.Private}
	conform(t, l, c)

	other := at
	other.HostKey = string(ssh.MarshalAuthorizedKey(hoststest.NewKey(t).Public))
	if _, err := Open(t.Context(), Location{Type: SFTP, SFTP: &other}, c, Options{}); StateOf(err) != Forbidden {
		t.Errorf("another host key: %v", err)
	}
	stranger := c
	stranger.SSHKey = hoststest.NewKey(t).Private
	if _, err := Open(t.Context(), l, stranger, Options{}); StateOf(err) != Forbidden {
		t.Errorf("another key: %v", err)
	}
	stranger.SSHKey = []byte("not a key")
	if _, err := Open(t.Context(), l, stranger, Options{}); StateOf(err) != Invalid {
		t.Errorf("no key: %v", err)
	}
	r, err := Open(t.Context(), l, c, Options{Cluster: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	// A connection that is lost is made again; a server that is gone is Unreachable.
	dir := r.store.Storage.(*remoteDisk).dir
	dir.mu.Lock()
	_ = dir.conn.Close()
	dir.mu.Unlock()
	if report := verify(t, r, true, "two"); !report.OK() {
		t.Errorf("over a new connection: %+v", report)
	}
	s.Stop()
	if _, err := r.Verify(t.Context(), true, "two"); StateOf(err) != Unreachable {
		t.Errorf("the server is gone: %v", err)
	}
	_ = r.Close(context.Background())
}

// minioServer runs a real MinIO, which the test is skipped without.
func minioServer(t *testing.T) (S3Location, Credentials) {
	t.Helper()
	program := os.Getenv("KANRIN_MINIO")
	if program == "" {
		var err error
		if program, err = exec.LookPath("minio"); err != nil {
			t.Skip("no minio here: go install github.com/minio/minio@latest, and name it in KANRIN_MINIO")
		}
	}
	dir := memory(t)
	address := fmt.Sprintf("127.0.0.1:%d", hoststest.FreePort(t, "127.0.0.1"))
	server := exec.Command(program, "server", "--quiet", "--address", address, "--console-address", "127.0.0.1:0", dir)
	server.Env = append(os.Environ(), "MINIO_ROOT_USER=kanrin-test", "MINIO_ROOT_PASSWORD=secret-of-the-storage", "MINIO_BROWSER=off", "MINIO_CI_CD=1", "HOME="+dir)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	at := S3Location{Endpoint: address, Bucket: "backups", Prefix: "/prod/", PlainHTTP: true}
	c := Credentials{Password: password, AccessKeyID: "kanrin-test", SecretAccessKey: "secret-of-the-storage"}
	client, err := minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(c.AccessKeyID, c.SecretAccessKey, ""), MaxRetries: 1})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		if answer, err := http.Get("http://" + address + "/minio/health/ready"); err == nil {
			_ = answer.Body.Close()
			if err = client.MakeBucket(t.Context(), at.Bucket, minio.MakeBucketOptions{}); err == nil {
				return at, c
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("minio does not come up")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestS3(t *testing.T) {
	t.Parallel()
	at, c := minioServer(t)
	conform(t, Location{Type: S3, S3: &at}, c)
	for name, test := range map[string]struct {
		change func(*S3Location, *Credentials)
		want   State
	}{
		"wrong secret":  {func(_ *S3Location, c *Credentials) { c.SecretAccessKey = "wrong" }, Forbidden},
		"unknown key":   {func(_ *S3Location, c *Credentials) { c.AccessKeyID = "nobody" }, Forbidden},
		"no bucket":     {func(l *S3Location, _ *Credentials) { l.Bucket = "elsewhere" }, NotFound},
		"other prefix":  {func(l *S3Location, _ *Credentials) { l.Prefix = "test" }, NotFound},
		"nobody there":  {func(l *S3Location, _ *Credentials) { l.Endpoint = "127.0.0.1:1" }, Unreachable},
		"TLS to no TLS": {func(l *S3Location, _ *Credentials) { l.PlainHTTP = false }, ""},
		"bad bundle":    {func(l *S3Location, _ *Credentials) { l.PlainHTTP, l.CABundle = false, []byte("x") }, Invalid},
	} {
		l, k := at, c
		test.change(&l, &k)
		_, err := Open(t.Context(), Location{Type: S3, S3: &l}, k, Options{})
		if err == nil || test.want != "" && StateOf(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), c.SecretAccessKey) {
			t.Errorf("%s: the error tells the secret", name)
		}
	}
	r, err := Open(t.Context(), Location{Type: S3, S3: &at}, c, Options{Cluster: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(context.Background())
	local := create(t, place(t), Options{})
	if _, err := r.CopySet(t.Context(), local, "two"); err != nil {
		t.Fatal(err)
	}
	if report := verify(t, local, true, "two"); !report.OK() {
		t.Errorf("copied from S3: %+v", report)
	}
}

// The configuration that kopia is opened with is the only file that could hold a credential.
func TestConfigurationHoldsNoSecret(t *testing.T) {
	t.Parallel()
	r := create(t, place(t), Options{})
	connection := r.store.ConnectionInfo()
	text, err := json.Marshal(connection)
	if err != nil || strings.Contains(string(text), password) || len(text) > 100 {
		t.Errorf("%s, %v", text, err)
	}
	if _, err := os.Stat(filepath.Dir(r.kopia.ConfigFilename())); err == nil {
		t.Errorf("%s is still there", r.kopia.ConfigFilename())
	}
}
