package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kanrin.dev/kanrin/internal/controlplane"
)

// sourceDatabase is a server that is backed up.
func sourceDatabase(t *testing.T, e engine) *database {
	t.Helper()
	conf := configuration(t)
	conf.Scratch = scratchDir(t)
	d := &database{conf: conf.withDefaults(), result: &DatabaseResult{}}
	var err error
	if d.scratch, err = openScratch(d.conf, serverOverhead); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.kill()
		if err := d.scratch.Close(); err != nil {
			t.Error(err)
		}
	})
	if d.account, err = d.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := e.start(t.Context(), d); err != nil {
		t.Fatal(err, d.problems.all())
	}
	return d
}

// dumpOf runs a program beside a source server.
func dumpOf(t *testing.T, d *database, path string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	err := controlplane.Run(t.Context(), &errs, func(c *exec.Cmd) {
		c.Stdout = &out
		d.account.apply(c, d.dir())
	}, path, args...)
	if err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	return out.String()
}

func proveDump(t *testing.T, kind, sql string) *DatabaseResult {
	t.Helper()
	conf := configuration(t)
	conf.Scratch = scratchDir(t)
	res, err := Database(t.Context(), conf, Dump{Kind: kind, SQL: strings.NewReader(sql), Size: int64(len(sql))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, conf.Scratch)
	t.Logf("%+v", *res)
	return res
}

func codes(all []Problem) string {
	var out []string
	for _, p := range all {
		out = append(out, string(p.Code))
	}
	return strings.Join(out, " ")
}

func skipWithout(t *testing.T, err error) {
	t.Helper()
	var none *NoServer
	if errors.As(err, &none) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestMariaDB(t *testing.T) {
	t.Parallel()
	m, err := findMariaDB()
	skipWithout(t, err)
	d := sourceDatabase(t, m)
	_, reason, err := m.ask(t.Context(), d, strings.Join([]string{
		"CREATE DATABASE shop", "CREATE DATABASE `o``dd name`", "CREATE USER 'app'@'%' IDENTIFIED BY 'secret'", "ALTER USER root@localhost IDENTIFIED BY 'other'",
		"CREATE TABLE shop.orders (id INT PRIMARY KEY, note TEXT, b BLOB)", `INSERT INTO shop.orders VALUES (1, '\\! touch x', x'00ff0a'), (2, 'é', NULL), (3, '', '')`,
		"CREATE TABLE `o``dd name`.`t``\"\nx` (a INT)", "INSERT INTO `o``dd name`.`t``\"\nx` VALUES (1), (2)",
		"CREATE VIEW shop.recent AS SELECT id FROM shop.orders", "CREATE FUNCTION shop.one() RETURNS INT RETURN 1",
	}, ";\n"))
	if err != nil {
		t.Fatal(reason, err)
	}
	dumper, err := exec.LookPath("mariadb-dump")
	if err != nil {
		t.Skip(err)
	}
	dump := dumpOf(t, d, dumper, "--no-defaults", "--socket="+m.socket(d), "--user=root", "--password=other", "--single-transaction", "--routines",
		"--events", "--triggers", "--hex-blob", "--all-databases", "--flush-privileges")
	res := proveDump(t, MariaDB, dump)
	if len(res.Problems) > 0 || fmt.Sprint(res.Databases) != "[{o`dd name [{ t`\"\nx 2}] 0 0} {shop [{ orders 3}] 1 1}]" || res.Server == "" {
		t.Errorf("%+v", res)
	}

	cut := strings.LastIndex(dump, "-- Dump completed")
	if res := proveDump(t, MariaDB, dump[:cut]); codes(res.Problems) != "DumpIncomplete" {
		t.Error("cut off before its end:", res.Problems)
	}
	mark := filepath.Join(t.TempDir(), "ran")
	hostile := "\\! touch " + mark + "\nsystem touch " + mark + "\n;\n-- Dump completed\n"
	if res := proveDump(t, MariaDB, hostile); codes(res.Problems) != "LoadFailed" {
		t.Error("hostile:", res.Problems)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("the dump ran a command")
	}
}

const postgresSeed = `CREATE ROLE app LOGIN PASSWORD 'secret';
CREATE ROLE "odd ""role";
CREATE ROLE postgres SUPERUSER;
CREATE DATABASE shop OWNER app;
CREATE DATABASE "o""dd name";
\connect shop
CREATE SCHEMA "s""x";
CREATE TABLE "s""x"."t
" (a int);
INSERT INTO "s""x"."t
" SELECT generate_series(1, 1000);
CREATE TABLE orders (id int PRIMARY KEY, note text);
INSERT INTO orders VALUES (1, E'\\.\n\\! touch x'), (2, E'COPY x FROM stdin;\nCREATE ROLE y;'), (3, NULL);
ALTER TABLE orders OWNER TO app;
GRANT SELECT ON orders TO "odd ""role";
CREATE VIEW recent AS SELECT id FROM orders;
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $x$SELECT '
COPY x (a) FROM stdin;
\connect template1
' $x$;
`

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	p, err := findPostgres()
	skipWithout(t, err)
	d := sourceDatabase(t, p)
	if _, reason, err := p.ask(t.Context(), d, "template1", postgresSeed); err != nil {
		t.Fatal(reason, err)
	}
	initdb, err := filepath.EvalSymlinks(p.initdb)
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Dir(initdb)
	dump := dumpOf(t, d, filepath.Join(bin, "pg_dumpall"), "--clean", "--if-exists", "--host="+d.dir(), "--username="+postgresUser)
	// As from a machine with other sort orders and a disk for a tablespace.
	dump = strings.Replace(dump, "\n\\connect shop\n", "\nCREATE TABLESPACE fast OWNER app LOCATION '/var/fast';\n\\connect shop\n", 1)
	dump = strings.ReplaceAll(dump, "DROP ROLE IF EXISTS "+postgresUser+";", "")
	dump = strings.ReplaceAll(dump, "CREATE ROLE "+postgresUser+";", "")
	dump = strings.ReplaceAll(dump, "LOCALE = 'C'", "LOCALE = 'xx_YY.UTF-8'")
	dump = removeDatabase(dump, postgresUser)
	res := proveDump(t, PostgreSQL, dump)
	const want = "[{o\"dd name [] 0 0} {shop [{public orders 3} {s\"x t\n 1000}] 1 1}]"
	if len(res.Problems) > 0 || fmt.Sprint(res.Databases) != want || res.Server == "" || !strings.Contains(codes(res.Excluded), "Locale") {
		t.Errorf("%+v", res)
	}
	if cut := dump[:len(dump)/2]; codes(proveDump(t, PostgreSQL, cut).Problems) == "" {
		t.Error("half a dump is fine")
	}

	one := dumpOf(t, d, filepath.Join(bin, "pg_dump"), "--create", "--clean", "--if-exists", "--dbname=shop", "--host="+d.dir(), "--username="+postgresUser)
	res = proveDump(t, PostgreSQL, one)
	if len(res.Problems) > 0 || fmt.Sprint(res.Databases) != want[:1]+want[strings.Index(want, "{shop"):] || codes(res.Excluded) != "Roles Roles" {
		t.Errorf("%+v", res)
	}

	mark := filepath.Join(t.TempDir(), "ran")
	hostile := `SELECT 1 \! touch ` + mark + "\n-- PostgreSQL database dump complete\n"
	if res := proveDump(t, PostgreSQL, hostile); codes(res.Problems) != "LoadFailed" {
		t.Error("hostile:", res.Problems)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("the dump ran a command")
	}
}

// removeDatabase takes a database of the test's own out of a dump of all.
func removeDatabase(dump, name string) string {
	var out []string
	for _, line := range strings.SplitAfter(dump, "\n") {
		if !strings.Contains(line, "DATABASE "+name) && !strings.Contains(line, "DATABASE IF EXISTS "+name) && !strings.HasPrefix(line, `\connect `+name) {
			out = append(out, line)
		}
	}
	return strings.ReplaceAll(strings.Join(out, ""), "ALTER ROLE "+postgresUser+" ", "-- ")
}

func TestDatabaseCancelled(t *testing.T) {
	t.Parallel()
	for kind, find := range map[string]func() error{
		MariaDB:    func() error { _, err := findMariaDB(); return err },
		PostgreSQL: func() error { _, err := findPostgres(); return err },
	} {
		t.Run(kind, func(t *testing.T) {
			skipWithout(t, find())
			for _, stage := range []string{StageServer, StageLoad} {
				ctx, cancel := context.WithCancel(t.Context())
				conf := configuration(t)
				conf.Scratch = scratchDir(t)
				_, err := Database(ctx, conf, Dump{Kind: kind, SQL: strings.NewReader(""), Size: 1}, func(s Stage) {
					if s.Name == stage {
						cancel()
					}
				})
				if !errors.Is(err, context.Canceled) {
					t.Error(stage, err)
				}
				nothingLeft(t, conf.Scratch)
			}
		})
	}
}

func TestNoServer(t *testing.T) {
	_, err := program(PostgreSQL, []string{t.TempDir()}, "no-such-program")
	var none *NoServer
	if !errors.As(err, &none) || none.Program != "no-such-program" {
		t.Error(err)
	}
}
