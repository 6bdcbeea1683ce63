package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// postgresUser is the superuser of a scratch server: none that a dump would drop and make anew.
const postgresUser = "kanrin_proof"

type postgres struct {
	server, initdb, client string
}

func findPostgres() (*postgres, error) {
	// Debian and Red Hat keep each version in its own directory; the newest reads dumps of all.
	var dirs []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"} {
		found, _ := filepath.Glob(pattern) // the patterns are good
		dirs = append(dirs, found...)
	}
	slices.SortFunc(dirs, func(a, b string) int { return cmpBy(len(b)-len(a), strings.Compare(b, a)) })
	var p postgres
	for to, name := range map[*string]string{&p.server: "postgres", &p.initdb: "initdb", &p.client: "psql"} {
		path, err := program(PostgreSQL, dirs, name)
		if err != nil {
			return nil, &NoServer{Kind: PostgreSQL, Program: name}
		}
		*to = path
	}
	return &p, nil
}

func (p *postgres) end(head string) string {
	if strings.Contains(head, "-- PostgreSQL database cluster dump") {
		return "-- PostgreSQL database cluster dump complete"
	}
	return "-- PostgreSQL database dump complete"
}

func (p *postgres) start(ctx context.Context, d *database) error {
	_, reason, err := d.run(ctx, nil, p.initdb, "--pgdata="+d.dir("data"), "--username="+postgresUser, "--auth=trust", "--encoding=UTF8",
		"--locale=C", "--no-sync", "--no-instructions")
	if err != nil {
		return d.failed(ctx, ServerFailed, reason, err)
	}
	args := []string{"-D", d.dir("data"), "-k", d.dir(), "-h", ""}
	for _, setting := range []string{
		"fsync=off", "full_page_writes=off", "synchronous_commit=off", "wal_level=minimal", "max_wal_senders=0", "max_wal_size=256MB",
		"autovacuum=off", "shared_buffers=64MB", "maintenance_work_mem=128MB", "max_connections=10", "dynamic_shared_memory_type=mmap",
	} {
		args = append(args, "-c", setting)
	}
	err = d.serve(ctx, p.server, args, func(ctx context.Context) error {
		_, reason, err := p.ask(ctx, d, "template1", "SELECT 1")
		if err != nil {
			return fmt.Errorf("%w: %s", err, reason)
		}
		return nil
	})
	if err != nil {
		return err
	}
	// A database to be connected to that no dump drops.
	if _, reason, err := p.ask(ctx, d, "template1", "CREATE DATABASE "+postgresUser); err != nil {
		return d.failed(ctx, ServerFailed, reason, err)
	}
	return nil
}

func (p *postgres) ask(ctx context.Context, d *database, name, query string) (out, reason string, err error) {
	return d.run(ctx, strings.NewReader(query+";\n"), p.client, p.clientArgs(d, name)...)
}

func (p *postgres) clientArgs(d *database, name string) []string {
	return []string{
		"--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse", "--host=" + d.dir(), "--username=" + postgresUser,
		"--dbname=" + conninfo(name), "--file=-",
	}
}

// conninfo quotes a database's name, which psql would otherwise read as a connection string where it looks like one.
func conninfo(name string) string {
	return "dbname='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name) + "'"
}

// load feeds the dump to psql, which is told to obey no commands of its own in it: those could run others.
func (p *postgres) load(ctx context.Context, d *database, dump io.Reader) error {
	filtered, filter, err := newPsqlFilter(dump, d)
	if err != nil {
		return err
	}
	_, reason, err := d.run(ctx, filtered, p.client, p.clientArgs(d, postgresUser)...)
	filtered.Close()
	if readErr := <-filter; readErr != nil && !errors.Is(readErr, io.ErrClosedPipe) && err == nil {
		return fmt.Errorf("reading the dump: %w", readErr)
	}
	if err != nil {
		return d.failed(ctx, LoadFailed, reason, err)
	}
	return nil
}

func (p *postgres) query(ctx context.Context, d *database) error {
	out, reason, err := p.ask(ctx, d, postgresUser, "SELECT json_build_object('version', current_setting('server_version'))::text;"+
		"SELECT json_build_object('db', datname)::text FROM pg_database WHERE datallowconn AND NOT datistemplate AND datname <> '"+postgresUser+"' ORDER BY datname")
	if err != nil {
		return d.failed(ctx, QueryFailed, reason, err)
	}
	if err := d.count(ctx, out, nil, nil); err != nil {
		return err
	}
	names := d.result.Databases
	d.result.Databases = nil
	for _, db := range names {
		if err := p.queryOne(ctx, d, db.Name); err != nil {
			return err
		}
	}
	// The database that every server has says nothing when it is empty.
	d.result.Databases = slices.DeleteFunc(d.result.Databases, func(db LoadedDatabase) bool {
		return db.Name == "postgres" && len(db.Tables) == 0 && db.Views == 0 && db.Routines == 0
	})
	return nil
}

func (p *postgres) queryOne(ctx context.Context, d *database, name string) error {
	const user = " NOT (n.nspname LIKE 'pg\\_%' OR n.nspname = 'information_schema')"
	all := d.result.Databases
	d.result.Databases = nil
	out, reason, err := p.ask(ctx, d, name,
		"SELECT json_build_object('db', current_database(), 'views', (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v' AND"+user+
			"), 'routines', (SELECT count(*) FROM pg_proc c JOIN pg_namespace n ON n.oid = c.pronamespace WHERE"+user+"))::text;"+
			"SELECT json_build_object('db', current_database(), 'schema', n.nspname, 'table', c.relname)::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"+
			" WHERE c.relkind IN ('r','m') AND"+user+" ORDER BY n.nspname, c.relname")
	if err != nil {
		return d.failed(ctx, QueryFailed, reason, err)
	}
	err = d.count(ctx, out, func(_, schema, table string) string {
		return "SELECT count(*) FROM " + doublequote(schema) + "." + doublequote(table)
	}, func(database string, queries []string) (string, string, error) {
		return p.ask(ctx, d, database, strings.Join(queries, ";\n"))
	})
	d.result.Databases = append(all, d.result.Databases...)
	return err
}

func doublequote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
