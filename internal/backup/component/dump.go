package component

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sync/errgroup"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// command captures the standard output of a command.
func (e Env) command(ctx context.Context, c v1alpha1.BackupComponent, w Writer) (*Record, error) {
	if len(c.Command) == 0 {
		return nil, absent("NoCommand", c.Name, nil)
	}
	file := c.File
	if file == "" {
		file = "output"
	}
	return e.output(ctx, c, c.Command, file, nil, w)
}

// trailer is what the last bytes of a complete dump contain.
type trailer []byte

const trailerReach = 4096

// output writes what a command prints into a file. It counts only when the command ended well and its output ends as it should.
func (e Env) output(ctx context.Context, c v1alpha1.BackupComponent, argv []string, file string, end trailer, w Writer) (*Record, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout(c))
	defer cancel()
	r, err := e.place(ctx, c)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.DeadlineExceeded) {
			return nil, cause
		}
		return nil, absent("SourceUnusable", c.Name, err)
	}
	rec := &Record{From: r.where}
	var reading error
	run := func(to io.Writer) error {
		last := &tail{}
		reading = r.run(ctx, argv, io.MultiWriter(to, last))
		if reading == nil && end != nil && !bytes.Contains(last.data, end) {
			reading = fmt.Errorf("the output of %s does not end as a complete one does (%q)", argv[0], string(end))
		}
		if reading == nil && last.total == 0 {
			reading = fmt.Errorf("%s printed nothing", argv[0])
		}
		return reading
	}
	err = e.hooked(ctx, c, r, func() error {
		if c.Sealed {
			return e.sealed(w, file+".age", run)
		}
		pr, pw := io.Pipe()
		var both errgroup.Group
		both.Go(func() error {
			err := run(pw)
			pw.CloseWithError(err)
			return err
		})
		both.Go(func() error {
			_, err := w.File(file, stamp(0o600), pr)
			pr.CloseWithError(err)
			return err
		})
		return both.Wait()
	})
	var read *readError
	switch {
	case err == nil:
		return rec, nil
	case reading != nil || errors.As(err, &read):
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.DeadlineExceeded) {
			return nil, cause
		}
		if reading == nil {
			reading = read.error
		}
		return nil, absent("CommandFailed", c.Name, reading, "where", r.where)
	}
	return nil, err
}

// tail keeps the last bytes and counts all.
type tail struct {
	data  []byte
	total int64
}

func (t *tail) Write(p []byte) (int, error) {
	t.total += int64(len(p))
	t.data = append(t.data, p...)
	if extra := len(t.data) - trailerReach; extra > 0 {
		t.data = t.data[extra:]
	}
	return len(p), nil
}

// The scripts pick the program that is there and the password that the official images keep in their environment. Everything that comes
// from a policy is a positional parameter.
const (
	mariadbScript = `
dump=$(command -v mariadb-dump || command -v mysqldump) || { echo 'neither mariadb-dump nor mysqldump is there' >&2; exit 127; }
export MYSQL_PWD="${MARIADB_ROOT_PASSWORD:-${MYSQL_ROOT_PASSWORD:-${MYSQL_PWD:-}}}"
exec "$dump" --user=root --single-transaction --quick --routines --events --triggers --hex-blob --dump-date "$@"`
	mariadbVersion = `m=$(command -v mariadbd || command -v mysqld || command -v mariadb || command -v mysql) && "$m" --version`

	postgresScript = `
export PGUSER="${POSTGRES_USER:-postgres}" PGPASSWORD="${POSTGRES_PASSWORD:-${PGPASSWORD:-}}"
if [ "$(id -u)" = 0 ] && id postgres >/dev/null 2>&1; then exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"; fi
exec "$@"`

	mongoScript = `
set -- "$@"
if [ -n "${MONGO_INITDB_ROOT_USERNAME:-}" ]; then
  umask 077; c=$(mktemp) || exit 1; trap 'rm -f "$c"' EXIT
  printf 'password: "%s"\n' "$MONGO_INITDB_ROOT_PASSWORD" >"$c"
  mongodump --config="$c" --username="$MONGO_INITDB_ROOT_USERNAME" --authenticationDatabase=admin --quiet --archive "$@"
  exit $?
fi
exec mongodump --quiet --archive "$@"`
)

// dumpMark is the last line of a dump of mysqldump and mariadb-dump; that of pg_dumpall and pg_dump.
var (
	mariadbEnd  = trailer("-- Dump completed")
	postgresEnd = trailer("PostgreSQL database cluster dump complete")
	postgresOne = trailer("PostgreSQL database dump complete")
)

// database captures a logical dump.
func (e Env) database(ctx context.Context, c v1alpha1.BackupComponent, w Writer) (*Record, error) {
	var argv []string
	var version []string
	var end trailer
	file := c.File
	sh := func(script string, args ...string) []string {
		return append([]string{"sh", "-c", script, "sh"}, args...)
	}
	switch c.Type {
	case v1alpha1.ComponentMariaDB:
		args := append([]string{}, c.Arguments...)
		if len(c.Databases) > 0 {
			args = append(append(args, "--databases", "--"), c.Databases...)
		} else {
			args = append(args, "--all-databases")
		}
		argv, version, end = sh(mariadbScript, args...), sh(mariadbVersion), mariadbEnd
	case v1alpha1.ComponentPostgreSQL:
		argv, version, end = sh(postgresScript, append([]string{"pg_dumpall", "--clean", "--if-exists"}, c.Arguments...)...), sh(postgresScript, "pg_dumpall", "--version"), postgresEnd
		if len(c.Databases) == 1 {
			argv = sh(postgresScript, append([]string{"pg_dump", "--create", "--clean", "--if-exists", "--dbname=" + c.Databases[0]}, c.Arguments...)...)
			end = postgresOne
		} else if len(c.Databases) > 1 {
			return nil, absent("OneDatabase", c.Name, nil)
		}
	case v1alpha1.ComponentMongoDB:
		args := append([]string{}, c.Arguments...)
		if len(c.Databases) == 1 {
			args = append(args, "--db="+c.Databases[0])
		} else if len(c.Databases) > 1 {
			return nil, absent("OneDatabase", c.Name, nil)
		}
		argv, version = sh(mongoScript, args...), []string{"mongodump", "--version"}
		if file == "" {
			file = "dump.archive"
		}
	}
	if file == "" {
		file = "dump.sql"
	}
	rec, err := e.output(ctx, c, argv, file, end, w)
	if err != nil {
		return nil, err
	}
	rec.Version = e.ask(ctx, c, version)
	return rec, nil
}

// ask runs a command for one line; what it does not say is not known.
func (e Env) ask(ctx context.Context, c v1alpha1.BackupComponent, argv []string) string {
	ctx, cancel := context.WithTimeout(ctx, hookTimeout)
	defer cancel()
	r, err := e.place(ctx, c)
	if err != nil {
		return ""
	}
	out := &tail{}
	if r.run(ctx, argv, out) != nil {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(strings.ToValidUTF8(string(out.data), "")), "\n")
	return line[:min(len(line), 120)]
}
