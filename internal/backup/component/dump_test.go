package component_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/component"
)

// needsServer skips where a database server is not installed (hack/prepare.sh test installs them), and for who is not root: root is who
// may sign in to a fresh MariaDB, and who becomes postgres.
func needsServer(t *testing.T, program string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	found, _ := filepath.Glob(program)
	if len(found) == 0 {
		t.Skipf("%s is not installed", program)
	}
	return found[len(found)-1]
}

// daemon runs a program until the test ends, and waits until it takes orders.
func daemon(t *testing.T, ready func() error, argv ...string) {
	t.Helper()
	c := exec.Command(argv[0], argv[1:]...)
	c.Dir = "/"
	out, err := os.Create(filepath.Join(t.TempDir(), "log"))
	must(t, err)
	c.Stdout, c.Stderr = out, out
	must(t, c.Start())
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM) // in order: killed servers leave shared memory behind
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = c.Process.Kill()
			<-ended
		}
		out.Close()
	})
	deadline := time.Now().Add(time.Minute)
	for err = ready(); err != nil; err = ready() {
		select {
		case <-ended:
			said, _ := os.ReadFile(out.Name())
			t.Fatalf("%s ended: %s", argv[0], said)
		case <-time.After(100 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer: %v", argv[0], err)
		}
	}
}

func command(argv ...string) error {
	c := exec.Command(argv[0], argv[1:]...)
	c.Dir = "/"
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %w: %s", argv, err, out)
	}
	return nil
}

// shortDir is short enough for a socket, and open to other accounts.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "kdb")
	must(t, err)
	must(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestMariaDB(t *testing.T) {
	server := needsServer(t, "/usr/sbin/mariadbd")
	dir := shortDir(t)
	socket := dir + "/s"
	must(t, command("mariadb-install-db", "--no-defaults", "--user=root", "--datadir="+dir+"/data", "--auth-root-authentication-method=normal"))
	sql := func(q string) error {
		return command("mariadb", "--no-defaults", "--default-character-set=utf8mb4", "--socket="+socket, "--user=root", "-e", q)
	}
	daemon(t, func() error { return sql("select 1") }, server, "--no-defaults", "--user=root", "--datadir="+dir+"/data", "--socket="+socket, "--skip-networking")
	must(t, sql("create database shop character set utf8mb4; create table shop.orders (id int primary key, note varchar(40)); insert into shop.orders values (1,'一つ'),(2,'two')"))
	s := newStand(t)
	c := v1alpha1.BackupComponent{Name: "mariadb", Type: v1alpha1.ComponentMariaDB, Hosts: []string{"w1"}, Arguments: []string{"--socket=" + socket}}
	rec, set, err := s.capture(c)
	must(t, err)
	dump := s.read(set, "mariadb/dump.sql")
	if !strings.Contains(dump, "一つ") || !strings.Contains(dump, "-- Dump completed") || !strings.Contains(rec.Version, "MariaDB") {
		t.Errorf("the dump of %d bytes, version %q", len(dump), rec.Version)
	}
	c.Databases = []string{"nothing_of_that_name"}
	var gone *component.AbsentError
	if _, _, err := s.capture(c); !errors.As(err, &gone) || gone.Missing.Code != "CommandFailed" {
		t.Errorf("a database that is not there: %v", err)
	}
}

func TestPostgreSQL(t *testing.T) {
	initdb := needsServer(t, "/usr/lib/postgresql/*/bin/initdb")
	if _, err := user.Lookup("postgres"); err != nil {
		t.Skip(err)
	}
	dir := shortDir(t)
	must(t, command("chown", "postgres", dir))
	as := func(argv ...string) []string {
		return append([]string{"setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"}, argv...)
	}
	must(t, command(as(initdb, "--auth=trust", "--encoding=UTF8", "--pgdata="+dir+"/data")...))
	bin := filepath.Dir(initdb)
	sql := func(q string) error {
		return command(as(bin+"/psql", "--no-psqlrc", "--host="+dir, "-d", "postgres", "-c", q)...)
	}
	daemon(t, func() error { return sql("select 1") }, as(bin+"/postgres", "-D", dir+"/data", "-k", dir, "-c", "listen_addresses=")...)
	must(t, sql("create table orders (id int primary key, note text)"))
	must(t, sql("insert into orders values (1,'一つ'),(2,'two')"))
	s := newStand(t)
	c := v1alpha1.BackupComponent{Name: "pg", Type: v1alpha1.ComponentPostgreSQL, Hosts: []string{"w1"}, Arguments: []string{"--host=" + dir}}
	rec, set, err := s.capture(c)
	must(t, err)
	dump := s.read(set, "pg/dump.sql")
	if !strings.Contains(dump, "一つ") || !strings.Contains(dump, "PostgreSQL database cluster dump complete") || !strings.Contains(rec.Version, "PostgreSQL") {
		t.Errorf("the dump of %d bytes, version %q", len(dump), rec.Version)
	}
}
