package proof

import (
	"context"
	"fmt"
	"io"
	"strings"
)

type mariadb struct {
	server, install, client string
}

func findMariaDB() (*mariadb, error) {
	var m mariadb
	for _, p := range []struct {
		to    *string
		names []string
	}{
		{&m.server, []string{"mariadbd", "mysqld"}},
		{&m.install, []string{"mariadb-install-db", "mysql_install_db"}},
		{&m.client, []string{"mariadb", "mysql"}},
	} {
		path, err := program(MariaDB, []string{"/usr/sbin", "/usr/bin", "/usr/libexec", "/usr/local/bin"}, p.names...)
		if err != nil {
			return nil, err
		}
		*p.to = path
	}
	return &m, nil
}

func (m *mariadb) end(string) string { return "-- Dump completed" }

func (m *mariadb) socket(d *database) string { return d.dir("s") }

func (m *mariadb) start(ctx context.Context, d *database) error {
	_, reason, err := d.run(ctx, nil, m.install, "--no-defaults", "--datadir="+d.dir("data"), "--auth-root-authentication-method=normal",
		"--skip-test-db", "--skip-name-resolve", "--tmpdir="+d.dir())
	if err != nil {
		return d.failed(ctx, ServerFailed, reason, err)
	}
	return m.serve(ctx, d)
}

func (m *mariadb) serve(ctx context.Context, d *database, extra ...string) error {
	args := append([]string{
		"--no-defaults", "--datadir=" + d.dir("data"), "--socket=" + m.socket(d), "--pid-file=" + d.dir("pid"), "--tmpdir=" + d.dir(),
		"--skip-networking", "--skip-log-bin", "--event-scheduler=OFF", "--local-infile=0", "--secure-file-priv=" + d.dir("data"),
		"--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-flush-method=nosync", "--innodb-buffer-pool-size=128M",
		"--innodb-log-file-size=64M", "--max-allowed-packet=1G", "--sync-frm=0",
	}, extra...)
	return d.serve(ctx, m.server, args, func(ctx context.Context) error {
		_, reason, err := m.ask(ctx, d, "SELECT 1")
		if err != nil {
			return fmt.Errorf("%w: %s", err, reason)
		}
		return nil
	})
}

func (m *mariadb) clientArgs(d *database) []string {
	return []string{
		"--no-defaults", "--socket=" + m.socket(d), "--user=root", "--batch", "--skip-column-names", "--raw",
		"--default-character-set=utf8mb4", "--max-allowed-packet=1G",
	}
}

func (m *mariadb) ask(ctx context.Context, d *database, query string) (out, reason string, err error) {
	return d.run(ctx, strings.NewReader(query+";\n"), m.client, m.clientArgs(d)...)
}

// load feeds the dump to the client in the mode in which it obeys none of its own commands, which could run others.
func (m *mariadb) load(ctx context.Context, d *database, dump io.Reader) error {
	_, reason, err := d.run(ctx, dump, m.client, append(m.clientArgs(d), "--binary-mode")...)
	if err != nil {
		return d.failed(ctx, LoadFailed, reason, err)
	}
	return nil
}

// mariadbSystem are the databases that each server has.
const mariadbSystem = "('mysql','sys','information_schema','performance_schema')"

// query restarts the server first, without accounts: a dump may have brought its own. What it holds then is on its files.
func (m *mariadb) query(ctx context.Context, d *database) error {
	if err := d.stop(ctx); err != nil {
		return err
	}
	if err := m.serve(ctx, d, "--skip-grant-tables"); err != nil {
		return err
	}
	out, reason, err := m.ask(ctx, d, "SELECT JSON_OBJECT('version', VERSION());"+
		"SELECT JSON_OBJECT('db', s.schema_name, 'views', (SELECT COUNT(*) FROM information_schema.tables t WHERE t.table_schema = s.schema_name AND t.table_type = 'VIEW'),"+
		" 'routines', (SELECT COUNT(*) FROM information_schema.routines r WHERE r.routine_schema = s.schema_name))"+
		" FROM information_schema.schemata s WHERE s.schema_name NOT IN "+mariadbSystem+" ORDER BY 1;"+
		"SELECT JSON_OBJECT('db', table_schema, 'table', table_name) FROM information_schema.tables"+
		" WHERE table_type IN ('BASE TABLE','SEQUENCE','SYSTEM VERSIONED') AND table_schema NOT IN "+mariadbSystem+" ORDER BY table_schema, table_name")
	if err != nil {
		return d.failed(ctx, QueryFailed, reason, err)
	}
	return d.count(ctx, out, func(database, _, table string) string {
		return "SELECT COUNT(*) FROM " + backquote(database) + "." + backquote(table)
	}, func(_ string, queries []string) (string, string, error) {
		return m.ask(ctx, d, strings.Join(queries, ";\n"))
	})
}

func backquote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
